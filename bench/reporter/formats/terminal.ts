import Table from 'cli-table3';
import picocolors from 'picocolors';
import type { Case, Ratio, Result } from '../result.ts';
import { formatFigure, formatShare, plainText } from './figures.ts';
import { type Group, groupsOf, machineLines, type Row, ratioText, wins } from './rows.ts';

export interface TerminalOptions {
  /** Default: whether stdout takes colours. */
  color?: boolean;
  /** Columns, 60 at least. Default: 100. */
  width?: number;
}

type Colors = ReturnType<typeof picocolors.createColors>;

/** As lines of at most so many columns, broken at spaces where there are any; later lines keep the first one's indent. */
function wrapped(text: string, columns: number): string[] {
  const plain = plainText(text);
  const indent = ' '.repeat(plain.length - plain.trimStart().length);
  const lines: string[] = [];
  for (const word of plain.trim().split(/(?<=[ /@-])/)) {
    const last = lines.at(-1);
    if (last !== undefined && (last + word.trimEnd()).length <= columns)
      lines[lines.length - 1] = last + word;
    else lines.push(indent + word);
  }
  return lines.flatMap((line) => line.trimEnd().match(new RegExp(`.{1,${columns}}`, 'g')) ?? ['']);
}

/** A table with only horizontal rules, whose first column takes the room that is left. */
export function drawTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  width: number,
  paint: (text: string, row: number, column: number) => string,
): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (column === 0 ? 0 : row[column]!.length))),
  );
  const gaps = 2 * (head.length - 1);
  const others = widths.slice(1).reduce((sum, each) => sum + each, 0);
  const longest = Math.max(...rows.map((row) => row[0]!.length), head[0]!.length);
  widths[0] = Math.max(12, Math.min(longest, width - others - gaps));
  const none = {
    'top-mid': '',
    'top-left': '',
    'top-right': '',
    'bottom-mid': '',
    'bottom-left': '',
    'bottom-right': '',
  };
  const table = new Table({
    chars: {
      ...none,
      top: '',
      bottom: '',
      left: '',
      'left-mid': '',
      mid: '',
      'mid-mid': '',
      right: '',
      'right-mid': '',
      middle: '  ',
    },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
    colAligns: head.map((_, column) => (column === 0 ? 'left' : 'right')),
    colWidths: widths,
  });
  table.push([...head]);
  rows.forEach((row, at) => {
    table.push(
      row.map((text, column) =>
        wrapped(text, widths[column]!)
          .map((line) => paint(line, at, column))
          .join('\n'),
      ),
    );
  });
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

function nameOf({ one }: Row, previous: Row | undefined): string {
  return previous?.one.benchmark === one.benchmark ? `  ${one.system}` : one.title;
}

function suiteTable({ suite, rows }: Group, width: number, colors: Colors): string {
  const rivals = rows.some(({ ratio }) => ratio !== null);
  const latency = rows.some(({ p99 }) => p99 !== null);
  const head = ['', 'median', '±', ...(latency ? ['p99 ms'] : []), ...(rivals ? ['supernode / rival'] : [])];
  const lines = rows.map((row, at) => [
    nameOf(row, rows[at - 1]),
    row.median === null ? '' : formatFigure(row.median, row.metric.unit),
    row.spread === null ? '' : formatShare(row.spread),
    ...(latency ? [row.p99 === null ? '' : formatFigure(row.p99, '')] : []),
    ...(rivals ? [ratioText(row)] : []),
  ]);
  const table = drawTable(head, lines, width, (text, at, column) => {
    const { ratio, one } = rows[at]!;
    if (column === 0) return one.system === 'supernode' ? text : colors.dim(text);
    if (column !== head.length - 1 || !ratio) return text;
    const won = wins(ratio);
    return won === null ? text : won ? colors.green(text) : colors.red(text);
  });
  return `${colors.bold(plainText(suite))}\n${table}`;
}

/** Tables of the cases alone, such as those from tinybench. */
export function casesToTable(
  cases: readonly Case[],
  ratios: readonly Ratio[] = [],
  options: TerminalOptions = {},
): string {
  const colors = picocolors.createColors(options.color ?? picocolors.isColorSupported);
  const width = Math.max(60, options.width ?? 100);
  return `${groupsOf(cases, ratios)
    .map((group) => suiteTable(group, width, colors))
    .join('\n\n')}\n`;
}

/** Tables for people: medians over the rounds with their spread (median absolute deviation), ratios with their interval. */
export function resultToTable(result: Result, options: TerminalOptions = {}): string {
  const colors = picocolors.createColors(options.color ?? picocolors.isColorSupported);
  const notes = [
    ...result.missing.map(
      ({ system, why, install }) =>
        `${colors.yellow('missing')} ${plainText(`${system}: ${why} Install it: ${install}`)}`,
    ),
    ...result.warnings.map(
      ({ code, case: about, text }) =>
        `${colors.yellow(`warning ${code}`)} ${plainText(about ? `${about}: ${text}` : text)}`,
    ),
  ];
  return [
    ...machineLines(result).map((line) => colors.dim(plainText(line))),
    '',
    casesToTable(result.cases, result.ratios, options),
    ...(notes.length > 0 ? [...notes, ''] : []),
  ].join('\n');
}
