/** Scenario `idle`: peers that are logged in and do nothing but keep their connection alive. */
import { setTimeout as after } from 'node:timers/promises';
import type { LoadFault } from '../fault.ts';
import type { ControlPeer } from './control-peer.ts';
import { logInAll, newIdentities } from './crowd.ts';
import { faultOf } from './deadline.ts';
import { KeepAlive } from './keep-alive.ts';
import { measureSpan, Operation } from './operation.ts';
import { Pacer } from './pacer.ts';
import { refusePhase } from './refuse-phase.ts';
import type { RunningScenario, Totals } from './running-scenario.ts';
import type { IdlePlan, IdleResult, ScenarioPhase } from './scenario.ts';
import { Switchboard } from './switchboard.ts';

export class Idle implements RunningScenario<ScenarioPhase, IdleResult> {
  readonly #plan: IdlePlan;
  readonly #fail: (fault: LoadFault) => void;
  readonly #ping = new Operation();
  readonly #pacer: Pacer;
  #peers: ControlPeer[] = [];

  constructor(plan: IdlePlan, fail: (fault: LoadFault) => void) {
    this.#plan = plan;
    this.#fail = fail;
    this.#pacer = new Pacer((error) => fail(faultOf(error)));
  }

  async connect(): Promise<number> {
    const { address, peers, concurrency, keepAliveMs } = this.#plan;
    this.#peers = await logInAll(address, newIdentities(peers), concurrency, new Switchboard(this.#fail));
    if (keepAliveMs > 0) {
      this.#pacer.add(new KeepAlive(this.#peers, keepAliveMs, this.#ping, performance.now()));
    }
    return this.#peers.length;
  }

  async run(phase: ScenarioPhase, measuring: () => void): Promise<IdleResult> {
    if (phase.kind !== 'steady') return refusePhase('idle', phase);
    await after(phase.warmupMs);
    measuring();
    const { elapsedMs, cpuMs, endedAtMs } = await measureSpan([this.#ping], phase.measureMs, this.#pacer);
    return {
      kind: 'idle',
      elapsedMs,
      cpuMs,
      peers: this.#peers.length,
      ping: this.#ping.result(endedAtMs, true),
    };
  }

  async stop(): Promise<Totals> {
    this.abandon();
    return { packets: 0, lost: 0 };
  }

  abandon(): void {
    this.#pacer.stop();
    for (const peer of this.#peers) peer.leave();
    this.#peers = [];
  }
}
