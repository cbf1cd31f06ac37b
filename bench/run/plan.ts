/** What a run will do: its jobs, from the configuration and the flags. Nothing is started here. */
import type { ModeConfig } from '../config.ts';
import { PROFILES } from '../profiles/index.ts';
import { microBenchmarks } from '../suites/catalogue.ts';
import type { MicroSuite } from '../suites/suite.ts';
import type { Benchmark, Job, MicroJob } from './benchmark.ts';
import { profileJobs } from './plan-profiles.ts';
import { relaySuiteJobs } from './plan-relay-suites.ts';

/** Slices of a micro-benchmark in a round; with the warm-up, one more. */
const MICRO_PASSES = 5;

/** Suites that have standard loads beside their micro-benchmarks. */
const RELAY_SUITES: readonly MicroSuite[] = ['relay-throughput', 'relay-latency'];

export interface PlanOptions extends ModeConfig {
  objectiveP99Ms: number;
}

export function planJobs(options: PlanOptions): Job[] {
  const jobs: Job[] = [...microJobs(options), ...relaySuiteJobs(options)];
  // A size that the relay suites measure already is not measured again by a profile.
  const there = new Set(jobs.flatMap((job) => (job.kind === 'load' ? caseIds(job) : [])));
  for (const name of options.profiles) {
    for (const job of profileJobs(PROFILES[name], options)) {
      if (job.kind !== 'load') jobs.push(job);
      else {
        const steps = job.steps.filter((step) => !there.has(caseId(step.benchmark, job.system)));
        if (steps.length > 0) jobs.push({ ...job, steps });
      }
    }
  }
  return jobs;
}

function caseIds(job: Extract<Job, { kind: 'load' }>): string[] {
  return job.steps.map(({ benchmark }) => caseId(benchmark, job.system));
}

export function caseId(benchmark: Benchmark, system: string): string {
  return `${benchmark.id}@${system}`;
}

/** The tasks of the two relay suites are rounds of their own: their standard loads may be enough. */
function microJobs({ suites, rounds, durations }: PlanOptions): MicroJob[] {
  const tasks = microBenchmarks(suites).length;
  const passMs = Math.max(1, Math.round(durations.microMs / (tasks * (MICRO_PASSES + 1))));
  const ofRelay = (suite: MicroSuite) => RELAY_SUITES.includes(suite);
  return [
    microJob(
      suites.filter((suite) => !ofRelay(suite)),
      passMs,
      rounds.micro,
    ),
    microJob(suites.filter(ofRelay), passMs, rounds.microRelay),
  ].filter((job) => job.rounds > 0 && job.suites.length > 0);
}

function microJob(suites: readonly MicroSuite[], passMs: number, rounds: number): MicroJob {
  const benchmarks = microBenchmarks(suites).map(
    ({ benchmark, suite, title, parameters, metrics }): Benchmark => ({
      id: benchmark,
      suite,
      profile: null,
      title,
      parameters,
      metrics,
      rivalsDo: null,
    }),
  );
  return { kind: 'micro', system: 'supernode', suites, benchmarks, passMs, passes: MICRO_PASSES, rounds };
}

/**
 * Rounds of all jobs, interleaved: each job's are spread evenly over the run and every second pass goes backwards, so
 * that a machine that becomes slower, or warmer, does so for all alike.
 */
export function interleave(jobs: readonly Job[]): { job: Job; round: number }[] {
  const passes = Math.max(0, ...jobs.map(({ rounds }) => rounds));
  const order: { job: Job; round: number }[] = [];
  for (let pass = 0; pass < passes; pass++) {
    const inPass = jobs.flatMap((job) => {
      const round = Math.floor((pass * job.rounds) / passes);
      const isNew = pass === 0 || round !== Math.floor(((pass - 1) * job.rounds) / passes);
      return isNew ? [{ job, round }] : [];
    });
    order.push(...(pass % 2 === 0 ? inPass : inPass.reverse()));
  }
  return order;
}
