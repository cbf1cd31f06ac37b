/**
 * Scenario `login-flood`: calls in progress, in turns alone and with a flood of logins beside them. The calls' process is
 * served before this one, which only makes the flood: what delays a packet is the relay, not the load.
 */
import { setTimeout as after } from 'node:timers/promises';
import { median } from '../../reporter/index.ts';
import { giveWay } from '../../run/give-way.ts';
import type { LoadFault } from '../fault.ts';
import { LoginFlood } from '../login-flood.ts';
import type { CallsBeside } from './calls-beside.ts';
import { refusePhase } from './refuse-phase.ts';
import type { RunningScenario, Totals } from './running-scenario.ts';
import type { LoginFloodPlan, LoginFloodResult, OperationResult, ScenarioPhase } from './scenario.ts';

type FloodPhase = Extract<ScenarioPhase, { kind: 'quiet-and-flood' }>;

/** Logins under way: more than a relay answers in a turn. */
const CONCURRENCY = 200;
/** Proofs of a wave go out within about this time. */
const SURGE_MS = 150;
/** Between a flood and the next quiet turn: sockets of the flood are closed. */
const SETTLE_MS = 300;

export class LoginFloodBesideCalls implements RunningScenario<ScenarioPhase, LoginFloodResult> {
  readonly #calls: CallsBeside;
  readonly #flood: LoginFlood;
  readonly #keys: number;

  constructor({ address, keys }: LoginFloodPlan, fail: (fault: LoadFault) => void, calls: CallsBeside) {
    this.#calls = calls;
    this.#keys = keys;
    this.#flood = new LoginFlood(address, keys, fail);
  }

  async connect(): Promise<number> {
    // The calls' process is there already and keeps its priority.
    giveWay();
    return this.#calls.connect();
  }

  async run(phase: ScenarioPhase, measuring: () => void): Promise<LoginFloodResult> {
    if (phase.kind !== 'quiet-and-flood') return refusePhase('login-flood', phase);
    const capacityPerSec = await this.#capacity(phase.warmupMs);
    await after(SETTLE_MS);
    measuring();
    this.#flood.reset();
    const startedAtMs = performance.now();
    const cpuBefore = process.cpuUsage();
    const quiet: OperationResult[] = [];
    const flood: OperationResult[] = [];
    const offered: number[] = [];
    let callsCpuMs = 0;
    for (let turn = 0; turn < phase.turns; turn++) {
      const alone = await this.#calls.measure(phase.measureMs);
      const flooding = this.#floodFor(phase, capacityPerSec);
      const beside = await this.#calls.measure(phase.measureMs);
      offered.push(...(await flooding.end()));
      await after(SETTLE_MS);
      quiet.push(alone.audio);
      flood.push(beside.audio);
      callsCpuMs += alone.cpuMs + beside.cpuMs;
    }
    const { user, system } = process.cpuUsage(cpuBefore);
    return {
      kind: 'login-flood',
      elapsedMs: performance.now() - startedAtMs,
      cpuMs: (user + system) / 1000 + callsCpuMs,
      quiet,
      flood,
      capacityPerSec,
      offeredPerSec: median(offered),
      refused: { ...this.#flood.counts.refused },
    };
  }

  async stop(): Promise<Totals> {
    await this.#flood.stop();
    const totals = await this.#calls.stop();
    this.abandon();
    return totals;
  }

  abandon(): void {
    this.#flood.abandon();
    this.#calls.abandon();
  }

  /** Logins a second, once the code is warm. */
  async #capacity(warmupMs: number): Promise<number> {
    this.#flood.begin(CONCURRENCY, 'signature');
    await after(warmupMs);
    this.#flood.reset();
    const startedAtMs = performance.now();
    await after(warmupMs);
    const perSec = (this.#flood.counts.done * 1000) / (performance.now() - startedAtMs);
    await this.#flood.stop();
    return perSec;
  }

  /** @returns what ends it, and then tells the rates that it had. */
  #floodFor({ flood: kind, overCapacity }: FloodPhase, capacityPerSec: number): { end(): Promise<number[]> } {
    const flood = this.#flood;
    if (kind === 'closed') {
      const before = flood.counts.done;
      const startedAtMs = performance.now();
      flood.begin(CONCURRENCY, 'signature');
      return {
        end: async () => {
          const perSec = ((flood.counts.done - before) * 1000) / (performance.now() - startedAtMs);
          await flood.stop();
          return [perSec];
        },
      };
    }
    let ending = false;
    const ratePerSec = Math.max(1, overCapacity * capacityPerSec);
    const sockets = Math.max(1, Math.min(this.#keys, Math.round((ratePerSec * SURGE_MS) / 1000)));
    const waves = (async () => {
      const rates: number[] = [];
      do rates.push(await flood.wave(sockets, ratePerSec));
      while (!ending);
      return rates;
    })();
    return {
      end: () => {
        ending = true;
        return waves;
      },
    };
  }
}
