/** The lines of the plots, as plain data: the page only draws them. */
import type { Case, Metric, Result } from '../result.ts';
import { median } from '../statistics/location.ts';

export interface Series {
  system: string;
  /** By x, rising. */
  points: [x: number, y: number][];
}

export interface Panel {
  title: string;
  series: Series[];
}

export interface Axis {
  label: string;
  /** `nines`: x is the number of nines of a share, 2 = 99%. */
  scale: 'linear' | 'log' | 'nines';
}

export interface Plot {
  id: string;
  title: string;
  /** How to read it, a sentence or two. */
  explanation: string;
  x: Axis;
  y: Axis;
  panels: Panel[];
}

/** 0.99 is 2. The longest of `count` packets stands for a share of 1, which no number of nines is. */
export function nines(share: number, count: number): number {
  const end = Math.log10(Math.max(10, count));
  return share >= 1 ? end : Math.min(end, -Math.log10(1 - share));
}

function grouped<T>(all: readonly T[], keyOf: (one: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const key = keyOf(one);
    const group = groups.get(key);
    if (group) group.push(one);
    else groups.set(key, [one]);
  }
  return [...groups.values()];
}

function latencyPlot(cases: readonly Case[]): Plot {
  const measured = cases.filter(({ latency }) => latency !== null && latency.percentiles.length > 1);
  return {
    id: 'latency',
    title: 'Latency by percentile',
    explanation:
      'Further right is rarer: at 99% one packet in a hundred took longer. Lower and flatter is better. In an open loop time counts from when a packet was due, so a stall shows in full.',
    x: { label: 'share of packets that took no longer', scale: 'nines' },
    y: { label: 'ms', scale: 'log' },
    panels: grouped(measured, ({ benchmark }) => benchmark).map((beside) => ({
      title: `${beside[0]!.title} (${beside[0]!.latency!.from === 'intended' ? 'open loop' : 'closed loop'})`,
      series: beside.map(({ system, latency }) => ({
        system,
        points: rising(
          latency!.percentiles.map(([share, ms]) => [nines(share, latency!.count), Math.max(ms, 0.001)]),
        ),
      })),
    })),
  };
}

/** Sorted by x, one point for each. */
function rising(points: [number, number][]): [number, number][] {
  const byX = new Map(points);
  return [...byX].sort(([a], [b]) => a - b);
}

/** `relay/saturate/p100` and `relay/saturate/p1000` ask the same of different sizes. */
function withoutPeers(benchmark: string): string {
  return benchmark.replace(/(^|[/_-])p\d+(?=$|[/_-])/g, '').replace(/^\//, '');
}

function titleWithoutPeers(one: Case): string {
  const title = one.title.replace(/,?\s*[\d,.]+ peers/, '');
  return title === '' ? withoutPeers(one.benchmark) : title;
}

function metricOf(one: Case, name: string): Metric | undefined {
  return one.metrics.find((metric) => metric.name === name);
}

/** A panel for each load, with the systems of which `pointOf` makes two points at least. */
function panelsBySize(cases: readonly Case[], pointOf: (one: Case) => [number, number] | null): Panel[] {
  return grouped(cases, ({ benchmark }) => withoutPeers(benchmark)).flatMap((sizes) => {
    const series = grouped(sizes, ({ system }) => system).flatMap((own) => {
      const found = own.map(pointOf).filter((point) => point !== null);
      const points = rising(found);
      return points.length > 1 ? { system: own[0]!.system, points } : [];
    });
    return series.length > 0 ? { title: titleWithoutPeers(sizes[0]!), series } : [];
  });
}

function throughputPlot(cases: readonly Case[]): Plot {
  return {
    id: 'throughput',
    title: 'Throughput against peers',
    explanation: 'Medians over the rounds. Higher is better, and flat means that more peers cost nothing.',
    x: { label: 'peers', scale: 'log' },
    y: { label: 'frames/s', scale: 'linear' },
    panels: panelsBySize(cases, (one) => {
      const rate = metricOf(one, 'throughput');
      const peers = one.parameters['peers'];
      return rate && typeof peers === 'number' && peers > 0 ? [peers, median(rate.samples)] : null;
    }),
  };
}

function costPlot(cases: readonly Case[]): Plot {
  return {
    id: 'cost',
    title: 'Cost against rate',
    explanation:
      'CPU time of the whole system for each frame at the rate that it carried. Lower is better; a busier relay sends more frames with each call to the kernel, so cost may fall with rate.',
    x: { label: 'frames/s', scale: 'log' },
    y: { label: 'us/frame', scale: 'linear' },
    panels: panelsBySize(cases, (one) => {
      const rate = metricOf(one, 'throughput');
      const cost = metricOf(one, 'cpuPerFrame');
      const at = rate ? median(rate.samples) : 0;
      return cost && at > 0 ? [at, median(cost.samples)] : null;
    }),
  };
}

/** Those that have something to show. */
export function plotsOf({ cases }: Result): Plot[] {
  return [latencyPlot(cases), throughputPlot(cases), costPlot(cases)].filter(
    ({ panels }) => panels.length > 0,
  );
}
