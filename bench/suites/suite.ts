import type { Figures } from '../run/sample.ts';

/** A micro-benchmark suite: variants of small operations, each a tinybench task, run in a process of its own. */

export const MICRO_SUITES = [
  'frame',
  'ring',
  'presence',
  'outbox',
  'login',
  'presence-million',
  'directory',
  'directory-million',
  'relay-throughput',
  'relay-latency',
] as const;
export type MicroSuite = (typeof MICRO_SUITES)[number];

/** Suites that load a whole relay: it is what runs on the measured core, and their own process on the load's. */
export const SUITES_OF_A_RELAY: readonly MicroSuite[] = [
  'directory',
  'directory-million',
  'relay-throughput',
  'relay-latency',
];

/** What one round of a task measured. */
export interface MicroSample {
  /** `<suite>/<task>`, such as `frame/read`. */
  benchmark: string;
  suite: MicroSuite;
  title: string;
  /** Nanoseconds of one operation: wall time of all iterations over the operations in them. */
  nsPerOp: number;
  operations: number;
  /** What the task did in bytes, peers, threads. */
  parameters: Record<string, string | number | boolean>;
  /** What else a round of the task measured. */
  figures?: Figures;
}

/** One round: a fresh process, pinned, that runs every task of the suites, interleaved. */
export interface MicroRound {
  samples: MicroSample[];
}
