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
import { canGiveWayForAWhile } from '../../run/give-way.ts';
import type { Outcome } from '../outcome.ts';
import { type Pace, paceOf } from '../pace.ts';
import { armOf, type Plan, REQUALIFY_MS } from '../plan.ts';
import { Fleet } from './fleet.ts';
import { Loads } from './loads.ts';
import { outcomeOf } from './outcome-of.ts';
import { Recorder } from './recorder.ts';
import { checkRoom } from './room.ts';
import { type Schedule, scheduleOf } from './schedule.ts';
import { type Shape, shapeOf } from './shape.ts';
import { SlowStore } from './slow-store.ts';

export interface RealHost {
  /** What is being done, for people. */
  progress(text: string): void;
}

/** A machine that others use too is slow to start things. */
const START_DEADLINE_MS = 60_000;
const RESULT_DEADLINE_MS = 20_000;
/** Peers come at this share of what all relays can serve, before the replay. */
const RAMP_SHARE = 0.6;
/** And no more of them a second, together: proofs of all of them are made on this machine. */
const RAMP_MOST_PER_SEC = 600;
/** What a load process may take to note that a relay is killed, which must not be taken for a fault. */
const NOTE_MS = 500;
/** A relay tells what it has so many times between two reports, so that a report is not older by much than it says. */
const SAMPLES_PER_REPORT = 4;

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

class RealReplay {
  readonly #plan: Plan;
  readonly #schedule: Schedule;
  readonly #shape: Shape;
  readonly #folder: string;
  readonly #host: RealHost;
  readonly #pace: Pace;
  readonly #fleet: Fleet;
  readonly #loads: Loads;
  readonly #store: SlowStore;
  readonly #recorder: Recorder;
  #beganAtMs = Number.NaN;
  /** The first failure; the replay ends with it. */
  #failure: Error | null = null;
  #isClosing = false;
  #exits = 0;
  #restarts = 0;

