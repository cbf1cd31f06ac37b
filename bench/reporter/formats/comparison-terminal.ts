import picocolors from 'picocolors';
import type {
  BenchmarkComparison,
  Comparison,
  ContextComparison,
  Pair,
  View,
} from '../compare/comparison.ts';
import { formatInterval, formatNumber, formatP, formatRatio, plainText } from './figures.ts';
import { drawTable, type TerminalOptions } from './terminal.ts';

export interface ComparisonTableOptions extends TerminalOptions {
  /** Also the metrics that are not primary, and the rivals. Default: false. */
  verbose?: boolean;
}

type Colors = ReturnType<typeof picocolors.createColors>;

/** What a reader needs to know before the figures. */
export function preamble(comparison: Comparison): string[] {
  const { results, differences, rule } = comparison;
  return [
    ...results.map(({ label, startedAt, mode, fingerprint: { commit, dirty, cpu } }) =>
      plainText(
        `${label}: ${mode} run of ${startedAt} on ${cpu.model}${commit ? `, commit ${commit.slice(0, 12)}${dirty ? ' with changes' : ''}` : ''}`,
      ),
    ),
    ...(differences.length > 0 ? differences.map((line) => plainText(`differs: ${line}`)) : []),
    `Above 1 is better than ${plainText(results[0]!.label)}. ~ is no difference that can be told from noise (level ${rule.alpha}, noise ${rule.noise * 100}%).`,
  ];
}

function interval(seen: View | null): string {
  return seen ? formatInterval(seen) : '-';
}

function benchmarkTable(pair: Pair, width: number, colors: Colors): string {
  const head = ['', pair.base, pair.other, 'ratio', 'normalised', 'p', 'verdict'].map(plainText);
  const lines = pair.benchmarks.map((one: BenchmarkComparison) => [
    one.title,
    formatNumber(one.base.median),
    `${formatNumber(one.other.median)} ${one.metric.unit}`,
    interval(one.views.raw),
    one.views.calibrated ? formatRatio(one.views.calibrated.ratio) : '-',
    one.views.raw ? formatP(one.views.raw.adjustedP) : '-',
    one.verdict,
  ]);
  return drawTable(head, lines, width, (text, at, column) => {
    if (column !== head.length - 1) return text;
    const { verdict } = pair.benchmarks[at]!;
    return verdict === '~' ? colors.dim(text) : verdict === 'better' ? colors.green(text) : colors.red(text);
  });
}

function contextTable(
  title: string,
  rows: readonly ContextComparison[],
  pair: Pair,
  width: number,
): string[] {
  if (rows.length === 0) return [];
  const lines = rows.map((row) => [
    `${row.benchmark}@${row.system} ${row.metric}`,
    formatNumber(row.base),
    `${formatNumber(row.other)} ${row.unit}`,
    row.ratio === null ? '-' : formatInterval({ ratio: row.ratio, low: row.low!, high: row.high! }),
  ]);
  return [
    '',
    title,
    drawTable(['', pair.base, pair.other, 'ratio'].map(plainText), lines, width, (text) => text),
  ];
}

export function meansLine({ geometricMean: { raw, calibrated, benchmarks }, other }: Pair): string {
  if (raw === null || calibrated === null) return 'No benchmark is in both results.';
  return plainText(
    `Geometric mean of ${benchmarks} benchmarks: ${other} is ${formatRatio(raw)}, normalised by calibration ${formatRatio(calibrated)}.`,
  );
}

function pairText(pair: Pair, options: ComparisonTableOptions, colors: Colors): string {
  const width = Math.max(60, options.width ?? 100);
  const called = pair.benchmarks.filter(({ verdict }) => verdict !== '~');
  const absent = [
    [pair.base, pair.onlyInBase],
    [pair.other, pair.onlyInOther],
  ] as const;
  return [
    colors.bold(plainText(`${pair.other} against ${pair.base}`)),
    ...(pair.benchmarks.length > 0 ? [benchmarkTable(pair, width, colors)] : []),
    ...(options.verbose
      ? [
          ...contextTable('Other metrics (never called)', pair.otherMetrics, pair, width),
          ...contextTable('Rivals (never called)', pair.rivals, pair, width),
        ]
      : []),
    '',
    meansLine(pair),
    `Called different: ${called.length} of ${pair.benchmarks.length}.`,
    ...absent.flatMap(([label, names]) =>
      names.length > 0 ? plainText(`Only in ${label}: ${names.join(', ')}`) : [],
    ),
    ...pair.notes.map((note) => `${colors.yellow('note')} ${note}`),
    ...pair.regressions.map(({ benchmark, ratio }) =>
      colors.red(plainText(`regression ${benchmark}: ${formatRatio(ratio)}`)),
    ),
    '',
  ].join('\n');
}

export function comparisonToTable(comparison: Comparison, options: ComparisonTableOptions = {}): string {
  const colors = picocolors.createColors(options.color ?? picocolors.isColorSupported);
  const head = preamble(comparison).map((line) => colors.dim(line));
  if (comparison.refused)
    return [...head, '', plainText(`Not compared: ${comparison.refused.why}`), ''].join('\n');
  return [...head, '', ...comparison.pairs.map((pair) => pairText(pair, options, colors))].join('\n');
}
