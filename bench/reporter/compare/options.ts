/**
 * The rule by which a difference is called, in one place. The defaults were chosen by simulation
 * (`test/bench/reporter/fixtures/rule-model.ts` is the model): of ten pairs of one build on a machine whose speed drifts, at most
 * one benchmark may be called, and a real 10% must be.
 */
import type { Calibration } from '../result.ts';

/** A way of looking at the same samples. */
export const LENSES = ['raw', 'calibrated', 'rivals'] as const;
export type Lens = (typeof LENSES)[number];

export type MeasureName = keyof Calibration;

export interface CompareOptions {
  /** Of the results, in their order. Default: A, B, C... */
  labels?: readonly string[];
  /** The system under test; all others are its rivals. Default: `supernode`. */
  system?: string;
  /** Chance of any false call among all benchmarks of a pair, as far as rounds are independent. Default: 0.05. */
  alpha?: number;
  /**
   * `holm`: for the number of benchmarks; needs 7 rounds for 25 benchmarks. `none`: each benchmark by itself, where runs
   * can have no more than 5 rounds. Default: `holm`.
   */
  correction?: 'holm' | 'none';
  /** Of the intervals. Default: 0.95. */
  confidence?: number;
  /**
   * The whole interval must lie beyond this share from 1: runs of one build differ by as much for reasons that their
   * rounds have in common, which no test over rounds can see. Default: 0.06.
   */
  noise?: number;
  /** On one kind of machine, what a difference must be seen through: by one beyond doubt, by all on one side. Default: all. */
  lenses?: readonly Lens[];
  /** Which measures of the calibration explain a benchmark: see {@link explainedBy}. */
  explainedBy?: (suite: string) => readonly MeasureName[];
  /** Called worse by more than this share is a regression, such as 0.05. Default: null, none is. */
  failOnRegression?: number | null;
}

/**
 * Micro-benchmarks never enter the kernel; a relay spends about half of its time there, so that both count.
 */
export function explainedBy(suite: string): readonly MeasureName[] {
  return suite.startsWith('relay') || suite === 'profile' ? ['singleThread', 'loopback'] : ['singleThread'];
}

export type Rule = Required<Omit<CompareOptions, 'labels'>>;

export const DEFAULT_RULE: Rule = {
  system: 'supernode',
  alpha: 0.05,
  correction: 'holm',
  confidence: 0.95,
  noise: 0.06,
  lenses: LENSES,
  explainedBy,
  failOnRegression: null,
};
