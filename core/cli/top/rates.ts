/** What happened between two readings of a relay's numbers, per second. */
import { PRIORITIES, type Priority } from '../../protocol/ops.ts';
import type { RelayNumbers } from '../ask-status.ts';

export interface Reading {
  /** performance.now() when it was asked for. */
  atMs: number;
  numbers: RelayNumbers;
}

export interface Flow {
  framesIn: number;
  framesOut: number;
  bytesIn: number;
  bytesOut: number;
}

export interface ThreadRates {
  thread: string;
  lagMs: number;
  lagMaxMs: number;
  sessions: number;
  framesIn: number;
  framesOut: number;
  bytesOut: number;
  queuedBytes: number;
}

export interface TenantRates {
  tenant: string;
  sessions: number;
  channels: number;
  bytesIn: number;
  bytesOut: number;
  refused: number;
  throttled: number;
}

export interface VersionRates {
  version: string;
  sessions: number;
  /** In the last five minutes: logins, those that were reconnections, sessions that were lost. */
  logins: number;
  reconnects: number;
  lost: number;
  suspect: boolean;
}

/** What `top --json` prints, a line for each interval. Flows, logins, drops and the like are per second. */
export interface Rates {
  /** ISO 8601. */
  at: string;
  /** Over how long. */
  seconds: number;
  url: string;
  id: string;
  state: string;
  notReady: string[];
  uptimeMs: number;
  rssBytes: number;
  sessions: number;
  sockets: number;
  maxPeers: number;
  channels: number;
  /** Of data frames, by priority class; and of everything that sockets were given or gave. */
  classes: Record<Priority, Flow>;
  wire: Flow;
  framesPerSend: number;
  logins: { full: number; resumed: number; refused: number };
  /** Client versions, those with the most sessions first; and logins that were refused, or told to wait, for theirs. */
  versions: VersionRates[];
  versionsRefused: number;
  versionsDelayed: number;
  channelsOpened: number;
  offersRefused: number;
  /** Frames by reason. */
  drops: Record<string, number>;
  queuedBytes: number;
  pressured: number;
  protocolErrors: number;
  /** Since the start. */
  faults: number;
  lookups: number;
  /** Logins that the relay takes per second, that wait, that have a turn to come back in; and how long they waited. */
  admission: RelayNumbers['admission'];
  upgradesRefused: number;
  congestionTold: number;
  /** Mean wait of the realtime frames that waited for slow receivers and were sent, milliseconds. */
  queueDelayMs: number;
  directory: { asks: number; writes: number; refused: number; pending: number };
  /** Those that carry most first; empty without tenants. */
  tenants: TenantRates[];
  threads: ThreadRates[];
}

