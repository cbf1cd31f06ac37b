/** The relay's metrics: name, meaning and where each is read. Labels take few values: classes, reasons, shards; never peers. */
import { PRIORITIES } from '../../protocol/ops.ts';
import { LOGIN_BOUNDS_MS } from '../../threads/counters.ts';
import {
  by,
  byClass,
  histogram,
  lagOf,
  type MetricDefinition,
  one,
  perShard,
  perTenant,
  perTenantBy,
  sessionsByVersion,
} from './metric-samples.ts';

export const METRICS: MetricDefinition[] = [
  {
    name: 'supernode_info',
    type: 'gauge',
    help: 'Always 1; its label names the relay.',
    labels: ['id'],
    read: ({ id }) => [{ labels: { id }, value: 1 }],
  },
  {
    name: 'supernode_ready',
    type: 'gauge',
    help: '1 while the relay takes peers, as GET /readyz says.',
    read: ({ ready }) => one(ready ? 1 : 0),
  },
  {
    name: 'supernode_uptime_seconds',
    type: 'gauge',
    help: 'Since the relay was made.',
    read: ({ uptimeMs }) => one(uptimeMs / 1_000),
  },

  // --- who is here ----------------------------------------------------------------------------------------------------
  {
    name: 'supernode_sessions',
    type: 'gauge',
    help: 'Logged-in peers.',
    labels: ['shard'],
    read: perShard('sessions'),
  },
  {
    name: 'supernode_sockets',
    type: 'gauge',
    help: 'Open WebSockets, logged in or not.',
    labels: ['shard'],
    read: perShard('sockets'),
  },
  {
    name: 'supernode_channel_ends',
    type: 'gauge',
    help: 'Ends of open channels: two a channel.',
    labels: ['shard'],
    read: perShard('channels'),
  },
  {
    name: 'supernode_max_peers',
    type: 'gauge',
    help: 'Peers that the relay has room for (maxPeers).',
    read: ({ maxPeers }) => one(maxPeers),
  },
  {
    name: 'supernode_logins_total',
    type: 'counter',
    help: 'Logins by kind: full (a signature), resumed (a ticket), refused.',
    labels: ['kind'],
    read: ({ logins: { full, resumed, refused } }) => by('kind', { full, resumed, refused }),
  },
  {
    name: 'supernode_logins_refused_total',
    type: 'counter',
    help: 'Of the refused: busy, told to come back; late, not done in time; relay-full; version-refused; or another reason.',
    labels: ['reason'],
    read: ({ logins: { refused, busy, late, noRoom, version } }) =>
      by('reason', {
        busy,
        late,
        'relay-full': noRoom,
        'version-refused': version,
        other: Math.max(0, refused - busy - late - noRoom - version),
      }),
  },
  {
    name: 'supernode_version_sessions',
    type: 'gauge',
    help: 'Peers by client version: the 20 versions with the most, and the rest as other.',
    labels: ['version'],
    read: sessionsByVersion,
  },
  {
    name: 'supernode_version_suspects',
    type: 'gauge',
    help: 'Client versions that fail far more often than the others.',
    read: ({ versions }) => one(versions.suspects.length),
  },
  {
    name: 'supernode_version_delayed_total',
    type: 'counter',
    help: "Logins that were told to wait for their client version's sake.",
    read: ({ versions }) => one(versions.delayed),
  },
  {
    name: 'supernode_upgrades_refused_total',
    type: 'counter',
    help: 'Sockets refused before they were WebSockets: too many log in (full), or of one address prefix (rate, prefix).',
    labels: ['reason'],
    read: ({ upgradesRefused }) => by('reason', upgradesRefused),
  },
  {
    name: 'supernode_admission_logins_per_second',
    type: 'gauge',
    help: 'Logins that the relay takes per second, as configured or measured.',
    read: ({ admission }) => one(admission.perSec),
  },
  {
    name: 'supernode_admission_pending',
    type: 'gauge',
    help: 'Logins that wait, are checked or authorized.',
    read: ({ admission }) => one(admission.pending),
  },
  {
    name: 'supernode_admission_turns',
    type: 'gauge',
    help: 'Peers that were told when to come back, and have not yet.',
    read: ({ admission }) => one(admission.turns),
  },
  {
    name: 'supernode_admission_backlog_seconds',
    type: 'gauge',
    help: 'After how long the last of them is due.',
    read: ({ admission }) => one(admission.backlogMs / 1_000),
  },
  {
    name: 'supernode_admission_overloaded',
    type: 'gauge',
    help: '1 while it serves the newest logins first and sheds those that waited long.',
    read: ({ admission }) => one(admission.overloaded ? 1 : 0),
  },
  {
    name: 'supernode_admission_refused_total',
    type: 'counter',
    help: 'Logins that were told to come back in their turn.',
    read: ({ admission }) => one(admission.refused),
  },
  {
    name: 'supernode_login_wait_seconds',
    type: 'gauge',
    help: 'How long logins waited to be checked, over the last 10 to 20 seconds.',
    labels: ['quantile'],
    read: ({ admission: { waitMs } }) =>
      by('quantile', { '0.5': waitMs.p50 / 1_000, '0.99': waitMs.p99 / 1_000, '1': waitMs.max / 1_000 }),
  },
  {
    name: 'supernode_login_duration_seconds',
    type: 'histogram',
    help: 'How long logins and resumes took that were let in, from the arrival of their proof until they were ready.',
    read: ({ loginTimes }) =>
      histogram(
        'supernode_login_duration_seconds',
        LOGIN_BOUNDS_MS.map((ms) => ms / 1_000),
        loginTimes.logins,
        loginTimes.sumMs / 1_000,
      ),
  },
  {
    name: 'supernode_early_resumes_total',
    type: 'counter',
    help: 'Resumes in the request for the WebSocket: those that were taken, and those that were greeted and had to log in in another way.',
    labels: ['outcome'],
    read: ({ logins }) => by('outcome', { taken: logins.early, greeted: logins.earlyGreeted }),
  },
  {
    name: 'supernode_channels_opened_total',
    type: 'counter',
    help: 'Channels that were accepted.',
    read: ({ channelsOpened }) => one(channelsOpened),
  },
  {
    name: 'supernode_opens_refused_total',
    type: 'counter',
    help: 'Opens of channels that were refused because the opener, its tenant, its shard or the relay had as many as it may.',
    read: ({ opensRefused }) => one(opensRefused),
  },
  {
    name: 'supernode_offers_refused_total',
    type: 'counter',
    help: 'Offers of channels that were refused because the callee was gone or busy.',
    read: ({ offersRefused }) => one(offersRefused),
  },
  {
    name: 'supernode_offers_unanswered_total',
    type: 'counter',
    help: 'Offers of channels that nobody answered in time.',
    read: ({ offersUnanswered }) => one(offersUnanswered),
  },
  {
    name: 'supernode_overruns_total',
    type: 'counter',
    help: 'Reliable channels that ended because their sender sent more than it was granted.',
    read: ({ overruns }) => one(overruns),
  },
  {
    name: 'supernode_connections_ended_total',
    type: 'counter',
    help: 'Connections ended by a limit: slow-reader and overloaded, too much waited; silent; oversized, a message over 128 KiB.',
    labels: ['limit'],
    read: ({ ended: { slowReader, ...others } }) => by('limit', { 'slow-reader': slowReader, ...others }),
  },

  // --- traffic --------------------------------------------------------------------------------------------------------
  {
    name: 'supernode_frames_total',
    type: 'counter',
    help: 'Data frames by priority class: in, taken for forwarding; out, given to the sockets of receivers.',
    labels: ['direction', 'class'],
    read: byClass('frames'),
  },
  {
    name: 'supernode_bytes_total',
    type: 'counter',
    help: 'Bytes of those frames, their headers included.',
    labels: ['direction', 'class'],
    read: byClass('bytes'),
  },
  {
    name: 'supernode_wire_frames_total',
    type: 'counter',
    help: 'All frames, control frames and dropped ones included.',
    labels: ['direction'],
    read: ({ frames }) => by('direction', frames),
  },
  {
    name: 'supernode_wire_bytes_total',
    type: 'counter',
    help: 'Bytes of WebSocket messages, without the headers of WebSocket, TLS and TCP.',
    labels: ['direction'],
    read: ({ bytes }) => by('direction', bytes),
  },
  {
    name: 'supernode_frames_per_send',
    type: 'histogram',
    help: 'How many frames one write to a socket carried.',
    read: ({ sends, frames }) =>
      histogram(
        'supernode_frames_per_send',
        // A bucket holds 2^i to 2^(i+1) - 1 frames.
        sends.slice(0, -1).map((_, i) => 2 ** (i + 1) - 1),
        sends,
        frames.out,
      ),
  },

  // --- what was not delivered -----------------------------------------------------------------------------------------
  {
    name: 'supernode_drops_total',
    type: 'counter',
    help: 'Frames that were not delivered, by reason; those that waited for a slow receiver by class as well.',
    labels: ['reason', 'class'],
    read: ({ drops, dropsByClass }) =>
      Object.entries(drops).flatMap(([reason, count]) =>
        reason === 'oldest' || reason === 'expired'
          ? PRIORITIES.map((name) => ({
              labels: { reason, class: name },
              value: dropsByClass[reason][name],
            }))
          : [{ labels: { reason, class: 'any' }, value: count }],
      ),
  },
  {
    name: 'supernode_congestion_told_total',
    type: 'counter',
    help: 'Times that a sender was told that its frames are dropped.',
    read: ({ congestionTold }) => one(congestionTold),
  },
  {
    name: 'supernode_queue_delay_seconds',
    type: 'histogram',
    help: 'How long realtime frames waited for receivers that do not keep up, of those that were sent.',
    read: ({ waited }) =>
      histogram(
        'supernode_queue_delay_seconds',
        // Below 1 ms, then up to 2^i ms.
        waited.frames.slice(0, -1).map((_, i) => 2 ** i / 1_000),
        waited.frames,
        waited.sumMs / 1_000,
      ),
  },
  {
    name: 'supernode_pressured_total',
    type: 'counter',
    help: "Times that a receiver's socket was full.",
    read: ({ pressure }) => one(pressure.times),
  },
  {
    name: 'supernode_queued_bytes',
    type: 'gauge',
    help: 'Bytes that wait for receivers that do not keep up.',
    labels: ['shard'],
    read: perShard('queuedBytes'),
  },
  {
    name: 'supernode_protocol_errors_total',
    type: 'counter',
    help: 'Sessions ended because they broke the protocol.',
    read: ({ protocolErrors }) => one(protocolErrors),
  },
  {
    name: 'supernode_faults_total',
    type: 'counter',
    help: 'Exceptions that were contained. Should be 0.',
    read: ({ faults }) => one(faults),
  },
  {
    name: 'supernode_why_forgotten_total',
    type: 'counter',
    help: 'Entries that the ledgers of `supernode why` had no room to keep for their time.',
    read: ({ whyForgotten }) => one(whyForgotten),
  },

  // --- budgets and tenants --------------------------------------------------------------------------------------------
  {
    name: 'supernode_budget_waits_total',
    type: 'counter',
    help: 'Times that an outbox waited for the budget of its receiver.',
    read: ({ budgets }) => one(budgets.waits),
  },
  {
    name: 'supernode_budget_credit_held_bytes',
    type: 'gauge',
    help: 'Credit that senders are not told of until their budgets have room.',
    read: ({ budgets }) => one(budgets.creditHeldBytes),
  },
  {
    name: 'supernode_tenant_sessions',
    type: 'gauge',
    help: 'Peers of each tenant.',
    labels: ['tenant'],
    read: perTenant(({ sessions }) => sessions),
  },
  {
    name: 'supernode_tenant_channel_ends',
    type: 'gauge',
    help: 'Channel ends of each tenant.',
    labels: ['tenant'],
    read: perTenant(({ channels }) => channels),
  },
  {
    name: 'supernode_tenant_bytes_total',
    type: 'counter',
    help: 'Bytes of data frames of the peers of each tenant.',
    labels: ['tenant', 'direction'],
    read: perTenantBy('direction', ({ bytes }) => bytes),
  },
  {
    name: 'supernode_tenant_frames_total',
    type: 'counter',
    help: 'Data frames of the peers of each tenant.',
    labels: ['tenant', 'direction'],
    read: perTenantBy('direction', ({ frames }) => frames),
  },
  {
    name: 'supernode_tenant_refused_total',
    type: 'counter',
    help: 'Sessions and channels refused because the tenant had as many as it may.',
    labels: ['tenant', 'what'],
    read: perTenantBy('what', ({ refused }) => refused),
  },
  {
    name: 'supernode_tenant_throttled_frames_total',
    type: 'counter',
    help: 'Frames of each tenant that went over a budget and were dropped.',
    labels: ['tenant'],
    read: perTenant(({ throttled }) => throttled),
  },

  {
    name: 'supernode_tenants_unplaced_total',
    type: 'counter',
    help: "Logins of more tenants than a relay keeps account of: they count as the default tenant's.",
    read: ({ tenantsUnplaced }) => one(tenantsUnplaced),
  },
  {
    name: 'supernode_admin_refused_total',
    type: 'counter',
    help: 'Requests that this port refused, and connections beyond those that it takes.',
    read: ({ adminRefused }) => one(adminRefused),
  },

  // --- threads --------------------------------------------------------------------------------------------------------
  {
    name: 'supernode_loop_lag_seconds',
    type: 'gauge',
    help: 'How late the event loop of a thread is, on average over the last half second.',
    labels: ['thread'],
    read: lagOf('meanMs'),
  },
  {
    name: 'supernode_loop_lag_max_seconds',
    type: 'gauge',
    help: 'The latest that it was in the last 10 to 20 seconds.',
    labels: ['thread'],
    read: lagOf('maxMs'),
  },
  {
    name: 'supernode_ring_records_total',
    type: 'counter',
    help: 'Hand-overs between shards.',
    read: ({ rings }) => one(rings.records),
  },
  {
    name: 'supernode_ring_wakes_total',
    type: 'counter',
    help: 'Posts that were needed to wake a shard for them.',
    read: ({ rings }) => one(rings.wakes),
  },

  // --- the directory --------------------------------------------------------------------------------------------------
  {
    name: 'supernode_lookups_total',
    type: 'counter',
    help: 'Look-ups by who answered: the shard (the peer is here), its cache, or the directory pool.',
    labels: ['answered'],
    read: ({ directory: { lookups, lookupsOnShard, lookupsCached } }) =>
      by('answered', {
        shard: lookupsOnShard,
        cache: lookupsCached,
        pool: lookups - lookupsOnShard - lookupsCached,
      }),
  },
  {
    name: 'supernode_directory_asks_total',
    type: 'counter',
    help: 'Asks that went to the directory pool.',
    read: ({ directory }) => one(directory.asks),
  },
  {
    name: 'supernode_directory_pending',
    type: 'gauge',
    help: 'Asks that wait for the directory pool or are worked on.',
    read: ({ directory }) => one(directory.pending),
  },
  {
    name: 'supernode_directory_writes_total',
    type: 'counter',
    help: 'Asks that write.',
    read: ({ directory }) => one(directory.writes),
  },
  {
    name: 'supernode_directory_batches_total',
    type: 'counter',
    help: 'Batches of reads or writes.',
    read: ({ directory }) => one(directory.batches),
  },
  {
    name: 'supernode_directory_refused_total',
    type: 'counter',
    help: 'Requests that got an error: busy, as too much waited for the pool; searches and writes, too often; or another.',
    labels: ['reason'],
    read: ({ directory: { refused, refusedBusy, limited } }) => {
      const other = Math.max(0, refused - refusedBusy - limited.searches - limited.writes);
      return by('reason', { busy: refusedBusy, ...limited, other });
    },
  },
  {
    name: 'supernode_directory_seen_dropped_total',
    type: 'counter',
    help: 'Moments at which peers were last here that could not be kept.',
    read: ({ directory }) => one(directory.seenDropped),
  },
  {
    name: 'supernode_directory_receipts_dropped_total',
    type: 'counter',
    help: 'Receipts that had to make room for newer ones in a mailbox.',
    read: ({ directory }) => one(directory.receiptsDropped),
  },
  {
    name: 'supernode_watches',
    type: 'gauge',
    help: 'Peers on watch lists.',
    read: ({ directory }) => one(directory.watches),
  },
  {
    name: 'supernode_presence_pushed_total',
    type: 'counter',
    help: 'States of peers told to their watchers.',
    read: ({ directory }) => one(directory.presencePushed),
  },
  {
    name: 'supernode_mail_pushed_total',
    type: 'counter',
    help: 'Messages and receipts sent to receivers.',
    read: ({ directory }) => one(directory.mailPushed),
  },
];
