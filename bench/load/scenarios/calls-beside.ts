/**
 * Calls beside a storm of logins, in a process of their own: in the storm's, a packet that is due would wait for the
 * logins under way there, each of which signs. With 64 of those, calls in one process with them had a median latency of
 * 17 ms, of which 16 were the load's own.
 */
import { Child } from '../child.ts';
import type { CallsPhase, CallsPlan, CallsResult } from './calls.ts';
import type { FromProcess, ToProcess, Totals } from './running-scenario.ts';

/** What a storm knows of the calls beside it. */
export interface CallsBeside {
  /** @returns peers that are logged in. */
  connect(): Promise<number>;
  measure(measureMs: number): Promise<CallsResult>;
  stop(): Promise<Totals>;
  abandon(): void;
}

export class CallsProcess implements CallsBeside {
  readonly #plan: CallsPlan;
  // It inherits the core of its parent.
  readonly #child = new Child<ToProcess<CallsPlan, CallsPhase>, FromProcess<CallsResult>>(
    'scenarios/calls-process',
    { name: 'calls', core: null },
  );

  constructor({ address, calls, seed }: CallsPlan) {
    this.#plan = { address, calls, seed };
  }

  async connect(): Promise<number> {
    this.#child.tell({ kind: 'connect', plan: this.#plan });
    return (await this.#child.next('connected')).peers;
  }

  async measure(measureMs: number): Promise<CallsResult> {
    this.#child.tell({ kind: 'run', phase: { warmupMs: 0, measureMs } });
    await this.#child.next('measuring');
    return (await this.#child.next('measured', measureMs)).result;
  }

  async stop(): Promise<Totals> {
    this.#child.tell({ kind: 'stop' });
    const { packets, lost } = await this.#child.next('stopped');
    return { packets, lost };
  }

  abandon(): void {
    void this.#child.stop();
  }
}
