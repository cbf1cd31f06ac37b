import type { Result } from '../result.ts';
import { median } from '../statistics/location.ts';

/** Bencher's measures are slugs: `cpuPerFrame` is `cpu-per-frame`. */
function slug(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replace(/[^A-Za-z0-9]+/g, '-')
    .toLowerCase();
}

/** Bencher Metric Format: benchmark -> measure -> value; from the lowest round to the highest. */
export function resultToBencher(result: Result): string {
  const benchmarks = result.cases.map((one) => [
    one.id,
    Object.fromEntries(
      one.metrics.map(({ name, samples }) => [
        slug(name),
        { value: median(samples), lower_value: Math.min(...samples), upper_value: Math.max(...samples) },
      ]),
    ),
  ]);
  return `${JSON.stringify(Object.fromEntries(benchmarks), null, 2)}\n`;
}
