import { formatFigure, formatShare } from '../formats/figures.ts';
import { groupsOf, type Row, ratioText, spreadOf, wins } from '../formats/rows.ts';
import type { Fingerprint, Ratio, Result } from '../result.ts';
import { median } from '../statistics/location.ts';
import { type BarGroup, barsHtml } from './bars.ts';
import { renderPage, type Section } from './page.ts';
import { type Cell, factsHtml, notesHtml, parametersText, plotHtml, tableHtml } from './parts.ts';
import { plotsOf } from './plots.ts';

function listed(values: readonly number[] | null): string {
  return values ? values.join(', ') : 'not pinned';
}

export function fingerprintFacts(of: Fingerprint): [string, string][] {
  const { cpu, cores, os, versions } = of;
  return [
    ['Processor', `${cpu.model}${cpu.mhz ? `, ${cpu.mhz} MHz` : ''}, ${cpu.logicalCores} cores`],
    ['Governor', cpu.governor ?? 'unknown'],
    ['Cores of the relay', listed(cores.relay)],
    ['Cores of the load', listed(cores.load)],
    ['Memory', formatFigure(of.memoryBytes, 'bytes')],
    ['System', `${os.distribution ?? os.platform}, kernel ${os.kernel}, ${os.arch}`],
    ['Virtual machine', of.virtualMachine ?? 'unknown'],
    ['Container', of.container ?? 'unknown'],
    ['Node', `${versions.node} (V8 ${versions.v8}, libuv ${versions.uv})`],
    ['uWebSockets.js', versions.uWebSockets],
    ['msgpackr', versions.msgpackr],
    ['supernode', versions.supernode],
    ['Commit', of.commit ? `${of.commit}${of.dirty ? ', with changes' : ''}` : 'unknown'],
  ];
}

/** So that further right is always better for the system under test. */
function advantage({ ratio, low, high, better }: Ratio): { ratio: number; low: number; high: number } {
  return better === 'lower'
    ? { ratio: 1 / ratio, low: 1 / high, high: 1 / Math.max(low, 1e-12) }
    : { ratio, low, high };
}

function barGroups(result: Result, primary: boolean): BarGroup[] {
  const cases = new Map(result.cases.map((one) => [one.id, one]));
  const groups = new Map<string, BarGroup>();
  for (const one of result.ratios) {
    const own = cases.get(`${one.benchmark}@${one.of}`);
    const metric = own?.metrics.find(({ name }) => name === one.metric);
    if (!own || !metric || metric.primary !== primary || one.better === 'none') continue;
    const key = `${one.benchmark} ${one.metric}`;
    const group = groups.get(key) ?? { about: `${own.title}: ${metric.title}`, bars: [] };
    groups.set(key, group);
    group.bars.push({ name: `against ${one.to}`, ...advantage(one) });
  }
  return [...groups.values()];
}

function rivalsSection(result: Result): string {
  const primary = barsHtml(barGroups(result, true));
  const others = barsHtml(barGroups(result, false));
  if (primary === '' && others === '') return '';
  return `<p class="soft">How many times better supernode is, on a logarithmic scale: right of 1 is better, left is worse, for rates as for costs. The thin line is the interval of the error.</p>
${primary}
${others === '' ? '' : `<details><summary>The other metrics</summary>${others}</details>`}`;
}

function ratioCell(row: Row): Cell {
  const text = ratioText(row);
  const won = row.ratio ? wins(row.ratio) : null;
  return won === null ? text : { text, class: won ? 'good' : 'bad' };
}

function tablesSection(result: Result): string {
  return groupsOf(result.cases, result.ratios)
    .map(({ suite, rows }) => {
      const latency = rows.some(({ p99 }) => p99 !== null);
      const compared = rows.some(({ ratio }) => ratio !== null);
      const lines = rows.map((row, at) => {
        const rival = rows[at - 1]?.one.benchmark === row.one.benchmark;
        return {
          ...(rival ? { class: 'rival' as const } : {}),
          cells: [
            rival ? row.one.system : row.one.title,
            row.median === null ? '' : formatFigure(row.median, row.metric.unit),
            row.spread === null ? '' : `± ${formatShare(row.spread)}`,
            ...(latency ? [row.p99 === null ? '' : formatFigure(row.p99, 'ms')] : []),
            ...(compared ? [ratioCell(row)] : []),
          ],
        };
      });
      const head = [
        ...['Benchmark', 'Median', 'Spread'],
        ...(latency ? ['p99'] : []),
        ...(compared ? ['supernode / rival'] : []),
      ];
      return `<h3>${suite}</h3>${tableHtml(suite, head, lines)}`;
    })
    .join('\n');
}

