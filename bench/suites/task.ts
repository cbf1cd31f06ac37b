/** How a suite says what it measures: its tasks can be listed without running any. */
import type { MetricName } from '../run/metrics.ts';
import type { Figures } from '../run/sample.ts';
import type { MicroSuite } from './suite.ts';

export interface MicroTask {
  title: string;
  /** Operations in one iteration: enough that reading the clock twice (about 50 ns each) does not count. */
  operations: number;
  /** What an operation works on, in bytes, peers, threads. */
  parameters: Record<string, string | number | boolean>;
  /** Figures beside the time of an operation: `Work.figures` gives them. */
  alsoMeasured?: readonly MetricName[];
}

/** One iteration. It is said, never guessed, whether it is async: tinybench would run it to find out. */
export type Work = ({ async: false; iterate: () => void } | { async: true; iterate: () => Promise<void> }) & {
  /** Around every slice of iterations, warm-up included, outside the measured time: wakes the other thread, say. */
  begin?: () => void | Promise<void>;
  end?: () => void | Promise<void>;
  /** After the last slice. */
  figures?: () => Figures | Promise<Figures>;
};

export interface OpenSuite<Names extends string = string> {
  work: Record<Names, Work>;
  close(): Promise<void>;
}

/** Where a suite's second thread goes; this process is pinned by whoever started it. */
export interface Placement {
  /** Core of the thread or process under test; null: not pinned. */
  core: number | null;
  /** Core of the one that loads or disturbs it; null: not pinned. */
  loadCore: number | null;
}

export interface SuiteDefinition<Names extends string = string> {
  suite: MicroSuite;
  /** By name; the benchmark is `<suite>/<name>`. */
  tasks: Record<Names, MicroTask>;
  /** How long `open` may take, milliseconds. Default 10 s. */
  opensWithinMs?: number;
  /** Builds what the tasks work on: tables, threads, a relay. */
  open(placement: Placement): Promise<OpenSuite<Names>>;
}

/** Ties the names of the work to those of the tasks. */
export function defineSuite<const Names extends string>(
  definition: SuiteDefinition<Names>,
): SuiteDefinition<Names> {
  return definition;
}

export function sync(iterate: () => void): Work {
  return { async: false, iterate };
}
