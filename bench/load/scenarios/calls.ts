/** Calls in progress, and nothing else: what goes on beside a storm of logins. */
import { setTimeout as after } from 'node:timers/promises';
import type { LoadFault } from '../fault.ts';
import { Call } from './call.ts';
import type { ControlPeer } from './control-peer.ts';
import { logInAll, newIdentities } from './crowd.ts';
import { faultOf } from './deadline.ts';
import { Draws } from './draws.ts';
import { measureSpan, Operation } from './operation.ts';
import { Pacer } from './pacer.ts';
import type { RunningScenario, Totals } from './running-scenario.ts';
import type { OperationResult } from './scenario.ts';
import { AUDIO } from './supernode-mix.ts';
import { Switchboard } from './switchboard.ts';

const LOGINS_AT_ONCE = 50;

export interface CallsPlan {
  address: string;
  calls: number;
  seed: number;
}

export interface CallsPhase {
  warmupMs: number;
  measureMs: number;
}

export interface CallsResult {
  cpuMs: number;
  audio: OperationResult;
}

export class Calls implements RunningScenario<CallsPhase, CallsResult> {
  readonly #plan: CallsPlan;
  readonly #switchboard: Switchboard;
  readonly #pacer: Pacer;
  readonly #audio = new Operation();
  #peers: ControlPeer[] = [];
  #calls: Call[] = [];

  constructor(plan: CallsPlan, fail: (fault: LoadFault) => void) {
    this.#plan = plan;
    this.#switchboard = new Switchboard(fail);
    this.#pacer = new Pacer((error) => fail(faultOf(error)));
  }

  async connect(): Promise<number> {
    const { address, calls, seed } = this.#plan;
    this.#peers = await logInAll(address, newIdentities(2 * calls), LOGINS_AT_ONCE, this.#switchboard);
    const world = { switchboard: this.#switchboard, pacer: this.#pacer, draws: new Draws(seed) };
    const media = [{ priority: 'audio' as const, medium: AUDIO['160x50'], operation: this.#audio }];
    for (let i = 0; i < calls; i++) {
      const [caller, callee] = [this.#peers[2 * i]!, this.#peers[2 * i + 1]!];
      this.#calls.push(await Call.setUp(world, { caller, callee, signalBytes: [], media }, new Operation()));
    }
    return this.#peers.length;
  }

  async run({ warmupMs, measureMs }: CallsPhase, measuring: () => void): Promise<CallsResult> {
    await after(warmupMs);
    measuring();
    const { cpuMs, endedAtMs } = await measureSpan([this.#audio], measureMs, this.#pacer);
    return { cpuMs, audio: this.#audio.result(endedAtMs, true) };
  }

  async stop(): Promise<Totals> {
    const totals = { packets: 0, lost: 0 };
    for (const { packets, lost } of await Promise.all(this.#calls.map((call) => call.hangUp()))) {
      totals.packets += packets;
      totals.lost += lost;
    }
    this.#calls = [];
    this.abandon();
    return totals;
  }

  abandon(): void {
    this.#pacer.stop();
    for (const peer of this.#peers) peer.leave();
  }
}
