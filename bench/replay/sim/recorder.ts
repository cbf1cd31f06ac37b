/** Makes the series of an outcome from what each step was. */
import { type AskedWindow, CLASSES, emptySeries, type Series, type Waits } from '../outcome.ts';
import type { Plan } from '../plan.ts';

/** Replay time of a sample, and of a window of criterion 3. */
const SAMPLE_MS = 10_000;
export const WINDOW_MS = 600_000;
/** Waits are kept by whole milliseconds up to a minute. */
const MOST_WAIT_MS = 60_000;

export interface Step {
  online: number;
  wanting: number;
  capacityPeers: number;
  relaysUp: number;
  loadMost: number;
  loadMean: number;
  queueMost: number;
  roomMs: number;
  /** Work that sessions ask for, wherever. */
  sessionMs: number;
}

/** Counted as it happens, taken over at each sample. */
export class Counts {
  attempts = 0;
  contacts = 0;
  logins = 0;
  refused = 0;
  contactMs = 0;
  signals = 0;
}

export class Recorder {
  readonly counts = new Counts();
  readonly series: Series;
  readonly offered = new Float64Array(CLASSES.length);
  readonly served = new Float64Array(CLASSES.length);
  readonly asked: AskedWindow[] = [];
  readonly #waits = new Float64Array(MOST_WAIT_MS + 1);
  /** The window of the last look. */
  #window = 0;
  #windowMs = 0;
  #waitCount = 0;
  #waitMost = 0;
  readonly #scale: number;
  readonly #stepMs: number;
  readonly #everySteps: number;
  #steps = 0;
  #sums = { room: 0, session: 0 };
  #queueMost = 0;

  constructor({ timeScale }: Plan, stepMs: number) {
    this.#scale = timeScale;
    this.#stepMs = stepMs;
    this.#everySteps = Math.max(1, Math.round(SAMPLE_MS / timeScale / stepMs));
    this.series = emptySeries();
  }

  /** Of criterion 3. @param first the first try for this login in this window. */
  attempt(now: number, first: boolean): void {
    const window = this.windowAt(now);
    while (this.asked.length <= window) {
      this.asked.push({ fromMs: this.asked.length * WINDOW_MS, attempts: 0, distinct: 0 });
    }
    this.asked[window]!.attempts++;
    if (first) this.asked[window]!.distinct++;
  }

  windowAt(now: number): number {
    if (now !== this.#windowMs) {
      this.#windowMs = now;
      this.#window = Math.floor((now * this.#scale) / WINDOW_MS);
    }
    return this.#window;
  }

  waited(ms: number): void {
    this.#waits[Math.min(MOST_WAIT_MS, Math.ceil(ms))]! += 1;
    this.#waitCount++;
    this.#waitMost = Math.max(this.#waitMost, ms);
  }

  step(now: number, of: Step): void {
    this.#steps++;
    this.#sums.room += of.roomMs;
    this.#sums.session += of.sessionMs;
    this.#queueMost = Math.max(this.#queueMost, of.queueMost);
    if (this.#steps === this.#everySteps) this.#sample(now, of);
  }

  #sample(now: number, of: Step): void {
    const { series, counts } = this;
    const seconds = (this.#steps * this.#stepMs) / 1_000;
    series.atMs.push(Math.round(now * this.#scale));
    series.online.push(of.online);
    series.wanting.push(of.wanting);
    series.capacityPeers.push(of.capacityPeers);
    series.relaysUp.push(of.relaysUp);
    series.attemptsPerSec.push(counts.attempts / seconds);
    series.contactsPerSec.push(counts.contacts / seconds);
    series.loginsPerSec.push(counts.logins / seconds);
    series.refusedPerSec.push(counts.refused / seconds);
    series.offeredLoad.push((this.#sums.session + counts.contactMs) / seconds);
    series.signalPerSec.push(counts.signals / seconds);
    series.loadMost.push(of.loadMost);
    series.loadMean.push(of.loadMean);
    series.queueMost.push(this.#queueMost);
    for (const [k, name] of CLASSES.entries()) {
      series.offered[name].push(this.offered[k]! / seconds);
      series.served[name].push(this.served[k]! / seconds);
    }
    series.room.push(this.#sums.room / seconds);
    this.offered.fill(0);
    this.served.fill(0);
    Object.assign(counts, new Counts());
    this.#steps = 0;
    this.#queueMost = 0;
    this.#sums = { room: 0, session: 0 };
  }

  /** The work of all samples over that of the mean one before the trigger. */
  relativeTo(triggerMs: number): void {
    const { atMs, offeredLoad } = this.series;
    const before = offeredLoad.filter((_, at) => atMs[at]! <= triggerMs);
    const mean = before.reduce((sum, one) => sum + one, 0) / Math.max(1, before.length);
    this.series.offeredLoad = offeredLoad.map((one) => one / (mean || 1));
  }

  queueWait(): Waits {
    return {
      count: this.#waitCount,
      p50: this.#waitAt(0.5),
      p99: this.#waitAt(0.99),
      max: this.#waitMost,
    };
  }

  #waitAt(share: number): number {
    let seen = 0;
    for (let ms = 0; ms <= MOST_WAIT_MS; ms++) {
      seen += this.#waits[ms]!;
      if (seen > 0 && seen >= this.#waitCount * share) return ms;
    }
    return 0;
  }
}
