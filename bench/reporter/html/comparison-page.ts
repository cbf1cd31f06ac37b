import type { Comparison, ContextComparison, Pair, Verdict } from '../compare/comparison.ts';
import { meansLine, preamble } from '../formats/comparison-terminal.ts';
import { formatFigure, formatInterval, formatP, formatRatio } from '../formats/figures.ts';
import { barsHtml } from './bars.ts';
import { escapeHtml } from './escape.ts';
import { renderPage, type Section } from './page.ts';
import { type Cell, factsHtml, notesHtml, tableHtml } from './parts.ts';
import { fingerprintFacts } from './result-page.ts';

function verdictCell(verdict: Verdict): Cell {
  return verdict === '~'
    ? { text: '~', class: 'soft' }
    : { text: verdict, class: verdict === 'better' ? 'good' : 'bad' };
}

function benchmarksHtml(pair: Pair): string {
  const rows = pair.benchmarks.map(({ title, metric, base, other, views, verdict }) => ({
    cells: [
      title,
      formatFigure(base.median, metric.unit),
      formatFigure(other.median, metric.unit),
      views.raw ? formatInterval(views.raw) : '-',
      views.calibrated ? formatInterval(views.calibrated) : '-',
      views.rivals ? formatInterval(views.rivals) : '-',
      views.raw ? formatP(views.raw.adjustedP) : '-',
      verdictCell(verdict),
    ],
  }));
  const head = ['Benchmark', pair.base, pair.other, 'Ratio', 'Normalised', 'Beside rivals', 'p', 'Verdict'];
  return tableHtml(`${pair.other} against ${pair.base}`, head, rows);
}

function barsOf(pair: Pair): string {
  return barsHtml(
    pair.benchmarks.map(({ title, views }) => ({
      about: title,
      bars: [
        ...(views.raw ? [{ name: 'as measured', ...views.raw }] : []),
        ...(views.calibrated ? [{ name: 'normalised', ...views.calibrated, other: true }] : []),
      ],
    })),
  );
}

function contextHtml(title: string, rows: readonly ContextComparison[], pair: Pair): string {
  if (rows.length === 0) return '';
  const lines = rows.map(({ benchmark, system, metric, unit, base, other, ratio, low, high }) => ({
    cells: [
      `${benchmark}@${system} ${metric}`,
      formatFigure(base, unit),
      formatFigure(other, unit),
      ratio === null ? '-' : formatInterval({ ratio, low: low!, high: high! }),
    ],
  }));
  const table = tableHtml(title, ['Case and metric', pair.base, pair.other, 'Ratio'], lines);
  return `<details><summary>${escapeHtml(title)} (${rows.length}, never called)</summary>${table}</details>`;
}

function pairHtml(pair: Pair): string {
  const suites = Object.entries(pair.bySuite).map(([suite, { raw, calibrated, benchmarks }]) => ({
    cells: [
      suite,
      `${benchmarks}`,
      raw === null ? '-' : formatRatio(raw),
      calibrated === null ? '-' : formatRatio(calibrated),
    ],
  }));
  const regressions = pair.regressions
    .map(({ benchmark, ratio }) => `${benchmark} ${formatRatio(ratio)}`)
    .join(', ');
  return [
    `<p>${escapeHtml(meansLine(pair))}</p>`,
    notesHtml([
      ...(pair.regressions.length > 0 ? [{ head: 'Regressions:', text: regressions }] : []),
      ...pair.notes.map((text) => ({ head: 'Note:', text })),
    ]),
    benchmarksHtml(pair),
    barsOf(pair),
    '<h3>Geometric means</h3>',
    tableHtml('Geometric means', ['Suite', 'Benchmarks', 'Ratio', 'Normalised'], suites),
    contextHtml('Other metrics', pair.otherMetrics, pair),
    contextHtml('Rivals', pair.rivals, pair),
  ].join('\n');
}

function machinesHtml({ results, differences }: Comparison): string {
  const names = Object.keys(results[0]!.calibration) as (keyof (typeof results)[0]['calibration'])[];
  const rows = names.map((name) => ({
    cells: [
      name,
      ...results.map(({ calibration }) => formatFigure(calibration[name].median, calibration[name].unit)),
    ],
  }));
  return [
    differences.length > 0
      ? `<ul>${differences.map((line) => `<li>${escapeHtml(line)}</li>`).join('')}</ul>`
      : '<p>Nothing differs between the fingerprints.</p>',
    tableHtml('Calibration', ['Calibration', ...results.map(({ label }) => label)], rows),
    ...results.map(
      ({ label, fingerprint }) =>
        `<details><summary>Fingerprint of ${escapeHtml(label)}</summary>${factsHtml(fingerprintFacts(fingerprint))}</details>`,
    ),
  ].join('\n');
}

const HOW_TO_READ = `<ul>
<li><strong>Ratio</strong> is above 1 where the other result is better than the base, for rates as for costs, with the interval of its error.</li>
<li><strong>Normalised</strong> is the same after dividing by what calibration says of the machine's speed; <strong>beside rivals</strong> after dividing by the figures of systems that did not change.</li>
<li><strong>~</strong> means that no difference was shown. On one kind of machine a difference is called only where the views that take the machine's drift out agree.</li>
</ul>`;

/** One self-contained page. */
export function comparisonToHtml(comparison: Comparison): string {
  const { results, refused, pairs } = comparison;
  const labels = results.map(({ label }) => label);
  const sections: Section[] = [
    { id: 'refused', title: 'Not compared', html: refused ? `<p>${escapeHtml(refused.why)}</p>` : '' },
    {
      id: 'results',
      title: 'Results',
      html: `<ul>${preamble(comparison)
        .map((line) => `<li>${escapeHtml(line)}</li>`)
        .join('')}</ul>`,
    },
    ...pairs.map((pair, index) => ({
      id: `pair-${index + 1}`,
      title: `${pair.other} against ${pair.base}`,
      html: pairHtml(pair),
    })),
    { id: 'machines', title: 'Machines', html: machinesHtml(comparison) },
    { id: 'reading', title: 'How to read this', html: HOW_TO_READ },
  ];
  return renderPage({
    title: 'supernode benchmarks compared',
    subtitle: `${labels.slice(1).join(', ')} against ${labels[0]}`,
    sections,
    plots: [],
    systems: [],
    data: comparison,
  });
}
