/**
 * A real replay: relay processes that are killed with SIGKILL, and load processes with a real socket for every peer, on
 * this machine. docs/replays-real.md says what is scaled and what cannot be.
 *
 *   check room -> start relays -> peers log in -> begin -> baseline | trigger: kills, slow store | watch -> outcome
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { memoryParent } from '../../../core/directory/memory-place.ts';
import { merge, msAt } from '../../run/histograms.ts';
import type { Outcome } from '../outcome.ts';
import { armOf, type Plan, REQUALIFY_MS } from '../plan.ts';
import { ReplayChild } from './child.ts';
import { Fleet } from './fleet.ts';
import type { FromLoad, FromStore, LoadOrder, LoadResult, LoadSample, ToLoad, ToStore } from './messages.ts';
import { Recorder } from './recorder.ts';
import { checkRoom } from './room.ts';
import { type Schedule, scheduleOf } from './schedule.ts';
import { type Shape, shapeOf } from './shape.ts';

export interface RealHost {
  /** What is being done, for people. */
  progress(text: string): void;
}

/** A machine that others use too is slow to start things. */
const START_DEADLINE_MS = 60_000;
const RESULT_DEADLINE_MS = 20_000;
/** Peers come at this share of what all relays can serve, before the replay. */
const RAMP_SHARE = 0.6;
/** What a load process may take to note that a relay is killed, which must not be taken for a fault. */
const NOTE_MS = 500;
/** How often the peers are told the load of the relays, milliseconds of the clock: 30 s of the replay at the scale of 120; 60 s in the simulation. */
const REPORT_MS = 250;
/** An answer of the store is late when it took so many times the median of the baseline, and at least this long. */
const LATE_FACTOR = 5;
const LATE_LEAST_MS = 30;
/** The store is held up for as long as makes its median wait 10 times the usual, and at least this long. */
const HOLD_FACTOR = 20;
const HOLD_LEAST_MS = 120;
const MiB = 1024 * 1024;
/** A heap grows by whole steps before it is collected. */
const HEAP_SLACK_BYTES = 96 * MiB;
/** docs/operations.md: a session with its socket, a login that waits. */
const SESSION_BYTES = 16 * 1024;
const PENDING_BYTES = 3 * 1024;
/** MAX_LOGINS_PENDING: what a relay with admission holds at most. */
const QUEUE_BOUND = 16_384;

/**
 * @throws OptionError when the machine has no room for it; Error when a process of it failed.
 */