  constructor(plan: Plan, schedule: Schedule, shape: Shape, folder: string, host: RealHost) {
    this.#plan = plan;
    this.#schedule = schedule;
    this.#shape = shape;
    this.#folder = folder;
    this.#host = host;
    this.#pace = paceOf(plan.timeScale);
    this.#recorder = new Recorder(shape.timeScale, schedule.triggerMs);
    const failed = (message: string): void => this.#fail(message);
    this.#store = new SlowStore(failed);
    this.#loads = new Loads({ stored: (ms) => this.#stored(ms), failed });
    this.#fleet = new Fleet({
      up: (relay, address, report) => this.#loads.tell({ kind: 'up', relay, address, report }),
      exited: (relay, overloaded, how) => this.#exited(relay, overloaded, how),
      failed,
    });
  }

  async run(): Promise<Outcome> {
    await this.#start();
    this.#host.progress('the peers log in');
    await this.#until('all peers are logged in', () => this.#loads.areReady, 120_000);
    this.#beganAtMs = performance.now();
    this.#loads.tell({ kind: 'begin' });
    const pieces = [this.#tick(), this.#report(), this.#trigger(), this.#mega()];
    for (const outage of this.#schedule.outages) pieces.push(this.#outage(outage));
    // A failure ends them all: each looks for it whenever it wakes.
    await Promise.all(pieces);
    this.#loads.tell({ kind: 'finish' });
    await this.#until('the loads have told what they counted', () => this.#loads.results, RESULT_DEADLINE_MS);
    return outcomeOf({
      plan: this.#plan,
      schedule: this.#schedule,
      shape: this.#shape,
      fleet: this.#fleet,
      store: this.#store,
      recorder: this.#recorder,
      results: this.#loads.results!,
      exits: this.#exits,
      restarts: this.#restarts,
    });
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    await Promise.all([this.#fleet.close(), this.#store.close(), this.#loads.close()]);
  }

  // --- Before ---------------------------------------------------------------------------------------------------------

  async #start(): Promise<void> {
    const { relays } = this.#plan;
    this.#host.progress(`${relays} relays start`);
    this.#fleet.startsGiveWay = await canGiveWayForAWhile();
    for (let relay = 0; relay < relays; relay++) {
      this.#addRelay(relay, 1);
      // Together they would take each other's time until the deadlines of a slow machine.
      if (relay % 4 === 3) await this.#until('relays are up', () => this.#allUp(), START_DEADLINE_MS);
    }
    await this.#until('all relays are up', () => this.#allUp(), START_DEADLINE_MS);
    if (this.#schedule.storeUntilMs !== null) {
      this.#store.start(this.#fleet.directories);
      await this.#until('the stores are open', () => this.#store.isOpen, START_DEADLINE_MS);
    }
    this.#startLoads();
  }

  #startLoads(): void {
    const { relays, relayPeers, peers, replay, arm, seed, trigger } = this.#plan;
    const { timeScale, relayLoginsPerSec, tickMs, loads } = this.#shape;
    const rampPerSec = Math.min(relayLoginsPerSec * relays * RAMP_SHARE, RAMP_MOST_PER_SEC);
    for (const [index, count] of loads.entries()) {
      this.#loads.start({
        replay,
        clients: armOf(arm).clients,
        overload: armOf(arm).overload,
        peers: count,
        part: { index, of: loads.length },
        relayPeers,
        relayLoginsPerSec,
        seed: seed * 1_000_003 + index * 500_009,
        timeScale,
        trigger,
        addresses: this.#fleet.addresses,
        rampPerSec: (rampPerSec * count) / peers,
        tickMs,
        folder: this.#folder,
      });
    }
  }

  #addRelay(number: number, factor: number): void {
    const { relayPeers, arm, seed } = this.#plan;
    this.#fleet.add(
      {
        peers: relayPeers * factor,
        loginsPerSec: this.#shape.relayLoginsPerSec * factor,
        overload: armOf(arm).overload,
        exitAfterMs: this.#pace.exitAfterMs,
        seed: createHash('sha256').update(`replay ${seed} relay ${number}`).digest('hex'),
        tickMs: Math.min(this.#shape.tickMs, this.#pace.reportMs / SAMPLES_PER_REPORT),
      },
      this.#folder,
    );
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
      const samples = this.#loads.take();
      if (samples !== null) this.#recorder.tick(this.#nowMs, samples, this.#fleet.numbers());
      const minute = Math.floor(this.#nowMs / 60_000);
      if (minute >= told + 5) {
        told = minute;
        const minutes = Math.round(endMs / 60_000);
        this.#host.progress(`minute ${minute} of ${minutes}: ${this.#loads.online} peers online`);
      }
      if (this.#nowMs >= endMs) return;
    }
  }

  async #report(): Promise<void> {
    const stepMs = this.#pace.reportMs * this.#shape.timeScale;
    for (let atMs = 0; atMs < this.#schedule.endMs; atMs += stepMs) {
      await this.#at(atMs);
      this.#loads.tell({ kind: 'reports', reports: this.#fleet.reports() });
    }
  }

  async #trigger(): Promise<void> {
    const { triggerMs, storeUntilMs } = this.#schedule;
    await this.#at(triggerMs);
    this.#host.progress('the trigger');
    if (storeUntilMs !== null) {
      this.#loads.tell({ kind: 'store', lateMs: this.#store.lateMs });
      this.#store.slow();
    }
    this.#fleet.watchLogins();
    this.#loads.tell({ kind: 'trigger' });
    if (storeUntilMs === null) return;
    await this.#at(storeUntilMs);
    this.#store.quick();
    this.#loads.tell({ kind: 'store', lateMs: null });
  }

  async #outage({ relay, downAtMs, upAtMs }: Schedule['outages'][number]): Promise<void> {
    await this.#at(downAtMs);
    // One that has exited by itself needs no trigger.
    if (this.#fleet.isUp(relay)) {
      const isNoted = this.#loads.killed(relay);
      const deadline = performance.now() + NOTE_MS;
      while (!isNoted() && performance.now() < deadline) await after(1);
      await this.#fleet.kill(relay);
      this.#restarts++;
    }
    await this.#at(upAtMs);
    this.#fleet.start(relay);
  }

  async #mega(): Promise<void> {
    if (this.#schedule.megasAtMs === null) return;
    await this.#at(this.#schedule.megasAtMs);
    for (let k = 0; k < this.#shape.megas; k++) this.#addRelay(this.#plan.relays + k, this.#shape.megaFactor);
  }

  #stored(ms: number): void {
    if (Number.isNaN(this.#beganAtMs)) return;
    const { triggerMs, storeUntilMs } = this.#schedule;
    if (this.#nowMs < triggerMs) this.#store.waited(ms, 'baseline');
    else if (storeUntilMs !== null && this.#nowMs < storeUntilMs) this.#store.waited(ms, 'trigger');
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

  // --- Waiting ----------------------------------------------------------------------------------------------------------------

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
