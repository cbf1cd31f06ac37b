/** Holds the table of limits in docs/operations.md to the code, and to the tests that reach each limit. */
import { readdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import * as warningLines from '../../core/cli/warning-lines.ts';
import * as contactBook from '../../core/client/directory/contact-book.ts';
import * as contacts from '../../core/client/directory/contacts.ts';
import { MAX_REMEMBERED as MESSAGES_REMEMBERED } from '../../core/client/directory/inbox.ts';
import { DEFAULT_RECORD_LIFE_MS } from '../../core/client/directory/record-options.ts';
import { MAX_REQUESTS_WAITING } from '../../core/client/directory/requests.ts';
import * as vaultBook from '../../core/client/directory/vault-book.ts';
import { MOST_HOPS } from '../../core/client/link.ts';
import { MOST_URLS } from '../../core/client/next-urls.ts';
import * as clientOutbox from '../../core/client/outbox.ts';
import { MAX_RELIABLE_QUEUE_BYTES } from '../../core/client/send-half.ts';
import { DEFAULT_MAX_BYTES } from '../../core/directory/place.ts';
import { UNRECORDED_SHARE } from '../../core/directory/room.ts';
import { MAX_SEARCH_ROWS } from '../../core/directory/search.ts';
import { LOGIN_INTERVAL_MS, LOGIN_TARGET_MS, MOST_TURNS } from '../../core/overload/admission.ts';
import * as behind from '../../core/overload/behind.ts';
import { MOST_WAITING } from '../../core/overload/version-quarantine.ts';
import { MOST_GONE, MOST_VERSIONS } from '../../core/overload/version-watch.ts';
import * as limits from '../../core/protocol/limits.ts';
import * as admin from '../../core/relay/admin/server.ts';
import * as relayLimits from '../../core/relay/limits.ts';
import { resolveOptions } from '../../core/relay/options.ts';
import { WHY_MINUTES } from '../../core/relay/why-desk.ts';
import { MAX_TENANTS } from '../../core/threads/accounts.ts';
import { EARLY_WINDOW_MS } from '../../core/threads/early-proofs.ts';
import { WINDOW_MS } from '../../core/threads/prefix-counts.ts';
import { WHY_NAMES, WHY_REASONS } from '../../core/threads/why-reasons.ts';
import * as congestion from '../../workers/shard/congestion.ts';
import { MAX_ENDS } from '../../workers/shard/ends.ts';
import * as flight from '../../workers/shard/flight.ts';
import * as heldCredit from '../../workers/shard/held-credit.ts';
import * as logins from '../../workers/shard/logins.ts';
import * as meters from '../../workers/shard/meters.ts';
import { MAX_BUDGETS } from '../../workers/shard/rate.ts';
import * as cache from '../../workers/shard/record-cache.ts';
import { MOST_CLAIMED, MOST_ENTRIES } from '../../workers/shard/why.ts';
import { MOST_OTHERS } from '../../workers/shard/why-table.ts';
import { LIMIT_ROWS, valuesAt } from '../fixtures/limits.ts';
import { login, startRelay } from '../fixtures/relay.ts';

const ROOT = new URL('../../', import.meta.url);
const source = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8');

/** Every source file below a folder. */
function sourcesIn(folder: string): string[] {
  return readdirSync(new URL(folder, ROOT), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => source(`${folder}/${path}`));
}

const n = (count: number): string => count.toLocaleString('en-US');
const bytes = (count: number): string => `${n(count)} B`;
const kib = (count: number): string => `${count / 1024} KiB`;
const mib = (count: number): string => `${count / 2 ** 20} MiB`;
const seconds = (ms: number): string => `${ms / 1_000} s`;
const hours = (ms: number): string => `${ms / 3_600_000} h`;
const days = (ms: number): string => `${ms / 86_400_000} days`;

const options = resolveOptions({});
const { admission, directory } = options;
const perPrefix = admission.perPrefix as Exclude<typeof admission.perPrefix, false>;
const [, , , video, bulk] = limits.CLASS_QUEUE_MS;

const DEFAULTS: Record<string, string> = {
  'data frame': kib(limits.MAX_FRAME_BYTES),
  bundle: kib(limits.MAX_BUNDLE_BYTES),
  'control frame': `${kib(limits.MAX_CONTROL_BYTES)}; of the directory ${kib(limits.MAX_DIRECTORY_FRAME_BYTES)}`,
  'nesting in a control frame; entries of a map or array': `${limits.MAX_CONTROL_DEPTH}; ${limits.MAX_CONTROL_ENTRIES}`,
  "protocol of a channel; client's version; ticket": [
    limits.MAX_CHANNEL_PROTOCOL_BYTES,
    limits.MAX_CLIENT_VERSION_BYTES,
    limits.MAX_TICKET_BYTES,
  ]
    .map(bytes)
    .join('; '),
  'keys in a frame of the directory': n(limits.MAX_KEYS_PER_FRAME),
  'channels of a session': n(limits.MAX_CHANNELS_PER_SESSION),
  'channel ends of a shard': n(MAX_ENDS),
  'channel ends of the relay': n(options.accounting.maxChannels),
  'offers that wait for one peer': n(limits.MAX_OFFERS_PENDING),
  'an unanswered offer': seconds(limits.OFFER_TIMEOUT_MS),
  'life of a realtime frame': `${seconds(limits.DEFAULT_PACKET_LIFE_MS)}; at most ${seconds(limits.MAX_PACKET_LIFE_MS)}`,
  'credit of a channel; of a session': `${mib(limits.MAX_CHANNEL_CREDIT_BYTES)}; ${mib(limits.MAX_SESSION_CREDIT_BYTES)}`,
  'sending beyond credit': 'what was granted',
  'realtime bytes waiting for a receiver': kib(limits.MAX_REALTIME_QUEUE_BYTES),
  'of these by class: signal, audio, message, video, bulk': `${limits.CLASS_QUEUE_BYTES.map((most) => most / 1024).join(', ')} KiB`,
  'age of realtime data waiting: video, bulk': `${seconds(video)}, ${seconds(bulk)}; the others as long as their channel says`,
  'under way to a session with a realtime channel': `${kib(flight.FIRST_WINDOW_BYTES)} at first, then what waits ${flight.TARGET_MS} ms at its rate; ${kib(flight.LEAST_WINDOW_BYTES)} to ${mib(flight.MOST_WINDOW_BYTES)}`,
  'congestion frames to a sender': `one per channel and ${congestion.EVERY_MS} ms; none while ${kib(congestion.MAX_CONTROL_WAITING_BYTES)} of control frames wait for it`,
  'control bytes waiting for a receiver': kib(limits.MAX_CONTROL_QUEUE_BYTES),
  'bytes in a socket': kib(2 * limits.MAX_SEND_BYTES),
  'bytes waiting in one shard': mib(limits.MAX_SHARD_QUEUE_BYTES),
  'lateness of a shard': `${behind.MOST_LATE_MS} ms in the mean of ${behind.LOOK_MS} ms, or ${behind.MOST_QUEUED_SHARE === 0.5 ? 'half' : behind.MOST_QUEUED_SHARE} of the bytes that may wait in it`,
  'ring between two shards': `${mib(relayLimits.ringBytes(4))}; from 5 shards on less, so that all are within 64 MiB; at least ${kib(relayLimits.ringBytes(relayLimits.MAX_SHARDS))}`,
  // uWebSockets.js's own.
  'HTTP request before the upgrade': '10 s, looked at every 4 s',
  'sockets that are logging in': n(admission.maxUnauthenticated),
  'new connections of an address prefix': `${perPrefix.connectionsPerSec} /s, ${WINDOW_MS === 5_000 ? 'five seconds' : WINDOW_MS} of it at once`,
  'open connections of an address prefix': n(perPrefix.connections),
  'from upgrade to login': seconds(options.loginTimeoutMs),
  'bundles put aside before a login': `${logins.MAX_EARLY_BUNDLES} of ${kib(logins.MAX_EARLY_BYTES)}`,
  'logins per second': `'${admission.maxLoginsPerSec}'`,
  'logins waiting for verification': `${n(limits.MAX_LOGINS_PENDING)}, and as many under way`,
  "a login's wait for verification": `${LOGIN_INTERVAL_MS} ms; ${LOGIN_TARGET_MS} ms once that lasted for ${LOGIN_INTERVAL_MS} ms`,
  "a login's wait in its shard":
    'the same; half a millisecond a turn of the loop is for logins, resumes first',
  'turns that are remembered': n(MOST_TURNS),
  authorize: seconds(options.authorizeTimeoutMs),
  peers: n(options.maxPeers),
  'client versions': options.versions.refuse.length === 0 ? 'none' : '',
  "a suspect version's logins": `${seconds(options.versions.delayMs)} on average, with \`quarantine: 'delay'\``,
  'an early resume': `within ${seconds(EARLY_WINDOW_MS)} of its making, once`,
  'life of a ticket': hours(limits.TICKET_LIFETIME_MS),
  'silent socket': `${limits.IDLE_TIMEOUT_SECONDS} s`,
  'versions told apart': n(MOST_VERSIONS),
  'leaving peers that are remembered': `${n(MOST_GONE)} a minute`,
  "peers that wait for their version's sake": n(MOST_WAITING),
  'budget of a session, of a peer': options.accounting.session === null ? 'none' : '',
  'the same, of what it is sent': 'none',
  "budget of all peers, of a tenant's": options.accounting.relay.in.bytesPerSec === Infinity ? 'none' : '',
  'credit ahead of a budget': `${heldCredit.AHEAD_S * 1_000} ms of the rate, at least ${kib(heldCredit.LEAST_AHEAD_BYTES)}, a channel`,
  'peers whose budget a shard remembers': `${n(meters.MAX_REMEMBERED)}; ${seconds(meters.FORGET_MS)} after they left, longer while they owe`,
  'sessions of a tenant': '`maxPeers` less what others reserve',
  'channel ends of a tenant': 'as for sessions',
  'tenants with sessions': `${n(MAX_TENANTS)} beside \`default\``,
  'size of the store': `${DEFAULT_MAX_BYTES / 2 ** 30} GiB`,
  records: n(directory!.maxRecords),
  'vaults; policies': `\`maxRecords\` each; ${UNRECORDED_SHARE === 0.1 ? 'a tenth' : UNRECORDED_SHARE} of it for peers without a record`,
  'findable after last seen': hours(directory!.recordTtlMs),
  'life of a record': `${days(limits.MAX_RECORD_LIFE_MS)} at most; the SDK takes ${DEFAULT_RECORD_LIFE_MS / 86_400_000}`,
  'record; profile in it; name': `${bytes(limits.MAX_RECORD_BYTES)}; ${bytes(limits.MAX_PROFILE_BYTES)}; ${limits.MIN_NAME_CHARACTERS} characters to ${bytes(limits.MAX_NAME_BYTES)}`,
  vault: kib(limits.MAX_VAULT_BYTES),
  message: kib(limits.MAX_MESSAGE_BYTES),
  'keys on each list of a peer': n(limits.MAX_LIST_KEYS),
  mailbox: `${n(limits.MAX_MAILBOX_MESSAGES)} messages; ${mib(limits.MAX_MAILBOX_BYTES)}`,
  'receipts in a mailbox': n(limits.MAX_MAILBOX_RECEIPTS),
  'life of a message': `${days(limits.MAX_MESSAGE_LIFE_MS)} at most, also the default`,
  'mail under way to a session': `${limits.MAIL_WINDOW_MESSAGES}, or ${kib(limits.MAIL_WINDOW_BYTES)}`,
  'watches of a session': n(limits.MAX_WATCHES_PER_SESSION),
  'presence news gathered': `${limits.PRESENCE_GATHER_MS} ms, ${n(relayLimits.MAX_CHANGES_GATHERED)} peers`,
  'requests of a session that wait for the pool': `${limits.MAX_REQUESTS_PENDING}, and ${limits.MAX_REQUESTS_PENDING} acknowledgements`,
  'prefix of a search': `${limits.MIN_SEARCH_CHARACTERS} characters at least`,
  'names that one search looks at; results': `${MAX_SEARCH_ROWS}; ${limits.MAX_SEARCH_RESULTS}`,
  'searches of a peer': `${limits.SEARCH_BURST} at once, then ${limits.SEARCHES_PER_SEC} a second`,
  'writes of a peer': `${limits.WRITE_BURST} at once, then ${limits.WRITES_PER_SEC} a second`,
  'peers whose searches and writes a shard remembers': n(MAX_BUDGETS),
  'reads that wait, of all sessions': n(limits.MAX_READS_PENDING),
  'writes that wait, of all sessions': n(limits.MAX_WRITES_PENDING),
  'batch of the pool: logins, reads, writes': [
    relayLimits.PROOFS_PER_TASK,
    relayLimits.READS_PER_TASK,
    relayLimits.WRITES_PER_TASK,
  ].join(', '),
  'moments "last seen" not yet written': `${n(relayLimits.MAX_SEEN_PENDING)}, written every ${relayLimits.SEEN_FLUSH_MS === 1_000 ? 'second' : relayLimits.SEEN_FLUSH_MS}`,
  'record cache of a shard': `${n(cache.MAX_ENTRIES)} answers, ${mib(cache.MAX_BYTES)}, ${seconds(cache.LIFE_MS)}`,
  'swept at once': `${n(relayLimits.MAX_SWEPT)} of each kind, every ${seconds(relayLimits.SWEEP_MS)}`,
  'options of createRelay and drain outside of what they allow': 'as their types say',
  'successors of a drain': `${limits.MAX_SUCCESSORS} of ${bytes(limits.MAX_SUCCESSOR_BYTES)}`,
  shards: n(relayLimits.MAX_SHARDS),
  'connections of the admin port': n(admin.MAX_CONNECTIONS),
  'head of a request; body': `${kib(admin.MAX_HEAD_BYTES)}; ${kib(admin.MAX_BODY_BYTES)}`,
  'time for a request; silence': `${seconds(admin.REQUEST_MS)}; ${seconds(admin.SILENT_MS)}`,
  'entries of supernode why, per shard': `${n(MOST_ENTRIES)}, and ${n(MOST_CLAIMED)} of claimed keys`,
  'of these of one peer, with an other named': n(MOST_OTHERS),
  'minutes of supernode why': n(WHY_MINUTES),
  'warnings that start prints': `${warningLines.MOST_LINES} in ${seconds(warningLines.PERIOD_MS)}, of ${warningLines.MOST_CHARACTERS} characters`,
  'payload of a message': bytes(limits.MAX_PAYLOAD_BYTES),
  'what waits to be sent on a reliable channel': mib(MAX_RELIABLE_QUEUE_BYTES),
  'in the socket: reliable; realtime': `${mib(clientOutbox.RELIABLE_SOCKET_BYTES)}; ${kib(clientOutbox.REALTIME_SOCKET_BYTES)}`,
  'realtime data that nobody reads': kib(limits.MAX_REALTIME_QUEUE_BYTES),
  "credit that it grants: a channel's window": `${mib(limits.LARGE_WINDOW_BYTES)} for ${limits.LARGE_WINDOWS}, then ${kib(limits.SMALL_WINDOW_BYTES)}, within what the relay allows a session`,
  'silence of a relay': `${seconds(limits.PING_INTERVAL_MS)}, then it is asked, and ${seconds(limits.PONG_TIMEOUT_MS)} for its answer`,
  'requests of the directory under way; waiting': `${limits.MAX_REQUESTS_PENDING}; ${n(MAX_REQUESTS_WAITING)}`,
  'watches of a peer': n(limits.MAX_WATCHES_PER_SESSION),
  'changes of contacts that wait': n(vaultBook.MAX_CHANGES_PENDING),
  'conflicts of a vault in a row': n(vaultBook.MAX_CONFLICTS),
  'removed contacts that are remembered': n(contactBook.MAX_TOMBSTONES),
  'name of a contact; note': `${bytes(contacts.MAX_CONTACT_NAME_BYTES)}; ${bytes(contacts.MAX_NOTE_BYTES)}`,
  'messages remembered, so that none is given out twice': n(MESSAGES_REMEMBERED),
  'relays tried after moving': `${MOST_HOPS} in a row; ${MOST_URLS} URLs remembered`,
};

/** Codes that something in the sources warns with. */
const WARNING_CODES = new Set(
  [...sourcesIn('core'), ...sourcesIn('workers')].flatMap((text) => [
    ...[...text.matchAll(/\b(?:warn|warnOnce|trouble)\(\s*'([a-z-]+)'/g)].map(([, code]) => code!),
    ...[...text.matchAll(/\bcode: '([a-z-]+)',\n\s+message: /g)].map(([, code]) => code!),
    // What a thread of the directory says of its store becomes one.
    ...[...text.matchAll(/(?:SupernodeError|Refusal)\(\s*'(directory-[a-z-]+)'/g)].map(([, code]) => code!),
    ...[...text.matchAll(/kind: 'warning',\s+code: '([a-z-]+)'/g)].map(([, code]) => code!),
  ]),
);

describe('the table of limits in docs/operations.md', () => {
  let stats: Record<string, unknown>;
  beforeAll(async () => {
    const relay = await startRelay({ authorize: () => ({ allowed: true, tenant: 'acme' }), tenants: {} });
    await login(relay);
    stats = relay.stats() as unknown as Record<string, unknown>;
  });

  test('has the values of the code', () => {
    const told = Object.fromEntries([...LIMIT_ROWS].map(([name, row]) => [name, row.default]));
    expect(told).toEqual(DEFAULTS);
  });

  test('has counters, reasons and warnings that there are', () => {
    for (const { name, counters, why, warnings } of LIMIT_ROWS.values()) {
      for (const path of counters) {
        if (path === 'channel.dropped') continue;
        const values = valuesAt(stats, path);
        expect(values.length, `${path} at: ${name}`).toBeGreaterThan(0);
        for (const value of values) expect(typeof value, `${path} at: ${name}`).toBe('number');
      }
      for (const reason of why) expect(WHY_NAMES, `at: ${name}`).toContain(reason);
      for (const code of warnings) expect([...WARNING_CODES], `at: ${name}`).toContain(code);
    }
  });

  test('has the names by which supernode why calls its limits', () => {
    const rows = [...LIMIT_ROWS.values()];
    for (const [reason, { limit }] of Object.entries(WHY_REASONS)) {
      const ofReason = rows.filter(({ why }) => why.includes(reason));
      // It stands for every breach of the protocol.
      if (ofReason.length === 0 || reason === 'protocol-error') continue;
      const names = ofReason.flatMap(({ name, options }) => [name, ...options]);
      expect(
        names.some((name) => limit.includes(name)),
        `${reason}: ${limit}`,
      ).toBe(true);
    }
  });

  test('says an answer, a counter or what becomes of it at each', () => {
    for (const { name, atLimit } of LIMIT_ROWS.values()) expect(atLimit, name).toMatch(/\w/);
  });

  test('leaves out no limit of the protocol or of a relay', () => {
    const tables = source('test/limits/document.test.ts') + source('test/protocol/document.test.ts');
    const sizes = new Set([
      // Of layouts, and of what the client does by itself: no bound of what others may do.
      ...['DATA_HEADER_MAX_BYTES', 'DATA_HEADER_MIN_BYTES', 'MESSAGE_ID_BYTES', 'ANNOUNCED_LIMITS'],
      ...[
        'PING_INTERVAL_MS',
        'PONG_TIMEOUT_MS',
        'LOGIN_TIMEOUT_MS',
        'RECORD_TTL_MS',
        'MIN_SEARCH_CHARACTERS',
      ],
      // How a relay runs.
      ...[
        'SHARD_YOUNG_GENERATION_MB',
        'TROUBLE_EVERY_MS',
        'FREE_PORT_TRIES',
        'EXIT_WAIT_MS',
        'CLOSE_WAIT_MS',
      ],
    ]);
    const missing = [...Object.keys(limits), ...Object.keys(relayLimits)].filter(
      (name) => !sizes.has(name) && !new RegExp(`imits\\.${name}\\b`).test(tables),
    );
    expect(missing).toEqual([]);
  });

  test('has a test for each that reaches it', () => {
    const reached = new Set(
      sourcesIn('test').flatMap((text) =>
        [...text.matchAll(/\blimit\(\s*(['"])(.+?)\1,?\s*\)\s*\.sees\(/g)].map(([, , name]) => name!),
      ),
    );
    expect([...LIMIT_ROWS.keys()].filter((name) => !reached.has(name))).toEqual([]);
  });

  test('and its document have every warning of a relay', () => {
    const text = source('docs/operations.md');
    for (const code of WARNING_CODES) expect(text.includes(`\`${code}\``), code).toBe(true);
    expect(WARNING_CODES.size).toBeGreaterThan(15);
  });
});
