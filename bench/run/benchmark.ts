/** A question of a run, and the jobs that answer it. A job is what one round does in processes of its own. */
import type { Flow, LoadPlan, Phase } from '../load/plan.ts';
import type { ScenarioPhase } from '../load/scenarios/scenario.ts';
import type { ProfileName, ScenarioCrowd } from '../profiles/profile.ts';
import type { MicroSuite } from '../suites/suite.ts';
import type { SystemId } from '../systems/system.ts';
import type { MetricName } from './metrics.ts';

export type Parameters = Record<string, string | number | boolean | null>;

export interface Benchmark {
  /** Such as `relay/saturate/single/p100`; a case is a benchmark on a system. */
  id: string;
  suite: string;
  profile: ProfileName | null;
  title: string;
  parameters: Parameters;
  /** The first one is primary. */
  metrics: readonly MetricName[];
  /** The benchmark of rivals that this one is compared with, where they have no such thing; null: this one. */
  rivalsDo: string | null;
}

/** A search for the highest rate that meets the objective: what is tried, as factors of the crowd's rate. */
export interface Search {
  kind: 'search';
  /** Packets a second of the whole crowd at factor 1. */
  ratePerSec: number;
  /** The first rate that is tried, packets a second. */
  fromPerSec: number;
  probes: number;
  probeMs: number;
  objectiveP99Ms: number;
}

export interface LoadStep {
  benchmark: Benchmark;
  work: { kind: 'phase'; phase: Phase } | Search;
  /** In how many of the job's rounds it is done: the first ones. */
  rounds: number;
}

/** Connections of one size, and what is done on them one after the other. */
export interface LoadJob {
  kind: 'load';
  system: SystemId;
  crowd: Pick<LoadPlan, 'peers' | 'shape'> & { flows: readonly Flow[] };
  steps: readonly LoadStep[];
  rounds: number;
}

export interface ScenarioJob {
  kind: 'scenario';
  system: 'supernode';
  crowd: ScenarioCrowd;
  steps: readonly { benchmark: Benchmark; phase: ScenarioPhase }[];
  memoryPerPeer: boolean;
  rounds: number;
}

export interface MicroJob {
  kind: 'micro';
  system: 'supernode';
  suites: readonly MicroSuite[];
  benchmarks: readonly Benchmark[];
  passMs: number;
  passes: number;
  rounds: number;
}

export type Job = LoadJob | ScenarioJob | MicroJob;

export function benchmarksOf(job: Job): readonly Benchmark[] {
  return job.kind === 'micro' ? job.benchmarks : job.steps.map(({ benchmark }) => benchmark);
}
