/** What a comparison of results says. Plain data, as it is written by `--json`. */
import type { Case, Fingerprint, Result } from '../result.ts';
import type { Lens } from './options.ts';

export const COMPARISON_KIND = 'supernode-bench-comparison';
export const COMPARISON_VERSION = 1;

/** `~`: no difference that can be told from noise. */
export type Verdict = 'better' | 'worse' | '~';

/** What one lens sees of one benchmark. */
export interface View {
  /** Above 1: better than the base. */
  ratio: number;
  low: number;
  high: number;
  confidence: number;
  /** Mann-Whitney, two-sided. */
  p: number;
  /** For the number of benchmarks of the pair in this lens; `p` itself without a correction. */
  adjustedP: number;
  /** By this lens alone. */
  verdict: Verdict;
}

export interface BenchmarkComparison {
  benchmark: string;
  suite: string;
  title: string;
  metric: { name: string; title: string; unit: string; better: 'higher' | 'lower' };
  /** Medians over the rounds, and rounds. */
  base: { median: number; rounds: number };
  other: { median: number; rounds: number };
  /** Null: that lens has nothing to go by, such as no rivals in both runs. `raw` is null only if there is no ratio. */
  views: Record<Lens, View | null>;
  verdict: Verdict;
}

/** A figure that is shown beside the others and never called: another metric, or that of a rival. */
export interface ContextComparison {
  benchmark: string;
  system: string;
  metric: string;
  unit: string;
  better: 'higher' | 'lower' | 'none';
  base: number;
  other: number;
  /** Above 1: better than the base (`none`: larger). Null where there is none. */
  ratio: number | null;
  low: number | null;
  high: number | null;
}

export interface Regression {
  benchmark: string;
  ratio: number;
}

/** Of all benchmarks that have a ratio, above 1 = better; null when there is none. */
export interface Means {
  raw: number | null;
  calibrated: number | null;
  benchmarks: number;
}

export interface Pair {
  base: string;
  other: string;
  /** One kind of machine: then the views must agree. Otherwise the raw figures decide, since the machine is the question. */
  sameMachine: boolean;
  benchmarks: BenchmarkComparison[];
  geometricMean: Means;
  bySuite: Record<string, Means>;
  regressions: Regression[];
  /** Benchmarks of the system under test that only one of the two has. */
  onlyInBase: string[];
  onlyInOther: string[];
  rivals: ContextComparison[];
  otherMetrics: ContextComparison[];
  notes: string[];
}

export interface Side {
  label: string;
  startedAt: string;
  mode: Result['mode'];
  suiteHash: string;
  fingerprint: Fingerprint;
  /** Medians. */
  calibration: Record<keyof Result['calibration'], { median: number; unit: string }>;
  /** Codes of warnings, and how often. */
  warnings: Record<string, number>;
}

export interface Comparison {
  kind: typeof COMPARISON_KIND;
  version: typeof COMPARISON_VERSION;
  system: string;
  results: Side[];
  /** Set: the results do not answer the same questions, and no pair is given. */
  refused: { why: string } | null;
  /** What differs between the machines, a sentence each. */
  differences: string[];
  rule: {
    alpha: number;
    correction: 'holm' | 'none';
    confidence: number;
    noise: number;
    failOnRegression: number | null;
  };
  /** Each of the other results with the first. */
  pairs: Pair[];
}

export function primaryMetric(one: Case): Case['metrics'][number] {
  const primary = one.metrics.find((metric) => metric.primary);
  if (!primary) throw new RangeError(`Case "${one.id}" has no primary metric.`);
  return primary;
}
