/**
 * Why a relay dropped, throttled or refused something of a peer: each reason with the limit that did it, and what can be done.
 * Shards note them (workers/shard/why.ts), `supernode why` tells them. In every sentence "the peer" is whose frame, request or
 * session it was, "the other" is whom it was for.
 *
 * To add one: append it here, note it where it happens, reach it in a test (test/relay/why.test.ts).
 */
import * as limits from '../protocol/limits.ts';

export interface WhyDetail {
  /** What became of it. `ended`: the whole session or channel did. */
  kind: 'dropped' | 'throttled' | 'refused' | 'ended';
  /** One sentence. */
  what: string;
  /** The limit: as docs/operations.md names it, or the relay option of this name. */
  limit: string;
  /** Its value, with its unit; null: an option's, or no number. */
  value: string | null;
  /** What can be done, and by whom. */
  advice: string;
  /** Where it is described. */
  doc: string;
}

const OPERATIONS = 'docs/operations.md, Limits';
const PROTOCOL = 'docs/protocol.md';

const KiB = 1024;
const MiB = 1024 * KiB;

/** Like toLocaleString('en-US'), which takes 15 ms at its first use: every thread loads this file. */
const grouped = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, ',');

export const WHY_REASONS = {
  // --- frames that were not delivered ---------------------------------------------------------------------------------
  'queue-full': {
    kind: 'dropped',
    what: 'The other did not read as fast as data came, so the oldest realtime frames of the lowest class went.',
    limit: 'realtime bytes waiting for a receiver',
    value: `${limits.MAX_REALTIME_QUEUE_BYTES / KiB} KiB`,
    advice: 'Send less to the other (video first), or find out why its connection is slow.',
    doc: OPERATIONS,
  },
  expired: {
    kind: 'dropped',
    what: "Realtime frames waited for the other longer than their channel's life.",
    limit: 'life of a realtime frame (maxPacketLifeTime)',
    value: `${limits.DEFAULT_PACKET_LIFE_MS} ms unless the opener of the channel said otherwise`,
    advice:
      "Send less to the other, find out why its connection is slow, or give the channel's frames a longer life.",
    doc: OPERATIONS,
  },
  'ring-full': {
    kind: 'dropped',
    what: 'The shard of the other was behind, so realtime frames found the ring to it full.',
    limit: 'ring between two shards',
    value: null,
    advice:
      'The relay has too little processor for its load: fewer peers, more cores, or look at its loop lag.',
    doc: OPERATIONS,
  },
  'shard-behind': {
    kind: 'dropped',
    what: 'The shard of the peer was late with its work, so it forwarded less realtime data below audio, bulk first.',
    limit: 'lateness of a shard',
    value: '20 ms in the mean of 100 ms',
    advice:
      'The relay has too little processor for its load: fewer peers, more cores, or look at its loop lag.',
    doc: OPERATIONS,
  },
  'channel-closed': {
    kind: 'dropped',
    what: "The peer sent data on a label that is not, or no longer, one of its open channels'.",
    limit: 'an open channel',
    value: null,
    advice: 'Normal in small numbers when a channel closes; if it goes on, the client of the peer is faulty.',
    doc: `${PROTOCOL} §6`,
  },
  'wrong-class': {
    kind: 'dropped',
    what: "The peer sent data whose priority class is not its channel's.",
    limit: 'the class of the channel',
    value: null,
    advice: 'The client of the peer is faulty.',
    doc: `${PROTOCOL} §6`,
  },
  'after-end': {
    kind: 'dropped',
    what: 'The peer sent data after the end of its stream.',
    limit: 'the end of the stream',
    value: null,
    advice: 'The client of the peer is faulty.',
    doc: `${PROTOCOL} §6`,
  },

  // --- channels -------------------------------------------------------------------------------------------------------
  'not-reachable': {
    kind: 'refused',
    what: 'The peer opened a channel to one that is not logged in here, or whose policy keeps the peer out.',
    limit: 'presence and policy of the other',
    value: null,
    advice: 'See whether the other is logged in at this relay, and whom its policy lets reach it.',
    doc: `${PROTOCOL} §6`,
  },
  'too-many-channels': {
    kind: 'refused',
    what: 'The peer has as many channels as a session may have.',
    limit: 'channels of a session',
    value: String(limits.MAX_CHANNELS_PER_SESSION),
    advice: 'Close channels that are not needed.',
    doc: OPERATIONS,
  },
  'no-room-for-channels': {
    kind: 'refused',
    what: 'The shard has no room for the end of another channel.',
    limit: 'channel ends of a shard',
    value: '1,048,576',
    advice: 'More shards, or fewer channels.',
    doc: OPERATIONS,
  },
  'offers-pending': {
    kind: 'refused',
    what: 'So many offers of channels wait for the answer of the other that it got no more.',
    limit: 'offers that wait for one peer',
    value: String(limits.MAX_OFFERS_PENDING),
    advice: 'The other must accept or reject faster.',
    doc: OPERATIONS,
  },
  'other-too-many-channels': {
    kind: 'refused',
    what: 'The other has as many channels as a session may have.',
    limit: 'channels of a session',
    value: String(limits.MAX_CHANNELS_PER_SESSION),
    advice: 'The other must close channels that are not needed.',
    doc: OPERATIONS,
  },
  'offer-timeout': {
    kind: 'refused',
    what: 'The other answered the offer of a channel neither way.',
    limit: 'an unanswered offer',
    value: `${limits.OFFER_TIMEOUT_MS / 1000} s`,
    advice: 'See whether the program of the other still listens for channels.',
    doc: OPERATIONS,
  },
  overrun: {
    kind: 'ended',
    what: 'The peer sent more on a reliable channel than the other had granted.',
    limit: 'sending beyond credit',
    value: null,
    advice: 'The client of the peer is faulty.',
    doc: `${PROTOCOL} §6`,
  },

  // --- sessions that were ended ---------------------------------------------------------------------------------------
  'credit-limit': {
    kind: 'ended',
    what: 'The peer granted more credit than a session or channel may have outstanding.',
    limit: 'credit of a channel; of a session',
    value: `${limits.MAX_CHANNEL_CREDIT_BYTES / MiB} MiB, ${limits.MAX_SESSION_CREDIT_BYTES / MiB} MiB`,
    advice: 'The client of the peer is faulty.',
    doc: OPERATIONS,
  },
  'slow-reader': {
    kind: 'ended',
    what: 'Too many answers waited for the peer, which asks and does not read.',
    limit: 'control bytes waiting for a receiver',
    value: `${limits.MAX_CONTROL_QUEUE_BYTES / KiB} KiB`,
    advice: 'Find out why the peer does not read, or why its connection is slow.',
    doc: OPERATIONS,
  },
  overloaded: {
    kind: 'ended',
    what: 'The shard held too much for receivers that do not keep up, or the socket of the peer took no more.',
    limit: 'bytes waiting in one shard',
    value: `${limits.MAX_SHARD_QUEUE_BYTES / MiB} MiB`,
    advice: 'Find out why receivers are slow: supernode top shows what waits.',
    doc: OPERATIONS,
  },
  'protocol-error': {
    kind: 'ended',
    what: 'The peer sent what the protocol does not allow.',
    limit: 'the protocol',
    value: null,
    advice: 'The client of the peer is faulty, or none of ours: its error frame says what was wrong.',
    doc: `${PROTOCOL} §7`,
  },
  replaced: {
    kind: 'ended',
    what: 'A newer login with the same key took the place of the session.',
    limit: 'one session per key',
    value: '1',
    advice: 'Two programs use one key: give each its own.',
    doc: `${PROTOCOL} §5`,
  },
  disconnected: {
    kind: 'ended',
    what: "The operator's program ended the session (relay.disconnect).",
    limit: 'the operator',
    value: null,
    advice: 'Ask the operator.',
    doc: `${PROTOCOL} §7`,
  },

  // --- logins ---------------------------------------------------------------------------------------------------------
  'login-busy': {
    kind: 'refused',
    what: 'More logins came than the relay takes: this one was told to come back in its turn.',
    limit: 'logins per second (admission.maxLoginsPerSec), their wait, and logins waiting for verification',
    value: `${grouped(limits.MAX_LOGINS_PENDING)} waiting`,
    advice:
      'The client comes back when it was told to; if it lasts, see the admission numbers and the warnings of the relay.',
    doc: 'docs/operations.md, Admission',
  },
  'authorize-failed': {
    kind: 'refused',
    what: "The operator's program gave no answer in time, or none that can be used, whether the login may come in.",
    limit: 'authorizeTimeoutMs',
    value: null,
    advice: 'See the warning authorize-failed of the relay: it has the error of the program.',
    doc: OPERATIONS,
  },
  'verify-failed': {
    kind: 'refused',
    what: 'The signature of the login could not be checked, since a thread of the relay had failed.',
    limit: 'the threads that check logins',
    value: null,
    advice: 'The client comes back by itself; see the warning verify-failed of the relay.',
    doc: OPERATIONS,
  },
  denied: {
    kind: 'refused',
    what: "The operator's program did not let the login in.",
    limit: 'authorize',
    value: null,
    advice: "Ask the operator: the login's error carries the reason.",
    doc: OPERATIONS,
  },
  'bad-proof': {
    kind: 'refused',
    what: 'Somebody claimed this key, and the signature was not that of the key.',
    limit: 'the proof of the key',
    value: null,
    advice: 'A faulty client, or somebody who tries to pose as the peer.',
    doc: `${PROTOCOL} §5`,
  },
  'login-timeout': {
    kind: 'refused',
    what: 'The login was not done in time.',
    limit: 'loginTimeoutMs',
    value: null,
    advice: 'A very slow connection, a relay that is behind, or no client of ours.',
    doc: OPERATIONS,
  },
  'relay-full': {
    kind: 'refused',
    what: 'The relay held all the peers that it has room for.',
    limit: 'maxPeers',
    value: null,
    advice: 'Raise maxPeers, or add a relay.',
    doc: OPERATIONS,
  },

  // --- the directory --------------------------------------------------------------------------------------------------
  'search-rate': {
    kind: 'throttled',
    what: 'The peer searched too often.',
    limit: 'searches of a peer',
    value: `${limits.SEARCH_BURST} at once, then ${limits.SEARCHES_PER_SEC} a second`,
    advice: 'Search less often; the answer says when again.',
    doc: OPERATIONS,
  },
  'write-rate': {
    kind: 'throttled',
    what: 'The peer wrote too often (records, vault, policy, messages).',
    limit: 'writes of a peer',
    value: `${limits.WRITE_BURST} at once, then ${limits.WRITES_PER_SEC} a second`,
    advice: 'Write less often; the answer says when again.',
    doc: OPERATIONS,
  },
  'requests-pending': {
    kind: 'refused',
    what: 'So many requests of the peer waited for their answers that it got no more.',
    limit: 'requests of a session that wait for the pool',
    value: String(limits.MAX_REQUESTS_PENDING),
    advice: 'Wait for answers before asking more.',
    doc: OPERATIONS,
  },
  watches: {
    kind: 'refused',
    what: 'The peer watches as many others as a session may.',
    limit: 'watches of a session',
    value: String(limits.MAX_WATCHES_PER_SESSION),
    advice: 'Watch fewer.',
    doc: OPERATIONS,
  },
  'directory-busy': {
    kind: 'refused',
    what: 'Too many requests of all peers waited for the directory.',
    limit: 'reads that wait, of all sessions; writes that wait, of all sessions',
    value: `${grouped(limits.MAX_READS_PENDING)} reads, ${grouped(limits.MAX_WRITES_PENDING)} writes`,
    advice: 'The disk or the processor of the relay is short.',
    doc: OPERATIONS,
  },
  'directory-full': {
    kind: 'refused',
    what: 'The directory had no room for what the peer wrote.',
    limit: 'directory.maxBytes, directory.maxRecords, or the disk',
    value: null,
    advice: 'Give it more room: see supernode directory stats.',
    doc: OPERATIONS,
  },
  'directory-unavailable': {
    kind: 'refused',
    what: 'The directory could not read or write.',
    limit: 'the disk',
    value: null,
    advice: 'See the warnings of the relay, and supernode directory check.',
    doc: OPERATIONS,
  },
  'list-full': {
    kind: 'refused',
    what: 'A list of the policy of the peer was full.',
    limit: 'keys on each list of a peer',
    value: grouped(limits.MAX_LIST_KEYS),
    advice: 'Take keys off the list.',
    doc: OPERATIONS,
  },
  'mailbox-full': {
    kind: 'refused',
    what: 'The mailbox of the other was full.',
    limit: 'mailbox',
    value: `${grouped(limits.MAX_MAILBOX_MESSAGES)} messages, ${limits.MAX_MAILBOX_BYTES / MiB} MiB`,
    advice: 'The other must log in and take its messages.',
    doc: OPERATIONS,
  },
  'mail-refused': {
    kind: 'refused',
    what: 'The policy of the other does not let the peer leave messages.',
    limit: 'policy of the other',
    value: null,
    advice: 'The other decides whom it hears (policy, block list).',
    doc: `${PROTOCOL} §12`,
  },

  // --- budgets and quotas ----------------------------------------------------------------------------------------------
  budget: {
    kind: 'throttled',
    what: 'The peer sent more than its budget, its share of the budget of its tenant, or of that of the relay; so realtime frames went, the least important class first.',
    limit: 'budgets, relayBandwidth, tenants',
    value: null,
    advice: 'The peer should send less (its channels get congestion events), or the operator give it more.',
    doc: 'docs/operations.md, Budgets',
  },
  'tenant-sessions': {
    kind: 'refused',
    what: 'The tenant of the peer had as many sessions as it may, or no others than reserved ones were left.',
    limit: 'tenants: maxSessions, reservedSessions',
    value: null,
    advice: 'The operator can raise maxSessions of the tenant, or maxPeers.',
    doc: 'docs/operations.md, Budgets',
  },
  'tenant-channels': {
    kind: 'refused',
    what: 'The tenant of one of the two had as many channel ends as it may, or no others than reserved ones were left.',
    limit: 'tenants: maxChannels, reservedChannels',
    value: null,
    advice: 'Close channels, or ask the operator to raise maxChannels.',
    doc: 'docs/operations.md, Budgets',
  },
  'relay-channels': {
    kind: 'refused',
    what: 'The relay had as many channel ends as it may.',
    limit: 'maxChannels',
    value: null,
    advice: 'Raise maxChannels, or add a relay.',
    doc: OPERATIONS,
  },
  'version-refused': {
    kind: 'refused',
    what: "The operator lets no client of the peer's version in.",
    limit: 'versions.refuse',
    value: null,
    advice: 'Update the client, or take its version off the list.',
    doc: 'docs/operations.md, Client versions',
  },
  'version-delayed': {
    kind: 'refused',
    what: "Clients of the peer's version were lost or came back far more often than others, so its login had to wait.",
    limit: 'versions.delayMs',
    value: null,
    advice: 'Find out why that version fails; see the warning version-suspect.',
    doc: 'docs/operations.md, Client versions',
  },
} as const satisfies Record<string, WhyDetail>;

export type WhyReason = keyof typeof WHY_REASONS;
export const WHY_NAMES = Object.keys(WHY_REASONS) as WhyReason[];
