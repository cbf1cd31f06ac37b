/** How many times supernode's figure is that of each rival, for every figure that both have. */
import { type Case, type Metric, type Ratio, ratioOf } from '../reporter/index.ts';
import type { Benchmark } from './benchmark.ts';

const CONFIDENCE = 0.95;
const OF = 'supernode';

/** A ratio of these says something; of counts such as drops it does not. */
const COMPARED = new Set([
  'throughput',
  'cpuPerFrame',
  'latencyP50',
  'latencyP90',
  'latencyP99',
  'latencyP999',
  'rateAtObjective',
  'rss',
]);

export function ratiosOf(cases: readonly Case[], benchmarks: readonly Benchmark[]): Ratio[] {
  const against = new Map(benchmarks.map(({ id, rivalsDo }) => [id, rivalsDo ?? id]));
  return cases
    .filter(({ system }) => system === OF)
    .flatMap((own) => {
      const rivals = cases.filter(
        ({ benchmark, system }) => system !== OF && benchmark === against.get(own.benchmark),
      );
      return rivals.flatMap((rival) => own.metrics.flatMap((metric) => ratio(own, metric, rival) ?? []));
    });
}

function ratio(own: Case, { name, better, samples }: Metric, rival: Case): Ratio | null {
  const theirs = rival.metrics.find((metric) => metric.name === name);
  if (!theirs || !COMPARED.has(name)) return null;
  const estimate = ratioOf(samples, theirs.samples, CONFIDENCE);
  if (estimate === null) return null;
  return { benchmark: own.benchmark, metric: name, of: OF, to: rival.system, better, ...estimate };
}
