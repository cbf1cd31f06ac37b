/**
 * GET /metrics: the relay's numbers as Prometheus reads them, and those of its process. Read from the shards' shared counters
 * at each scrape: between two it costs nothing. What each means is in docs/operations.md; what is measured of the process
 * (nodejs_*, process_*) belongs to the process, so all relays of one share it.
 */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { LoginDeskStats } from '../login-desk.ts';
import type { RelayStats } from '../stats.ts';
import type { TenantStats } from '../tenants.ts';
import type { VersionStats } from '../version-desk.ts';
import { METRICS } from './metric-list.ts';
import type { MetricDefinition, Sample } from './metric-samples.ts';
import type { AdminRoute } from './routes.ts';

/** What one scrape reads: the relay's stats, and whether it takes peers. */
export type Snapshot = RelayStats & {
  admission: LoginDeskStats;
  versions: VersionStats;
  tenants: Record<string, TenantStats> | null;
  tenantsUnplaced: number;
  adminRefused: number;
  id: string;
  ready: boolean;
  uptimeMs: number;
  maxPeers: number;
};

let ofProcess: Registry | null = null;

/** @param open true: answered without the token. */
export function metricsRoute(read: () => Snapshot, open: boolean): AdminRoute {
  const registry = new Registry();
  let snapshot: Snapshot | null = null;
  for (const definition of METRICS) register(registry, definition, () => definition.read(snapshot!));
  return {
    method: 'GET',
    path: '/metrics',
    open,
    async answer() {
      // All of a scrape from one moment: the collectors run before anything else can.
      snapshot = read();
      const text = await registry.metrics();
      return { code: 200, type: registry.contentType, text: `${text}\n${await processMetrics().metrics()}` };
    },
  };
}

/** prom-client never stops what it starts for these: so once in a process, and not before somebody asks. */
function processMetrics(): Registry {
  if (ofProcess === null) {
    ofProcess = new Registry();
    collectDefaultMetrics({ register: ofProcess });
  }
  return ofProcess;
}

function register(registry: Registry, definition: MetricDefinition, read: () => Sample[]): void {
  const { name, help, type, labels: labelNames = [] } = definition;
  const registers = [registry];
  switch (type) {
    case 'gauge':
      new Gauge({
        ...{ name, help, labelNames, registers },
        collect() {
          this.reset();
          for (const { labels, value } of read()) this.set(labels, value);
        },
      });
      return;
    case 'counter':
      new Counter({
        ...{ name, help, labelNames, registers },
        collect() {
          this.reset();
          for (const { labels, value } of read()) this.inc(labels, value);
        },
      });
      return;
    case 'histogram':
      // Counted in buckets already: prom-client's own takes single values only. It asks a metric for no more than this.
      registry.registerMetric({
        name,
        help,
        type,
        get: async () => ({ name, help, type, values: read() }),
      } as never);
  }
}