/** A relay that was started anew between the two counts from nothing: what it has now came since. */
export function ratesBetween(before: Reading, after: Reading): Rates {
  const seconds = Math.max(0.001, (after.atMs - before.atMs) / 1_000);
  const { numbers: now } = after;
  const restarted = now.id !== before.numbers.id || now.uptimeMs < before.numbers.uptimeMs;
  const was = restarted ? null : before.numbers;
  const perSec = (read: (numbers: RelayNumbers) => number): number =>
    Math.max(0, read(now) - (was === null ? 0 : read(was))) / seconds;
  const flow = (priority: Priority): Flow => ({
    framesIn: perSec(({ classes }) => classes[priority].frames.in),
    framesOut: perSec(({ classes }) => classes[priority].frames.out),
    bytesIn: perSec(({ classes }) => classes[priority].bytes.in),
    bytesOut: perSec(({ classes }) => classes[priority].bytes.out),
  });
  const sends = perSec(({ sends: all }) => all.reduce((sum, count) => sum + count, 0));
  const framesOut = perSec(({ frames }) => frames.out);
  const waited = perSec((numbers) => numbers.waited.frames.reduce((sum, count) => sum + count, 0));
  const drops = Object.keys(now.drops) as (keyof RelayNumbers['drops'])[];
  return {
    at: new Date().toISOString(),
    seconds,
    url: now.url,
    id: now.id,
    state: now.state,
    notReady: now.notReady,
    uptimeMs: now.uptimeMs,
    rssBytes: now.rssBytes,
    sessions: now.sessions,
    sockets: now.sockets,
    maxPeers: now.maxPeers,
    channels: now.channelEnds / 2,
    classes: Object.fromEntries(PRIORITIES.map((name) => [name, flow(name)])) as Rates['classes'],
    wire: {
      framesIn: perSec(({ frames }) => frames.in),
      framesOut,
      bytesIn: perSec(({ bytes }) => bytes.in),
      bytesOut: perSec(({ bytes }) => bytes.out),
    },
    framesPerSend: sends > 0 ? framesOut / sends : 0,
    logins: {
      full: perSec(({ logins }) => logins.full),
      resumed: perSec(({ logins }) => logins.resumed),
      refused: perSec(({ logins }) => logins.refused),
    },
    versions: now.versions.seen.map(({ version, sessions, logins, reconnects, lost, suspect }) => {
      return { version, sessions, logins, reconnects, lost, suspect };
    }),
    versionsRefused: perSec(({ logins }) => logins.version),
    versionsDelayed: perSec(({ versions }) => versions.delayed),
    channelsOpened: perSec((numbers) => numbers.channelsOpened),
    offersRefused: perSec((numbers) => numbers.offersRefused),
    drops: Object.fromEntries(drops.map((reason) => [reason, perSec((numbers) => numbers.drops[reason])])),
    queuedBytes: now.pressure.queuedBytes,
    pressured: perSec(({ pressure }) => pressure.times),
    protocolErrors: perSec((numbers) => numbers.protocolErrors),
    faults: now.faults,
    lookups: perSec(({ directory }) => directory.lookups),
    admission: now.admission,
    upgradesRefused: perSec(({ upgradesRefused: { full, rate, prefix } }) => full + rate + prefix),
    congestionTold: perSec((numbers) => numbers.congestionTold),
    queueDelayMs: waited > 0 ? perSec((numbers) => numbers.waited.sumMs) / waited : 0,
    directory: {
      asks: perSec(({ directory }) => directory.asks),
      writes: perSec(({ directory }) => directory.writes),
      refused: perSec(({ directory }) => directory.refused),
      pending: now.directory.pending,
    },
    tenants: tenantsOf(now, perSec),
    threads: threadsOf(now, perSec),
  };
}

function tenantsOf(
  now: RelayNumbers,
  perSec: (read: (numbers: RelayNumbers) => number) => number,
): TenantRates[] {
  const each = Object.entries(now.tenants ?? {}).map(([tenant, { sessions, channels }]) => ({
    tenant,
    sessions,
    channels: channels / 2,
    bytesIn: perSec(({ tenants }) => tenants?.[tenant]?.bytes.in ?? 0),
    bytesOut: perSec(({ tenants }) => tenants?.[tenant]?.bytes.out ?? 0),
    refused: perSec(({ tenants }) => {
      const refused = tenants?.[tenant]?.refused;
      return refused ? refused.sessions + refused.channels : 0;
    }),
    throttled: perSec(({ tenants }) => tenants?.[tenant]?.throttled ?? 0),
  }));
  return each.sort((a, b) => b.bytesIn + b.bytesOut - (a.bytesIn + a.bytesOut) || b.sessions - a.sessions);
}

function threadsOf(
  now: RelayNumbers,
  perSec: (read: (numbers: RelayNumbers) => number) => number,
): ThreadRates[] {
  const { main, shards } = now.loopLag;
  const none = { sessions: 0, framesIn: 0, framesOut: 0, bytesOut: 0, queuedBytes: 0 };
  return [
    { thread: 'main', lagMs: main.meanMs, lagMaxMs: main.maxMs, ...none },
    ...shards.map(({ meanMs, maxMs }, shard) => ({
      thread: `shard-${shard}`,
      lagMs: meanMs,
      lagMaxMs: maxMs,
      sessions: now.shards[shard]!.sessions,
      queuedBytes: now.shards[shard]!.queuedBytes,
      framesIn: perSec(({ shards: each }) => each[shard]?.framesIn ?? 0),
      framesOut: perSec(({ shards: each }) => each[shard]?.framesOut ?? 0),
      bytesOut: perSec(({ shards: each }) => each[shard]?.bytesOut ?? 0),
    })),
  ];
}
