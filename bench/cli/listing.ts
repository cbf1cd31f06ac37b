/** What a run would measure: `--list`. */
import Table from 'cli-table3';
import type { Result } from '../reporter/index.ts';
import { type Benchmark, benchmarksOf, type Job } from '../run/benchmark.ts';
import { estimateMs } from '../run/estimate.ts';
import { interleave } from '../run/plan.ts';
import { clock } from '../run/progress.ts';

export interface Listing {
  mode: Result['mode'];
  estimatedSeconds: number;
  benchmarks: {
    benchmark: string;
    suite: string;
    title: string;
    parameters: Benchmark['parameters'];
    /** Rounds by system. */
    systems: Record<string, number>;
  }[];
}

export function listing(mode: Result['mode'], jobs: readonly Job[], calibrationMs: number): Listing {
  const listed = new Map<string, Listing['benchmarks'][number]>();
  for (const job of jobs) {
    for (const benchmark of benchmarksOf(job)) {
      const { id, suite, title, parameters } = benchmark;
      const entry = listed.get(id) ?? { benchmark: id, suite, title, parameters, systems: {} };
      entry.systems[job.system] = roundsOf(job, id);
      listed.set(id, entry);
    }
  }
  const estimatedSeconds = Math.round(estimateMs(interleave(jobs), 2 * calibrationMs) / 1000);
  return { mode, estimatedSeconds, benchmarks: [...listed.values()] };
}

function roundsOf(job: Job, id: string): number {
  const step = job.kind === 'load' ? job.steps.find(({ benchmark }) => benchmark.id === id) : undefined;
  return Math.min(job.rounds, step?.rounds ?? job.rounds);
}

export function listingText({ mode, estimatedSeconds, benchmarks }: Listing): string {
  const table = new Table({ head: ['benchmark', 'what', 'rounds'], style: { head: [], border: [] } });
  for (const { benchmark, title, systems } of benchmarks) {
    const rounds = Object.entries(systems).map(([system, count]) => `${system} ${count}`);
    table.push([benchmark, title, rounds.join(', ')]);
  }
  const total = `${benchmarks.length} benchmarks (${mode}), about ${clock(estimatedSeconds * 1000)} minutes`;
  return `${table.toString()}\n${total}\n`;
}
