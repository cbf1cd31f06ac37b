/** How samples of metrics are read from a snapshot of a relay: one, by label, by shard, thread, class or tenant, as a histogram. */
import { OTHER_VERSIONS } from '../../overload/version-watch.ts';
import { PRIORITIES } from '../../protocol/ops.ts';
import type { CounterName } from '../../threads/counters.ts';
import type { TenantStats } from '../tenants.ts';
import type { Snapshot } from './metrics.ts';

export interface Sample {
  labels: Record<string, string>;
  value: number;
  /** Of a histogram: its buckets, sum and count are metrics of their own. */
  metricName?: string;
}

export interface MetricDefinition {
  name: string;
  type: 'gauge' | 'counter' | 'histogram';
  help: string;
  labels?: string[];
  read(snapshot: Snapshot): Sample[];
}

export const one = (value: number): Sample[] => [{ labels: {}, value }];
export const by = (label: string, values: Record<string, number>): Sample[] =>
  Object.entries(values).map(([name, value]) => ({ labels: { [label]: name }, value }));

/** One sample a shard. */
export function perShard(name: CounterName): MetricDefinition['read'] {
  return ({ shards }) =>
    shards.map((counters, shard) => ({ labels: { shard: String(shard) }, value: counters[name] }));
}

export function lagOf(what: 'meanMs' | 'maxMs'): MetricDefinition['read'] {
  return ({ loopLag }) => [
    { labels: { thread: 'main' }, value: loopLag.main[what] / 1_000 },
    ...loopLag.shards.map((lag, shard) => ({
      labels: { thread: `shard-${shard}` },
      value: lag[what] / 1_000,
    })),
  ];
}

/** Version texts are the clients' own, so only those with the most sessions have a label; the rest is one. */
export function sessionsByVersion({ sessions, versions }: Snapshot): Sample[] {
  const labelled = versions.seen.filter(({ version }) => version !== OTHER_VERSIONS);
  const rest = labelled.reduce((left, row) => left - row.sessions, sessions);
  return by('version', {
    ...Object.fromEntries(labelled.map((row) => [row.version, row.sessions])),
    [OTHER_VERSIONS]: Math.max(0, rest),
  });
}

/** A relay keeps a bounded number of tenants: so these labels are few too. Without tenants there is no sample. */
export function perTenant(read: (tenant: TenantStats) => number): MetricDefinition['read'] {
  return ({ tenants }) =>
    Object.entries(tenants ?? {}).map(([tenant, stats]) => ({ labels: { tenant }, value: read(stats) }));
}

export function perTenantBy(
  label: string,
  read: (tenant: TenantStats) => { [value: string]: number },
): MetricDefinition['read'] {
  return ({ tenants }) =>
    Object.entries(tenants ?? {}).flatMap(([tenant, stats]) =>
      Object.entries(read(stats)).map(([value, count]) => ({
        labels: { tenant, [label]: value },
        value: Math.max(0, count),
      })),
    );
}

export function byClass(what: 'frames' | 'bytes'): MetricDefinition['read'] {
  return ({ classes }) =>
    PRIORITIES.flatMap((priority) =>
      (['in', 'out'] as const).map((direction) => ({
        labels: { direction, class: priority },
        value: classes[priority][what][direction],
      })),
    );
}

/** Cumulative, as Prometheus wants them. `counts[i]` are those of at most `bounds[i]`; the rest is beyond the last. */
export function histogram(name: string, bounds: number[], counts: number[], sum: number): Sample[] {
  let total = 0;
  const buckets = counts.map((count, i) => {
    total += count;
    const le = i < bounds.length ? String(bounds[i]) : '+Inf';
    return { labels: { le }, value: total, metricName: `${name}_bucket` };
  });
  return [
    ...buckets,
    { labels: {}, value: sum, metricName: `${name}_sum` },
    { labels: {}, value: total, metricName: `${name}_count` },
  ];
}
