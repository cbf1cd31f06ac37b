import type { Bench, Task } from 'tinybench';
import { ReporterError } from './errors.ts';
import type { Case, Distribution, Metric } from './result.ts';
import { quantile } from './statistics/location.ts';

export interface TinybenchMeta {
  /** Such as `frame`; the benchmarks are `<suite>/<task>`. */
  suite: string;
  /** Default: `supernode`. */
  system?: string;
  /** Operations in one iteration of a task; by task name, or the same for all. Default: 1. */
  operations?: number | ((task: string) => number);
  parameters?: Case['parameters'];
}

type Finished = Extract<Task['result'], { state: 'completed' }>;

/** A name that a result may hold: `read, 160 bytes` is `read-160-bytes`. */
function nameOf(task: string): string {
  const name = task
    .trim()
    .replace(/[^A-Za-z0-9_./:-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .replace(/-+$/, '')
    .slice(0, 120);
  if (name === '')
    throw new ReporterError('task', `Task ${JSON.stringify(task)} needs a name with a letter or a digit.`);
  return name;
}

function finished(task: Task): Finished {
  const { result } = task;
  const name = JSON.stringify(task.name);
  switch (result.state) {
    case 'completed':
      break;
    case 'errored':
      throw new ReporterError('task', `Task ${name} failed: ${result.error.message}`, {
        cause: result.error,
      });
    case 'aborted':
    case 'aborted-with-statistics':
      throw new ReporterError('task', `Task ${name} was aborted: its figures are of a part of the run.`);
    default:
      throw new ReporterError(
        'task',
        `Task ${name} has not run (it is ${result.state}): await bench.run() first.`,
      );
  }
  if (!(result.totalTime > 0)) {
    throw new ReporterError(
      'task',
      `Task ${name} took no time that its clock could see: do more in one iteration.`,
    );
  }
  return result;
}

/** Latency of iterations; only where tinybench kept the samples of every round. */
function latencyOf(results: readonly Finished[]): Distribution | null {
  const kept = results.map(({ latency }) => latency.samples);
  if (kept.some((samples) => samples === undefined)) return null;
  const all = kept.flatMap((samples) => [...samples!]);
  const at = (share: number): [number, number] => [share, quantile(all, share)];
  const percentiles = [0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 1].map(at);
  const of = (share: number) => at(share)[1];
  return {
    count: all.length,
    from: 'sent',
    p50: of(0.5),
    p90: of(0.9),
    p99: of(0.99),
    p999: of(0.999),
    max: of(1),
    percentiles,
    histogram: null,
  };
}

function metricsOf(results: readonly Finished[], runs: readonly number[], operations: number): Metric[] {
  // Operations over time: tinybench's throughput.mean is a mean of rates, which fast iterations dominate.
  const seconds = results.map(({ totalTime }, round) => totalTime / 1000 / (runs[round]! * operations));
  return [
    {
      name: 'timePerOp',
      title: 'time per operation',
      unit: 'ns/op',
      better: 'lower',
      primary: true,
      samples: seconds.map((each) => each * 1e9),
    },
    {
      name: 'throughput',
      title: 'throughput',
      unit: 'ops/s',
      better: 'higher',
      primary: false,
      samples: seconds.map((each) => 1 / each),
    },
  ];
}

/**
 * The cases of a bench that has run (tinybench 6), one for each task. Several benches with the same tasks are as many rounds;
 * give each a process of its own if they are to be independent.
 *
 * @throws ReporterError for a task that has not run, failed, was aborted, or is not in every round.
 */
export function fromTinybench(bench: Bench | readonly Bench[], meta: TinybenchMeta): Case[] {
  const rounds = Array.isArray(bench) ? (bench as readonly Bench[]) : [bench as Bench];
  const seen = new Set<string>();
  return (rounds[0]?.tasks ?? []).map((first) => {
    const tasks = rounds.map((round) => {
      const task = round.tasks.find(({ name }) => name === first.name);
      if (task) return task;
      throw new ReporterError('task', `Task ${JSON.stringify(first.name)} is not in every bench.`);
    });
    const benchmark = `${meta.suite}/${nameOf(first.name)}`;
    if (seen.has(benchmark)) throw new ReporterError('task', `Two tasks would both be named "${benchmark}".`);
    seen.add(benchmark);
    const results = tasks.map(finished);
    const system = meta.system ?? 'supernode';
    const { operations = 1 } = meta;
    const each = typeof operations === 'number' ? operations : operations(first.name);
    if (!(each > 0))
      throw new ReporterError(
        'task',
        `Operations of ${JSON.stringify(first.name)} must be above 0, not ${each}.`,
      );
    return {
      id: `${benchmark}@${system}`,
      benchmark,
      suite: meta.suite,
      profile: null,
      title: first.name,
      system,
      parameters: meta.parameters ?? {},
      rounds: rounds.map(() => ({ atMs: 0, speed: null, loadCpuShare: null, othersCpuShare: null })),
      metrics: metricsOf(
        results,
        tasks.map(({ runs }) => runs),
        each,
      ),
      latency: latencyOf(results),
    };
  });
}
