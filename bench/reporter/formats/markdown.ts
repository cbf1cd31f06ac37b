import type { Comparison, Pair } from '../compare/comparison.ts';
import type { Case, Ratio, Result } from '../result.ts';
import { meansLine, preamble } from './comparison-terminal.ts';
import { formatFigure, formatInterval, formatP, formatRatio, formatShare, plainText } from './figures.ts';
import { groupsOf, machineLines, ratioText } from './rows.ts';

/** Text that stays text: no cell ends, no markup, no HTML, no mention of a user or an issue. */
export function markdownText(text: string): string {
  return plainText(text)
    .replace(/[\\`*_{}[\]()#|~!]/g, '\\$&')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/@(?=\w)/g, '@&#8203;');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, column) => (column === 0 ? '---' : '---:'))), ...rows.map(line)].join(
    '\n',
  );
}

/** Tables of the cases alone, such as those from tinybench. */
export function casesToMarkdown(cases: readonly Case[], ratios: readonly Ratio[] = []): string {
  return groupsOf(cases, ratios)
    .map(({ suite, rows }) => {
      const head = ['benchmark', 'system', 'median', '±', 'p99', 'supernode / rival'];
      const lines = rows.map((row) => [
        markdownText(row.one.title),
        markdownText(row.one.system),
        markdownText(row.median === null ? '' : formatFigure(row.median, row.metric.unit)),
        row.spread === null ? '' : formatShare(row.spread),
        row.p99 === null ? '' : formatFigure(row.p99, 'ms'),
        ratioText(row),
      ]);
      return `## ${markdownText(suite)}\n\n${table(head, lines)}\n`;
    })
    .join('\n');
}

/** GitHub's tables. */
export function resultToMarkdown(result: Result): string {
  const { calibration } = result;
  const notes = [
    ...result.missing.map(
      ({ system, why, install }) =>
        `- **missing ${markdownText(system)}**: ${markdownText(why)} Install it: ${markdownText(install)}`,
    ),
    ...result.warnings.map(
      ({ code, case: about, text }) =>
        `- **${code}**${about ? ` ${markdownText(about)}` : ''}: ${markdownText(text)}`,
    ),
  ];
  return [
    '# Benchmark results',
    '',
    ...machineLines(result).map((line) => `- ${markdownText(line)}`),
    `- Calibration: ${Object.entries(calibration)
      .map(([name, { median, unit }]) => `${name} ${markdownText(formatFigure(median, unit))}`)
      .join(', ')}`,
    '',
    casesToMarkdown(result.cases, result.ratios),
    ...(notes.length > 0 ? ['## Warnings', '', ...notes, ''] : []),
  ].join('\n');
}

const VERDICT = { better: '🟢 better', worse: '🔴 worse', '~': '\\~' } as const;

function pairText(pair: Pair): string {
  const head = [
    'benchmark',
    markdownText(pair.base),
    markdownText(pair.other),
    'ratio',
    'normalised',
    'p',
    'verdict',
  ];
  const rows = pair.benchmarks.map(({ title, metric, base, other, views, verdict }) => [
    markdownText(title),
    markdownText(formatFigure(base.median, metric.unit)),
    markdownText(formatFigure(other.median, metric.unit)),
    views.raw ? formatInterval(views.raw) : '-',
    views.calibrated ? formatRatio(views.calibrated.ratio) : '-',
    views.raw ? formatP(views.raw.adjustedP).replace('<', '&lt;') : '-',
    VERDICT[verdict],
  ]);
  const notes = [
    ...pair.notes,
    ...pair.regressions.map(
      ({ benchmark, ratio }) => `**Regression** in ${benchmark}: ${formatRatio(ratio)}`,
    ),
  ];
  return [
    `## ${markdownText(`${pair.other} against ${pair.base}`)}`,
    '',
    table(head, rows),
    '',
    markdownText(meansLine(pair)),
    '',
    ...notes.map((note) => `- ${note}`),
    ...(notes.length > 0 ? [''] : []),
  ].join('\n');
}

export function comparisonToMarkdown(comparison: Comparison): string {
  const body = comparison.refused
    ? [`**Not compared**: ${markdownText(comparison.refused.why)}`, '']
    : comparison.pairs.map(pairText);
  return [
    '# Comparison',
    '',
    ...preamble(comparison).map((line) => `- ${markdownText(line)}`),
    '',
    ...body,
  ].join('\n');
}
