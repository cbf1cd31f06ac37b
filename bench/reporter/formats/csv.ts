import { stringify } from 'csv-stringify/sync';
import type { Case, Result } from '../result.ts';
import { median, medianAbsoluteDeviation } from '../statistics/location.ts';

const COLUMNS = [
  'case',
  'benchmark',
  'suite',
  'profile',
  'system',
  'title',
  'metric',
  'unit',
  'better',
  'primary',
  'rounds',
  'median',
  'mad',
  'min',
  'max',
  'samples',
] as const;

/** A line for each metric of each case (RFC 4180, with a head); `samples` are separated by spaces. */
export function casesToCsv(cases: readonly Case[]): string {
  const rows = cases.flatMap((one) =>
    one.metrics.map((metric) => [
      one.id,
      one.benchmark,
      one.suite,
      one.profile ?? '',
      one.system,
      one.title,
      metric.name,
      metric.unit,
      metric.better,
      metric.primary ? 'yes' : 'no',
      metric.samples.length,
      median(metric.samples),
      medianAbsoluteDeviation(metric.samples),
      Math.min(...metric.samples),
      Math.max(...metric.samples),
      metric.samples.join(' '),
    ]),
  );
  // A spreadsheet would run a cell that begins as a formula does; an apostrophe before it makes it text.
  return stringify([[...COLUMNS], ...rows], { record_delimiter: 'windows', escape_formulas: true });
}

export function resultToCsv(result: Result): string {
  return casesToCsv(result.cases);
}
