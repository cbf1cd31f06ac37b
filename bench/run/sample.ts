/** What one round of a case measured. */
import type { Round, Speed } from '../reporter/result.ts';
import type { SystemId } from '../systems/system.ts';
import type { Benchmark } from './benchmark.ts';
import type { MetricName } from './metrics.ts';

export type Figures = Partial<Record<MetricName, number>>;

export interface Sample {
  benchmark: Benchmark;
  system: SystemId;
  figures: Figures;
  /** HdrHistogram of microseconds, V2 compressed, base64. */
  histogram: string | null;
  latencyFrom: 'intended' | 'sent';
  /** Open loop: packets that arrived, of those that were due; null elsewhere. */
  arrivedShare: number | null;
  round: Round;
}

/** What is known about a round before it begins. */
export interface RoundStart {
  atMs: number;
  /** Probed before it; the mean with that after it takes its place. */
  speed: Speed | null;
}
