/** Samples of many rounds as the cases of a result. */
import type { Case, Metric } from '../reporter/result.ts';
import type { Benchmark } from './benchmark.ts';
import { distributionOf, merge } from './histograms.ts';
import { METRICS, type MetricName } from './metrics.ts';
import { caseId } from './plan.ts';
import type { Sample } from './sample.ts';

/** @param order ids of benchmarks as they were planned: the cases come in that order, supernode first. */
export function casesOf(samples: readonly Sample[], order: readonly string[]): Case[] {
  const byCase = grouped(samples);
  const cases = [...byCase.values()].flatMap((rounds) => caseOf(rounds) ?? []);
  const rank = new Map([...order.entries()].reverse().map(([i, id]) => [id, i]));
  return cases.sort((a, b) => (rank.get(a.benchmark) ?? 0) - (rank.get(b.benchmark) ?? 0));
}

function grouped(samples: readonly Sample[]): Map<string, Sample[]> {
  const byCase = new Map<string, Sample[]>();
  for (const sample of samples) {
    const id = caseId(sample.benchmark, sample.system);
    byCase.set(id, [...(byCase.get(id) ?? []), sample]);
  }
  return byCase;
}

/** Null when no round has the primary figure. */
function caseOf(rounds: readonly Sample[]): Case | null {
  const { benchmark, system } = rounds[0]!;
  const metrics = metricsOf(benchmark, rounds);
  if (!metrics.some(({ primary }) => primary)) return null;
  const histograms = rounds.flatMap(({ histogram }) => histogram ?? []);
  return {
    id: caseId(benchmark, system),
    benchmark: benchmark.id,
    suite: benchmark.suite,
    profile: benchmark.profile,
    title: benchmark.title,
    system,
    parameters: benchmark.parameters,
    rounds: rounds.map(({ round }) => round),
    metrics,
    latency: histograms.length === 0 ? null : distributionOf(merge(histograms), rounds[0]!.latencyFrom),
  };
}

/** A figure that some round could not give is left out: every metric has one sample per round. */
function metricsOf(benchmark: Benchmark, rounds: readonly Sample[]): Metric[] {
  return benchmark.metrics.flatMap((name: MetricName, i) => {
    const samples = rounds.flatMap(({ figures }) => figures[name] ?? []);
    if (samples.length < rounds.length || !samples.every(Number.isFinite)) return [];
    return [{ name, ...METRICS[name], primary: i === 0, samples }];
  });
}
