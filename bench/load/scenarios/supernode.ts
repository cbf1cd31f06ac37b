/** Scenario `supernode`: what the users of a supernode do (timeline.ts), done at a relay (population.ts). */
import { setTimeout as after } from 'node:timers/promises';
import type { LoadFault } from '../fault.ts';
import { faultOf } from './deadline.ts';
import { KeepAlive } from './keep-alive.ts';
import { measureSpan, Operation } from './operation.ts';
import { type Paced, Pacer } from './pacer.ts';
import { Population, type SupernodeOperations } from './population.ts';
import { refusePhase } from './refuse-phase.ts';
import type { RunningScenario, Totals } from './running-scenario.ts';
import {
  type OperationResult,
  type ScenarioPhase,
  SUPERNODE_OPERATIONS,
  type SupernodeOperation,
  type SupernodePlan,
  type SupernodeResult,
} from './scenario.ts';
import { KEEP_ALIVE_MS } from './supernode-mix.ts';
import { Timeline } from './timeline.ts';

/** These have no rate of their own: a login and a change of presence bring them. */
const OF_THE_DIRECTORY: ReadonlySet<SupernodeOperation> = new Set<SupernodeOperation>([
  'look-up',
  'presence',
]);

export class Supernode implements RunningScenario<ScenarioPhase, SupernodeResult> {
  readonly #operations: SupernodeOperations;
  readonly #timeline: Timeline;
  readonly #population: Population;
  readonly #pacer: Pacer;
  /** Lets the timeline go on; null before the first run. */
  #clock: Paced | null = null;

  constructor(plan: SupernodePlan, fail: (fault: LoadFault) => void) {
    this.#operations = eachOperation(() => new Operation());
    this.#timeline = new Timeline(plan);
    this.#pacer = new Pacer((error) => fail(faultOf(error)));
    this.#population = new Population(plan, this.#timeline.users, this.#operations, this.#pacer, fail);
  }

  /** Those who are in at first log in, and the calls and conversations that are under way at first begin. */
  async connect(): Promise<number> {
    const population = this.#population;
    await population.comeIn();
    this.#happenUntil(0, performance.now());
    await population.settled();
    const keepAlive = new KeepAlive(
      population.peers,
      KEEP_ALIVE_MS,
      this.#operations.ping,
      performance.now(),
    );
    population.onleaving = (peer) => keepAlive.forget(peer);
    this.#pacer.add(keepAlive);
    return population.online;
  }

  /** Between two runs the load goes on. */
  async run(phase: ScenarioPhase, measuring: () => void): Promise<SupernodeResult> {
    if (phase.kind !== 'steady') return refusePhase('supernode', phase);
    this.#startClock();
    await after(phase.warmupMs);
    const { callsEnded, leaves } = this.#population;
    measuring();
    const { elapsedMs, cpuMs, endedAtMs } = await measureSpan(
      Object.values(this.#operations),
      phase.measureMs,
      this.#pacer,
    );
    const population = this.#population;
    return {
      kind: 'supernode',
      elapsedMs,
      cpuMs,
      operations: eachOperation(
        (name): OperationResult => this.#operations[name].result(endedAtMs, !OF_THE_DIRECTORY.has(name)),
      ),
      peersOnline: population.online,
      callsUp: population.callsUp,
      conversations: population.conversations,
      callsEnded: population.callsEnded - callsEnded,
      leaves: population.leaves - leaves,
    };
  }

  async stop(): Promise<Totals> {
    if (this.#clock) this.#pacer.remove(this.#clock);
    const totals = await this.#population.endAll();
    this.abandon();
    return totals;
  }

  abandon(): void {
    this.#pacer.stop();
    this.#population.abandon();
  }

  #startClock(): void {
    if (this.#clock) return;
    const zeroMs = performance.now();
    const timeline = this.#timeline;
    this.#clock = {
      get nextDueAtMs() {
        return zeroMs + timeline.nextAtMs;
      },
      sendDue: (nowMs) => this.#happenUntil(nowMs - zeroMs, zeroMs),
    };
    this.#pacer.add(this.#clock);
  }

  #happenUntil(untilMs: number, zeroMs: number): void {
    for (;;) {
      const happening = this.#timeline.next(untilMs);
      if (!happening) return;
      this.#population.begin(happening, zeroMs + happening.atMs);
    }
  }
}

function eachOperation<T>(make: (name: SupernodeOperation) => T): Record<SupernodeOperation, T> {
  return Object.fromEntries(SUPERNODE_OPERATIONS.map((name) => [name, make(name)])) as Record<
    SupernodeOperation,
    T
  >;
}
