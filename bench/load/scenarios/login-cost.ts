/** Scenario `login-cost`: logins as fast as the relay takes them, and nothing else. */
import { setTimeout as after } from 'node:timers/promises';
import type { LoadFault } from '../fault.ts';
import { LoginFlood } from '../login-flood.ts';
import { refusePhase } from './refuse-phase.ts';
import type { RunningScenario, Totals } from './running-scenario.ts';
import type { LoginCostPlan, LoginCostResult, ScenarioPhase } from './scenario.ts';

export class LoginCost implements RunningScenario<ScenarioPhase, LoginCostResult> {
  readonly #flood: LoginFlood;
  #stopping: Promise<void> = Promise.resolve();

  constructor({ address, peers }: LoginCostPlan, fail: (fault: LoadFault) => void) {
    this.#flood = new LoginFlood(address, peers, fail);
  }

  async connect(): Promise<number> {
    return 0;
  }

  async run(phase: ScenarioPhase, measuring: () => void): Promise<LoginCostResult> {
    if (phase.kind !== 'logins-closed') return refusePhase('login-cost', phase);
    const flood = this.#flood;
    await this.#stopping;
    flood.begin(phase.concurrency, phase.proof);
    await after(phase.warmupMs);
    measuring();
    flood.reset();
    const cpuBefore = process.cpuUsage();
    const startedAtMs = performance.now();
    await after(phase.measureMs);
    const { done, refused } = flood.counts;
    const elapsedMs = performance.now() - startedAtMs;
    const { user, system } = process.cpuUsage(cpuBefore);
    const login = {
      due: null,
      done,
      perSec: (done * 1000) / elapsedMs,
      underWay: phase.concurrency,
      lost: 0,
      histogram: flood.histogram(),
    };
    // Not awaited: the relay's CPU time is read now.
    this.#stopping = flood.stop();
    return { kind: 'login-cost', elapsedMs, cpuMs: (user + system) / 1000, login, refused };
  }

  async stop(): Promise<Totals> {
    await this.#stopping;
    return { packets: 0, lost: 0 };
  }

  abandon(): void {
    this.#flood.abandon();
  }
}