export async function runReal(plan: Plan, host: RealHost = { progress: () => {} }): Promise<Outcome> {
  const schedule = scheduleOf(plan);
  const shape = shapeOf(plan, schedule.endMs);
  checkRoom(plan, shape);
  const folder = mkdtempSync(join(memoryParent(), 'supernode-replay-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  process.once('exit', remove);
  const replay = new RealReplay(plan, schedule, shape, folder, host);
  try {
    return await replay.run();
  } finally {
    await replay.close();
    remove();
    process.off('exit', remove);
  }
}

interface Load {
  child: ReplayChild<ToLoad, FromLoad>;
  sample: LoadSample | null;
  /** It has come since the last tick. */
  isFresh: boolean;
  isReady: boolean;
  result: LoadResult | null;
  noted: Set<number>;
}

class RealReplay {
  readonly #plan: Plan;
  readonly #schedule: Schedule;
  readonly #shape: Shape;
  readonly #folder: string;
  readonly #host: RealHost;
  readonly #fleet: Fleet;
  readonly #loads: Load[] = [];
  readonly #recorder: Recorder;
  #store: ReplayChild<ToStore, FromStore> | null = null;
  #storeOpened = false;
  #beganAtMs = Number.NaN;
  /** The first failure; the replay ends with it. */
  #failure: Error | null = null;
  #isClosing = false;
  #exits = 0;
  #crashes = 0;
  readonly #baselineStoreMs: number[] = [];
  readonly #triggerStoreMs: number[] = [];

  constructor(plan: Plan, schedule: Schedule, shape: Shape, folder: string, host: RealHost) {
    this.#plan = plan;
    this.#schedule = schedule;
    this.#shape = shape;
    this.#folder = folder;
    this.#host = host;
    this.#recorder = new Recorder(shape.timeScale, schedule.triggerMs);
    this.#fleet = new Fleet({
      up: (relay, address) => this.#tellAll({ kind: 'up', relay, address }),
      exited: (relay, overloaded, how) => this.#exited(relay, overloaded, how),
      failed: (message) => this.#fail(message),
    });
  }

  async run(): Promise<Outcome> {
    await this.#start();
    this.#host.progress('the peers log in');
    await this.#until('all peers are logged in', () => this.#loads.every(({ isReady }) => isReady), 120_000);
    this.#beganAtMs = performance.now();
    this.#tellAll({ kind: 'begin' });
    const pieces = [this.#tick(), this.#report(), this.#trigger(), this.#mega()];
    for (const outage of this.#schedule.outages) pieces.push(this.#outage(outage));
    // A failure ends them all: each looks for it whenever it wakes.
    await Promise.all(pieces);
    return this.#outcome();
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    await Promise.all([
      this.#fleet.close(),
      this.#store?.kill(),
      ...this.#loads.map(({ child }) => child.kill()),
    ]);
  }

  // --- Before ---------------------------------------------------------------------------------------------------------

  async #start(): Promise<void> {
    const { relays, peers, replay, arm, seed, trigger } = this.#plan;
    const { timeScale, relayLoginsPerSec, tickMs } = this.#shape;
    this.#host.progress(`${relays} relays start`);
    for (let relay = 0; relay < relays; relay++) {
      this.#addRelay(relay, 1);
      // Together they would take each other's time until the deadlines of a slow machine.
      if (relay % 4 === 3) await this.#until('relays are up', () => this.#allUp(), START_DEADLINE_MS);
    }
    await this.#until('all relays are up', () => this.#allUp(), START_DEADLINE_MS);
    if (replay === 'cascade') await this.#startStore();
    const rampPerSec = (relayLoginsPerSec * relays * RAMP_SHARE) / this.#shape.loads.length;
    this.#shape.loads.forEach((count, index) => {
      const order: LoadOrder = {
        replay,
        clients: armOf(arm).clients,
        peers: count,
        seed: seed * 1_000_003 + index * 500_009,
        timeScale,
        trigger,
        addresses: this.#fleet.addresses,
        rampPerSec: Math.min(rampPerSec, (600 * count) / peers),
        tickMs,
        folder: this.#folder,
      };
      this.#addLoad(order, index);
    });
  }

  #addRelay(number: number, factor: number): void {
    const { relayPeers, arm, seed } = this.#plan;
    this.#fleet.add(
      {
        peers: relayPeers * factor,
        loginsPerSec: this.#shape.relayLoginsPerSec * factor,
        overload: armOf(arm).overload,
        seed: createHash('sha256').update(`replay ${seed} relay ${number}`).digest('hex'),
        tickMs: this.#shape.tickMs,
      },
      this.#folder,
    );
  }

  #addLoad(order: LoadOrder, index: number): void {
    const load: Load = {
      child: new ReplayChild<ToLoad, FromLoad>('load-process', order, {
        heard: (message) => this.#heardLoad(load, index, message),
        ended: (how) => {
          if (!this.#isClosing) this.#fail(`Load process ${index} ${how}.`);
        },
      }),
      sample: null,
      isFresh: false,
      isReady: false,
      result: null,
      noted: new Set(),
    };
    this.#loads.push(load);
  }

  #heardLoad(load: Load, index: number, message: FromLoad): void {
    if (message.kind === 'ready') load.isReady = true;
    else if (message.kind === 'noted') load.noted.add(message.relay);
    else if (message.kind === 'result') load.result = message;
    else if (message.kind === 'failed') this.#fail(`Load process ${index}: ${message.message}`);
    else {
      load.sample = message;
      load.isFresh = true;
      if (message.storeMs > 0) this.#noteStore(message.storeMs);
    }
  }

  async #startStore(): Promise<void> {
    this.#store = new ReplayChild<ToStore, FromStore>('slow-store-process', this.#fleet.directories, {
      heard: (message) => {
        if (message.kind === 'opened') this.#storeOpened = true;
        else this.#fail(`The process that slows the store: ${message.message}`);
      },
      ended: (how) => {
        if (!this.#isClosing) this.#fail(`The process that slows the store ${how}.`);
      },
    });
    await this.#until('the stores are open', () => this.#storeOpened, START_DEADLINE_MS);
  }

  // --- The replay -------------------------------------------------------------------------------------------------------

  get #nowMs(): number {
    return (performance.now() - this.#beganAtMs) * this.#shape.timeScale;
  }

  async #tick(): Promise<void> {
    const { endMs } = this.#schedule;
    let told = -1;
    for (let tick = 0; ; tick++) {
      await this.#at(tick * this.#shape.tickMs * this.#shape.timeScale);
      const samples = this.#loads.flatMap(({ sample }) => sample ?? []);
      // A load that is late is waited for: what it has counted would seem to be nothing now, and double at the next tick.
      if (this.#loads.every(({ isFresh }) => isFresh)) {
        for (const load of this.#loads) load.isFresh = false;
        this.#recorder.tick(this.#nowMs, samples, this.#fleet.numbers());
      }
      const minute = Math.floor(this.#nowMs / 60_000);
      if (minute >= told + 5) {
        told = minute;
        const online = samples.reduce((sum, each) => sum + each.online, 0);
        this.#host.progress(`minute ${minute} of ${Math.round(endMs / 60_000)}: ${online} peers online`);
      }
      if (this.#nowMs >= endMs) return;
    }
  }

  async #report(): Promise<void> {
    const stepMs = REPORT_MS * this.#shape.timeScale;
    for (let atMs = 0; atMs < this.#schedule.endMs; atMs += stepMs) {
      await this.#at(atMs);
      this.#tellAll({ kind: 'loads', loads: this.#fleet.loads() });
    }
  }

  async #trigger(): Promise<void> {
    const { triggerMs, storeUntilMs } = this.#schedule;
    await this.#at(triggerMs);
    this.#host.progress('the trigger');
    if (storeUntilMs !== null) {
      const usualMs = medianOf(this.#baselineStoreMs);
      this.#tellAll({ kind: 'store', lateMs: Math.max(LATE_LEAST_MS, usualMs * LATE_FACTOR) });
      this.#store?.tell({ kind: 'slow', holdMs: Math.round(Math.max(HOLD_LEAST_MS, usualMs * HOLD_FACTOR)) });
    }
    this.#tellAll({ kind: 'trigger' });
    if (storeUntilMs === null) return;
    await this.#at(storeUntilMs);
    this.#store?.tell({ kind: 'quick' });
    this.#tellAll({ kind: 'store', lateMs: null });
  }

  async #outage({ relay, downAtMs, upAtMs }: Schedule['outages'][number]): Promise<void> {
    await this.#at(downAtMs);
    // One that has exited by itself needs no trigger.
    if (this.#fleet.isUp(relay)) {
      for (const { noted } of this.#loads) noted.delete(relay);
      this.#tellAll({ kind: 'killed', relay });
      const deadline = performance.now() + NOTE_MS;
      while (!this.#loads.every(({ noted }) => noted.has(relay)) && performance.now() < deadline)
        await after(1);
      await this.#fleet.kill(relay);
      this.#crashes++;
    }
    await this.#at(upAtMs);
    this.#fleet.start(relay);
  }

  async #mega(): Promise<void> {
    if (this.#schedule.megasAtMs === null) return;
    await this.#at(this.#schedule.megasAtMs);
    for (let k = 0; k < this.#shape.megas; k++) this.#addRelay(this.#plan.relays + k, this.#shape.megaFactor);
  }

  #exited(relay: number, overloaded: boolean, how: string): void {
    this.#exits++;
    if (!overloaded) this.#host.progress(`relay ${relay} ${how}, which nobody asked for`);
    // It qualifies again like any other.
    const { least, most } = REQUALIFY_MS;
    void after((least + most) / 2 / this.#shape.timeScale).then(() => {
      if (!this.#isClosing) this.#fleet.start(relay);
    });
  }

  // --- The outcome --------------------------------------------------------------------------------------------------------

  async #outcome(): Promise<Outcome> {
    this.#tellAll({ kind: 'finish' });
    await this.#until(
      'the loads have told what they counted',
      () => this.#loads.every(({ result }) => result),
      RESULT_DEADLINE_MS,
    );
    const results = this.#loads.map(({ result }) => result!);
    const { triggerMs, triggerEndMs, endMs } = this.#schedule;
    const { megas, megaFactor, relayLoginsPerSec } = this.#shape;
    const sheds = armOf(this.#plan.arm).overload === 'shed';
    const waits = merge(results.map((result) => result.waits));
    const audio = merge(results.map((result) => result.audioDelays));
    const total = (of: (result: LoadResult) => number): number =>
      results.reduce((sum, each) => sum + of(each), 0);
    const mostPeers = this.#plan.relayPeers * (megas > 0 ? megaFactor : 1);
    return {
      form: 'real',
      plan: this.#plan,
      moments: { triggerMs, triggerEndMs, endMs },
      series: this.#recorder.end(),
      asked: askedOf(results),
      exits: this.#exits,
      restarts: this.#crashes,
      calls: {
        onSurvivors: total(({ calls }) => calls.onSurvivors),
        broken: total(({ calls }) => calls.broken),
      },
      queueWaitMs: {
        count: waits.totalCount,
        p50: waits.totalCount === 0 ? 0 : msAt(waits, 0.5),
        p99: waits.totalCount === 0 ? 0 : msAt(waits, 0.99),
        max: waits.totalCount === 0 ? 0 : waits.maxValue / 1_000,
      },
      queueDepth: { most: this.#fleet.mostQueued, bound: sheds ? QUEUE_BOUND : null },
      memoryBytes: {
        most: this.#fleet.mostGrownBytes,
        bound: sheds ? mostPeers * SESSION_BYTES + QUEUE_BOUND * PENDING_BYTES + HEAP_SLACK_BYTES : null,
      },
      contacts: this.#recorder.hottest,
      notes: {
        timeScale: this.#shape.timeScale,
        relayLoginsPerSec,
        crashes: total((result) => result.crashes),
        crashesAgain: total((result) => result.crashesAgain),
        contactsNotMade: this.#recorder.notMade,
        audioDelayP50Ms: audio.totalCount === 0 ? 0 : msAt(audio, 0.5),
        audioDelayP99Ms: audio.totalCount === 0 ? 0 : msAt(audio, 0.99),
        relayWaitP99Ms: this.#fleet.worstWaitP99Ms,
        relayRssMiB: Math.round(this.#fleet.mostRssBytes / MiB),
        storeMs: medianOf(this.#baselineStoreMs),
        storeSlowMs: medianOf(this.#triggerStoreMs),
      },
    };
  }

  // --- Waiting ----------------------------------------------------------------------------------------------------------------

  #tellAll(message: ToLoad): void {
    for (const { child } of this.#loads) child.tell(message);
  }

  #noteStore(ms: number): void {
    if (Number.isNaN(this.#beganAtMs)) return;
    const { triggerMs, storeUntilMs } = this.#schedule;
    if (this.#nowMs < triggerMs) this.#baselineStoreMs.push(ms);
    else if (storeUntilMs !== null && this.#nowMs < storeUntilMs) this.#triggerStoreMs.push(ms);
  }

  #allUp(): boolean {
    return this.#fleet.addresses.every((_, relay) => this.#fleet.isUp(relay));
  }

  #fail(message: string): void {
    this.#failure ??= new Error(message);
  }

  #check(): void {
    if (this.#failure) throw this.#failure;
  }

  /** Resolves at this time of the replay. @throws what has failed meanwhile. */
  async #at(replayMs: number): Promise<void> {
    const dueAtMs = this.#beganAtMs + replayMs / this.#shape.timeScale;
    for (;;) {
      this.#check();
      const leftMs = dueAtMs - performance.now();
      if (leftMs <= 0) return;
      await after(Math.min(leftMs, 500));
    }
  }

  async #until(what: string, condition: () => unknown, deadlineMs: number): Promise<void> {
    const deadline = performance.now() + deadlineMs;
    while (!condition()) {
      this.#check();
      if (performance.now() > deadline)
        throw new Error(`In ${deadlineMs / 1_000} s it did not come true that ${what}.`);
      await after(5);
    }
    this.#check();
  }
}

function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

function askedOf(results: readonly LoadResult[]): Outcome['asked'] {
  const windows = new Map<number, { attempts: number; distinct: number }>();
  for (const { asked } of results) {
    for (const { window, attempts, distinct } of asked) {
      if (window < 0) continue;
      const sum = windows.get(window) ?? { attempts: 0, distinct: 0 };
      windows.set(window, { attempts: sum.attempts + attempts, distinct: sum.distinct + distinct });
    }
  }
  return [...windows]
    .sort(([a], [b]) => a - b)
    .map(([window, sums]) => ({ fromMs: window * 600_000, ...sums }));
}
