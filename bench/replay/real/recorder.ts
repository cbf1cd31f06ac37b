/** Takes the numbers of relays and loads at every tick, and makes the series of an outcome of them. */
import { CLASSES, emptySeries, type Series } from '../outcome.ts';
import type { FleetNumbers } from './fleet.ts';
import type { FrameCounts } from './frame-log.ts';
import type { LoadSample } from './messages.ts';

/** What the loads have counted, all together. */
type Sum = Pick<
  LoadSample,
  'online' | 'wanting' | 'due' | 'contacts' | 'attempts' | 'logins' | 'refused' | 'paced'
>;

/** Frames of a contact, beside those of sessions: upgrade, hello, proof, ready. */
const FRAMES_OF_A_CONTACT = 4;
const MINUTE_MS = 60_000;

export class Recorder {
  readonly #timeScale: number;
  readonly #triggerMs: number;
  readonly #series: Series;
  /** How long each tick took, seconds of the clock. */
  readonly #seconds: number[] = [];
  #before: { atMs: number; sum: Sum } | null = null;
  /** Contacts of each relay when this minute began, and the hottest minute so far. */
  #minute: { fromMs: number; perRelay: number[] } = { fromMs: 0, perRelay: [] };
  #hottest = { most: 0, mean: 0 };

  constructor(timeScale: number, triggerMs: number) {
    this.#timeScale = timeScale;
    this.#triggerMs = triggerMs;
    this.#series = emptySeries();
  }

  /** @param atMs of the replay. @param loads the last sample of each. */
  tick(atMs: number, loads: readonly LoadSample[], fleet: FleetNumbers): void {
    const sum = sumOf(loads);
    this.#heat(atMs, loads, fleet.relays);
    const before = this.#before;
    this.#before = { atMs, sum };
    if (before === null) return;
    // Of the clock, as all rates are.
    const seconds = (atMs - before.atMs) / 1_000 / this.#timeScale;
    const series = this.#series;
    const rate = (of: (sum: Sum) => number): number => (of(sum) - of(before.sum)) / seconds;
    series.atMs.push(Math.round(atMs));
    series.online.push(sum.online);
    series.wanting.push(sum.wanting);
    series.capacityPeers.push(fleet.capacityPeers);
    series.relaysUp.push(fleet.up);
    series.attemptsPerSec.push(rate((each) => each.attempts));
    series.contactsPerSec.push(rate((each) => each.paced.contacts));
    series.loginsPerSec.push(rate((each) => each.logins));
    series.refusedPerSec.push(rate((each) => each.refused));
    series.loadMost.push(fleet.loadMost);
    series.loadMean.push(fleet.loadMean);
    series.queueMost.push(fleet.queueMost);
    this.#seconds.push(seconds);
    series.signalPerSec.push(rate((each) => each.paced.packets));
  }

  /** Since the trigger: contacts of the relay that got most of them in a minute, and the mean of all relays in it. */
  get hottest(): { most: number; mean: number } {
    return this.#hottest;
  }

  #heat(atMs: number, loads: readonly LoadSample[], relays: number): void {
    if (atMs - this.#minute.fromMs < MINUTE_MS) return;
    const perRelay = Array.from({ length: relays }, (_, relay) =>
      loads.reduce((sum, load) => sum + (load.perRelay[relay] ?? 0), 0),
    );
    // A tick may come late: what it brought is of so many minutes.
    const minutes = (atMs - this.#minute.fromMs) / MINUTE_MS;
    const got = perRelay.map((count, relay) => (count - (this.#minute.perRelay[relay] ?? 0)) / minutes);
    this.#minute = { fromMs: atMs, perRelay };
    const most = Math.max(...got);
    if (most <= this.#hottest.most) return;
    this.#hottest = { most, mean: got.reduce((sum, count) => sum + count, 0) / relays };
  }

  /** Contacts that were due and were not begun: what the load processes could not make. */
  get notMade(): number {
    const sum = this.#before?.sum;
    return sum ? sum.due - sum.contacts : 0;
  }

  /** @param frames of the loads, by intervals of so many milliseconds of the clock. */
  end(frames: readonly FrameCounts[], stepMs: number): Series {
    const series = this.#series;
    CLASSES.forEach((name, priority) => {
      series.offered[name] = this.#perSec(
        frames.map(({ sent }) => sent[priority]!),
        stepMs,
      );
      series.served[name] = this.#perSec(
        frames.map(({ got }) => got[priority]!),
        stepMs,
      );
    });
    const isBaseline = series.atMs.map((at) => at <= this.#triggerMs);
    const mean = (values: readonly number[]): number => {
      const picked = values.filter((_, at) => isBaseline[at]);
      return picked.reduce((sum, value) => sum + value, 0) / Math.max(1, picked.length);
    };
    const online = mean(series.online);
    const sent = CLASSES.reduce((sum, name) => sum + mean(series.offered[name]), 0);
    const framesOfAPeer = sent / Math.max(1, online);
    series.room = series.capacityPeers.map((peers) => peers * framesOfAPeer);
    // Sessions that are wanted, whether or not there is a relay for them, and contacts, in frames.
    const asked = series.wanting.map(
      (wanting, at) => wanting * framesOfAPeer + series.contactsPerSec[at]! * FRAMES_OF_A_CONTACT,
    );
    const base = Math.max(1e-9, mean(asked));
    series.offeredLoad = asked.map((value) => value / base);
    return series;
  }

  /** Counts of intervals, as rates at the samples: each interval counts at the sample in which its middle is. */
  #perSec(rows: readonly (readonly number[])[], stepMs: number): number[] {
    const { atMs } = this.#series;
    const sums = atMs.map(() => 0);
    let at = 0;
    for (let interval = 0; interval < Math.max(0, ...rows.map(({ length }) => length)); interval++) {
      const middleMs = (interval + 0.5) * stepMs * this.#timeScale;
      while (at < atMs.length && atMs[at]! < middleMs) at++;
      if (at === atMs.length) break;
      for (const row of rows) sums[at]! += row[interval] ?? 0;
    }
    return sums.map((sum, index) => sum / this.#seconds[index]!);
  }
}

function sumOf(loads: readonly LoadSample[]): Sum {
  const total = (of: (sample: LoadSample) => number): number =>
    loads.reduce((sum, load) => sum + of(load), 0);
  return {
    online: total((load) => load.online),
    wanting: total((load) => load.wanting),
    due: total((load) => load.due),
    contacts: total((load) => load.contacts),
    attempts: total((load) => load.attempts),
    logins: total((load) => load.logins),
    refused: total((load) => load.refused),
    paced: {
      contacts: total((load) => load.paced.contacts),
      packets: total((load) => load.paced.packets),
    },
  };
}
