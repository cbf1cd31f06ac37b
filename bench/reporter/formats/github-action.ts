/**
 * For benchmark-action/github-action-benchmark, whose tools `customSmallerIsBetter` and `customBiggerIsBetter` take a file
 * for each direction. Primary figures only: it keeps a chart for every name.
 */
import { primaryMetric } from '../compare/comparison.ts';
import type { Result } from '../result.ts';
import { median } from '../statistics/location.ts';
import { formatShare } from './figures.ts';
import { spreadOf } from './rows.ts';

function entries(result: Result, better: 'higher' | 'lower'): string {
  const list = result.cases.flatMap((one) => {
    const metric = primaryMetric(one);
    if (metric.better !== better) return [];
    const spread = spreadOf(metric.samples);
    return {
      name: one.id,
      unit: metric.unit,
      value: median(metric.samples),
      range: spread === null ? '' : `± ${formatShare(spread)}`,
      extra: `${metric.title}\n${metric.samples.length} rounds`,
    };
  });
  return `${JSON.stringify(list, null, 2)}\n`;
}

/** For the tool `customSmallerIsBetter`: times, costs, bytes. */
export function resultToGithubActionSmaller(result: Result): string {
  return entries(result, 'lower');
}

/** For the tool `customBiggerIsBetter`: rates. */
export function resultToGithubActionBigger(result: Result): string {
  return entries(result, 'higher');
}
