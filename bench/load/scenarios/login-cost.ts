/** Scenario `login-cost`: logins as fast as the relay takes them, and nothing else. */
import { setTimeout as after } from 'node:timers/promises';
import type { LoadFault } from '../fault.ts';
import { LoginFlood } from '../login-flood.ts';
import { refusePhase } from './refuse-phase.ts';
import type { RunningScenario, Totals } from './running-scenario.ts';
import type { LoginCostPlan, LoginCostResult, ScenarioPhase } from './scenario.ts';

type Phase = Extract<ScenarioPhase, { kind: 'logins-alone' }>;

/** The relay has done with those who left. */
const LEFT_MS = 200;

export class LoginCost implements RunningScenario<ScenarioPhase, LoginCostResult> {
  readonly #plan: LoginCostPlan;
  readonly #fail: (fault: LoadFault) => void;
  readonly #flood: LoginFlood;
  /** Those who come and stay, by how many they are: they keep their tickets for the next phase. */
  readonly #crowds = new Map<number, LoginFlood>();
  #stopping: Promise<void> = Promise.resolve();

  constructor(plan: LoginCostPlan, fail: (fault: LoadFault) => void) {
    this.#plan = plan;
    this.#fail = fail;
    this.#flood = new LoginFlood(plan.address, plan.peers, fail);
  }

  async connect(): Promise<number> {
    return 0;
  }

  async run(phase: ScenarioPhase, measuring: () => void): Promise<LoginCostResult> {
    if (phase.kind !== 'logins-alone') return refusePhase('login-cost', phase);
    await this.#stopping;
    this.#leave();
    return phase.peers === null
      ? this.#overAndOver(phase, measuring)
      : this.#once(this.#crowdOf(phase.peers), phase, measuring);
  }

  async stop(): Promise<Totals> {
    await this.#stopping;
    this.#leave();
    return { packets: 0, lost: 0 };
  }

  abandon(): void {
    this.#flood.abandon();
    for (const crowd of this.#crowds.values()) crowd.abandon();
  }

  async #overAndOver(phase: Phase, measuring: () => void): Promise<LoginCostResult> {
    const flood = this.#flood;
    flood.begin(phase.concurrency, phase.proof);
    await after(phase.warmupMs);
    const result = await measured(flood, phase.concurrency, measuring, () => after(phase.measureMs));
    // Not awaited: the relay's CPU time is read now.
    this.#stopping = flood.stop();
    return result;
  }

  /** They leave before the next phase: the relay's CPU time is read before that. */
  async #once(crowd: LoginFlood, phase: Phase, measuring: () => void): Promise<LoginCostResult> {
    const come = (): Promise<void> => crowd.comeAll(phase.concurrency, phase.proof);
    const warmUntil = performance.now() + phase.warmupMs;
    do {
      await come();
      crowd.leave();
      await after(LEFT_MS);
    } while (performance.now() < warmUntil);
    return measured(crowd, 0, measuring, come);
  }

  #crowdOf(peers: number): LoginFlood {
    let crowd = this.#crowds.get(peers);
    if (crowd === undefined) {
      crowd = new LoginFlood(this.#plan.address, peers, this.#fail);
      this.#crowds.set(peers, crowd);
    }
    return crowd;
  }

  #leave(): void {
    for (const crowd of this.#crowds.values()) crowd.leave();
  }
}

async function measured(
  flood: LoginFlood,
  underWay: number,
  measuring: () => void,
  work: () => Promise<void>,
): Promise<LoginCostResult> {
  measuring();
  flood.reset();
  const cpuBefore = process.cpuUsage();
  const startedAtMs = performance.now();
  await work();
  const { done, refused } = flood.counts;
  const elapsedMs = performance.now() - startedAtMs;
  const { user, system } = process.cpuUsage(cpuBefore);
  const login = {
    due: null,
    done,
    perSec: (done * 1000) / elapsedMs,
    underWay,
    lost: 0,
    histogram: flood.histogram(),
  };
  return { kind: 'login-cost', elapsedMs, cpuMs: (user + system) / 1000, login, refused };
}
