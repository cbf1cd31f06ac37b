/** What the tables show of a result: a group for each suite, a row for each case, the system under test before its rivals. */
import { primaryMetric } from '../compare/comparison.ts';
import type { Case, Metric, Ratio, Result } from '../result.ts';
import { median, medianAbsoluteDeviation } from '../statistics/location.ts';
import { formatInterval } from './figures.ts';

export interface Row {
  one: Case;
  metric: Metric;
  /** Null for a rival that does another benchmark in place of this one: only its ratio is here. */
  median: number | null;
  /** Median absolute deviation over the median; null when that is 0, or there is one round. */
  spread: number | null;
  /** How many times the rival's figure the figure of the system under test is; null for the system under test. */
  ratio: Ratio | null;
  /** Milliseconds, where latency was measured. */
  p99: number | null;
}

export interface Group {
  suite: string;
  rows: Row[];
}

export function spreadOf(samples: readonly number[]): number | null {
  const middle = median(samples);
  return samples.length < 2 || middle === 0 ? null : medianAbsoluteDeviation(samples) / Math.abs(middle);
}

function rowOf(one: Case, ratios: readonly Ratio[]): Row {
  const metric = primaryMetric(one);
  return {
    one,
    metric,
    median: median(metric.samples),
    spread: spreadOf(metric.samples),
    ratio:
      ratios.find(
        ({ benchmark, metric: name, to }) =>
          benchmark === one.benchmark && name === metric.name && to === one.system,
      ) ?? null,
    p99: one.latency?.p99 ?? null,
  };
}

/** Rivals that were measured by another benchmark: one frame a message where supernode bundles, say. */
function rowsElsewhere(own: Case, beside: readonly Case[], ratios: readonly Ratio[]): Row[] {
  const metric = primaryMetric(own);
  return ratios
    .filter(({ benchmark, metric: name }) => benchmark === own.benchmark && name === metric.name)
    .filter(({ to }) => !beside.some(({ system }) => system === to))
    .map((ratio) => {
      const one = { ...own, id: `${own.benchmark}@${ratio.to}`, system: ratio.to };
      return { one, metric, median: null, spread: null, ratio, p99: null };
    });
}

/** In the order of the file; a rival's row follows that of the benchmark's first system. */
export function groupsOf(cases: readonly Case[], ratios: readonly Ratio[] = []): Group[] {
  const suites = new Map<string, Map<string, Case[]>>();
  for (const one of cases) {
    const suite = suites.get(one.suite) ?? new Map<string, Case[]>();
    suites.set(one.suite, suite);
    const beside = suite.get(one.benchmark) ?? [];
    suite.set(one.benchmark, beside);
    if (one.system === 'supernode') beside.unshift(one);
    else beside.push(one);
  }
  return [...suites].map(([suite, benchmarks]) => ({
    suite,
    rows: [...benchmarks.values()].flatMap((beside) => [
      ...beside.map((one) => rowOf(one, ratios)),
      ...rowsElsewhere(beside[0]!, beside, ratios),
    ]),
  }));
}

export function ratioText(row: Row): string {
  return row.ratio ? formatInterval(row.ratio) : '';
}

/** Whether the system under test is the better one, beyond the error; null when neither is. */
export function wins({
  ratio,
  low,
  high,
  better,
}: Pick<Ratio, 'ratio' | 'low' | 'high' | 'better'>): boolean | null {
  if (better === 'none' || (low <= 1 && high >= 1)) return null;
  return ratio > 1 === (better === 'higher');
}

/** Machine and software in a line or two each. */
export function machineLines({ fingerprint, startedAt, mode, suiteHash }: Result): string[] {
  const { cpu, cores, memoryBytes, os, versions, virtualMachine, container, commit, dirty } = fingerprint;
  const relay = cores.relay ? `relay on ${cores.relay.join(',')}` : 'relay not pinned';
  const load = cores.load ? `load on ${cores.load.join(',')}` : 'load not pinned';
  const inside = [virtualMachine, container].filter((each) => each !== null && each !== 'none').join(', ');
  return [
    `${cpu.model}, ${cpu.logicalCores} cores (${relay}, ${load}), ${(memoryBytes / 2 ** 30).toFixed(1)} GiB${inside ? `, ${inside}` : ''}`,
    `${os.distribution ?? os.platform}, kernel ${os.kernel}, ${os.arch}; Node ${versions.node}, uWebSockets ${versions.uWebSockets}, msgpackr ${versions.msgpackr}`,
    `supernode ${versions.supernode}${commit ? `, commit ${commit.slice(0, 12)}${dirty ? ' with changes' : ''}` : ''}; ${mode} run of ${startedAt}; suites ${suiteHash.slice(0, 12)}`,
  ];
}
