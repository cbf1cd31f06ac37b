/** What a process of this directory does, and what it is told and tells: scenario.ts has the messages for the benchmark. */
import type { FromScenario } from './scenario.ts';

export interface RunningScenario<Phase, Result> {
  /** @returns peers that are logged in. */
  connect(): Promise<number>;
  /** @param measuring called when the measured time begins. */
  run(phase: Phase, measuring: () => void): Promise<Result>;
  /** Everything under way arrives, every call ends, every peer leaves. */
  stop(): Promise<Totals>;
  /** Ends every connection, and every process of its own, now. */
  abandon(): void;
}

/** Packets sent since the beginning, and those of them that never came. */
export interface Totals {
  packets: number;
  lost: number;
}

export type ToProcess<Plan, Phase> =
  | { kind: 'connect'; plan: Plan }
  | { kind: 'run'; phase: Phase }
  | { kind: 'disconnect' }
  | { kind: 'stop' };

export type FromProcess<Result> =
  | Exclude<FromScenario, { kind: 'measured' }>
  | { kind: 'measured'; result: Result };