/** Every metric of every case, for those who want all of it. */
function allMetrics(result: Result): string {
  const rows = result.cases.flatMap((one) =>
    one.metrics.map((metric) => ({
      cells: [
        `${one.id}: ${metric.title}`,
        formatFigure(median(metric.samples), metric.unit),
        spreadOf(metric.samples) === null ? '' : `± ${formatShare(spreadOf(metric.samples)!)}`,
        formatFigure(Math.min(...metric.samples), metric.unit),
        formatFigure(Math.max(...metric.samples), metric.unit),
        `${metric.samples.length}`,
        parametersText(one),
      ],
    })),
  );
  const head = ['Case and metric', 'Median', 'Spread', 'Least', 'Most', 'Rounds', 'Parameters'];
  return `<details><summary>All ${rows.length} metrics</summary>${tableHtml('All metrics', head, rows)}</details>`;
}

function machineSection({ fingerprint, calibration, systems }: Result): string {
  const measures = Object.entries({
    singleThread: 'One thread, integer and float work',
    memoryBandwidth: 'Copying memory',
    loopback: 'TCP round trips over loopback',
    threadWake: 'Waking another thread',
  }) as [keyof typeof calibration, string][];
  const rows = measures.map(([name, title]) => {
    const { median: middle, unit, better, samples } = calibration[name];
    const spread = spreadOf(samples);
    return {
      cells: [
        title,
        formatFigure(middle, unit),
        spread === null ? '' : `± ${formatShare(spread)}`,
        `${better} is better`,
      ],
    };
  });
  const measured = Object.entries(systems).map(([id, { title, version }]) => ({
    cells: [title, id, version],
  }));
  return `${factsHtml(fingerprintFacts(fingerprint))}
<h3>Calibration</h3><p class="soft">What this machine does without any relay: it explains a difference to another machine.</p>
${tableHtml('Calibration', ['Measure', 'Median', 'Spread', ''], rows)}
<h3>Systems</h3>${tableHtml('Systems measured', ['System', 'Id', 'Version'], measured)}`;
}

const HOW_TO_READ = `<ul>
<li><strong>Rounds</strong>: every case was run several times, each time in new processes, the systems in turn. A figure is the median over the rounds; its spread is the median absolute deviation.</li>
<li><strong>supernode / rival</strong> is the ratio of the two figures with the interval of its error (95%, from the Mann-Whitney test). Where the interval holds 1, neither was shown to be ahead.</li>
<li><strong>Open loop</strong> sends at a fixed rate whatever the relay does, and time counts from when a packet was due. <strong>Closed loop</strong> lets the relay set the pace: it answers how much, not how fast.</li>
<li><strong>CPU per frame</strong> holds even where the load was the limit; a rate does not.</li>
<li>A figure with a warning is doubtful. Compare two machines or two versions with <code>supernode bench compare</code>, not by eye.</li>
</ul>`;

/** One self-contained page. */
export function resultToHtml(result: Result): string {
  const { fingerprint, mode, startedAt, suiteHash } = result;
  const plots = plotsOf(result);
  const sections: Section[] = [
    {
      id: 'warnings',
      title: 'Warnings',
      html: notesHtml([
        ...result.missing.map(({ system, why, install }) => ({
          head: `${system} was not measured.`,
          text: `${why} To install it: ${install}`,
        })),
        ...result.warnings.map(({ case: about, code, text }) => ({
          head: `${code}${about ? `, ${about}` : ''}:`,
          text,
        })),
      ]),
    },
    { id: 'rivals', title: 'Against the others', html: rivalsSection(result) },
    { id: 'plots', title: 'Plots', html: plots.map(plotHtml).join('\n') },
    {
      id: 'figures',
      title: 'Figures',
      html: result.cases.length > 0 ? tablesSection(result) + allMetrics(result) : '',
    },
    { id: 'machine', title: 'Machine', html: machineSection(result) },
    { id: 'reading', title: 'How to read this', html: HOW_TO_READ },
  ];
  return renderPage({
    title: 'supernode benchmarks',
    subtitle: `${fingerprint.cpu.model}, ${mode} run of ${startedAt.replace('T', ' ').slice(0, 16)} UTC; suites ${suiteHash.slice(0, 12)}`,
    sections,
    plots,
    systems: Object.keys(result.systems),
    data: result,
  });
}
