/**
 * What the shards ask of the directory pool, and what it answers. Types only.
 *
 *   writes:  shard --asks of a turn--> main (DirectoryDesk: lane, bounds) --batch--> directory worker
 *            shard <--answers--------- main <------------------------------ answers, one per ask, in order
 *   reads:   shard (Reads: lane, bounds) --batch--> the directory worker that reads, and back
 *
 * So a read never waits for a disk. `Failure` is what the peer is told.
 */
import type { MessagePort } from 'node:worker_threads';
import type { Audience } from '../protocol/directory-ops.ts';
import type { WireErrorCode } from '../protocol/errors.ts';

/** What the directory's threads are started with (Piscina's workerData). */
export interface DirectorySettings {
  /** The relay's own key: login proofs name it. */
  relayKey: Uint8Array;
  /** Where the store is; null: this relay has no directory, and the pool only checks login proofs. */
  store: { path: string; durable: boolean; maxBytes: number } | null;
  /** The presence table: who is online, and away. */
  presence: SharedArrayBuffer;
  /** See versions.ts: which cached answers are stale. */
  versions: SharedArrayBuffer;
  /** See task-gate.ts: which tasks may begin. */
  gate: SharedArrayBuffer;
  recordTtlMs: number;
  maxRecords: number;
}

export interface Failure {
  failed: { code: WireErrorCode; message: string; retryAfterMs?: number };
}

/** `asker` is the key of the peer that asks: policies are about it. */
export type ReadAsk =
  | { t: 'lookup'; asker: Uint8Array; peer?: Uint8Array; name?: string; record: boolean }
  | { t: 'search'; asker: Uint8Array; prefix: string; most: number }
  /** What `asker` may see of each peer: for watches, and when a peer changed that not everyone may see. */
  | { t: 'see'; asker: Uint8Array; peers: Uint8Array[] }
  /** Whether `asker` may open a channel to the peer. Also asked for peers that are not there: see docs/security.md. */
  | { t: 'reach'; asker: Uint8Array; peer: Uint8Array }
  /** The peer has logged in: is it open to all, and is there mail? */
  | { t: 'arrive'; peer: Uint8Array }
  | { t: 'vault'; peer: Uint8Array }
  | { t: 'policy'; peer: Uint8Array; list: 'allowed' | 'blocked' | null; after: Uint8Array | null }
  /** Mail with seq > after, oldest first, at most MAIL_WINDOW_MESSAGES and MAIL_WINDOW_BYTES (at least one). */
  | { t: 'mail'; peer: Uint8Array; after: number };

export interface Sight {
  /** STATE_OFFLINE, STATE_ONLINE or STATE_AWAY. A peer that hides and one that does not exist: STATE_OFFLINE, no seenMs. */
  state: number;
  seenMs?: number;
}

export type Mail = {
  seq: number;
  from: Uint8Array;
  id: Uint8Array;
  sentMs: number;
} & ({ bytes: Uint8Array; receipt?: undefined } | { receipt: 'delivered' | 'expired'; bytes?: undefined });

/** Keyed by the ask's `t`. Any of them may be a Failure instead (`not-found`, for one that is hidden too). */
export interface ReadAnswers {
  lookup: Sight & {
    peer: Uint8Array;
    record?: Uint8Array;
    /** True when everyone may see this, so the shard may keep it while `version` is current. */
    cacheable: boolean;
    /** versions.current(peer), and of the name when it was asked for by name, read before the store was. */
    version: number;
    nameVersion?: number;
  };
  search: { found: { peer: Uint8Array; name: string }[]; more: boolean };
  see: { sights: Sight[] };
  reach: { may: boolean };
  /** `version`: of the peer's policy, read before the store was; a shard that finds it stale asks again. */
  arrive: { plain: boolean; version: number };
  vault: { revision: number; vault: Uint8Array | null };
  policy: { visibility: Audience; reach: Audience; keys: Uint8Array[]; more: boolean };
  mail: { mail: Mail[]; more: boolean };
}
export type ReadAnswer = {
  [T in ReadAsk['t']]: ({ t: T } & ReadAnswers[T]) | ({ t: T } & Failure);
}[ReadAsk['t']];

export type WriteAsk =
  /** The record's key must be `peer`. */
  | { t: 'publish'; peer: Uint8Array; record: Uint8Array; former: Uint8Array | null }
  | { t: 'vault-put'; peer: Uint8Array; vault: Uint8Array }
  | {
      t: 'policy-set';
      peer: Uint8Array;
      visibility?: Audience;
      reach?: Audience;
      allow: Uint8Array[];
      disallow: Uint8Array[];
      block: Uint8Array[];
      unblock: Uint8Array[];
    }
  | {
      t: 'send';
      from: Uint8Array;
      to: Uint8Array;
      id: Uint8Array;
      bytes: Uint8Array;
      sentMs: number;
      lifeMs: number;
    }
  | { t: 'mail-ack'; peer: Uint8Array; seq: number }
  /** When a peer was last here; kept only for those with a record. */
  | { t: 'seen'; peer: Uint8Array; seenMs: number }
  /** Removes what has expired: records, names, mail (whose senders get receipts). At most `most` of each. */
  | { t: 'sweep'; nowMs: number; most: number };

export interface WriteAnswers {
  publish: { revision: number };
  'vault-put': { revision: number };
  /** `plain`: everyone may see and reach the peer, and it blocks nobody. */
  'policy-set': { plain: boolean };
  /** `duplicate`: the same id from the same sender is in the mailbox already. */
  send: { duplicate: boolean };
  /** Senders that now have a receipt in their mailbox; and how many receipts had to make room for them, if any had. */
  'mail-ack': { told: Uint8Array[]; receiptsDropped?: number };
  seen: object;
  sweep: { records: number; messages: number; told: Uint8Array[]; receiptsDropped?: number; more: boolean };
}
export type WriteAnswer = {
  [T in WriteAsk['t']]: ({ t: T } & WriteAnswers[T]) | ({ t: T } & Failure);
}[WriteAsk['t']];

/** What a task of the directory pool gives: one answer per ask, in order, and what the operator should hear. */
export interface TaskAnswers<A> {
  answers: A[];
  /** A store that is full, cannot be read or written, or is damaged. The peers are told less. */
  troubles: Trouble[];
}
export interface Trouble {
  code: string;
  message: string;
}

/** What the thread that reads is started with: a port to each shard, and one from which it hears that it is to end. */
export interface ReaderTask {
  ports: MessagePort[];
  control: MessagePort;
}

/** A shard's ask. `requestId` is the shard's own: it knows who waits for the answer. */
export interface ShardAsk {
  requestId: number;
  ask: ReadAsk | WriteAsk;
}
export interface ShardAnswer {
  requestId: number;
  answer: ReadAnswer | WriteAnswer;
}

/** What the main thread tells shards of the directory, beside answers. */
export type DirectoryNews =
  /** Logged-in peers whose state or policy changed, gathered over PRESENCE_GATHER_MS; for watchers. */
  | { kind: 'presence'; changes: PresenceNews[] }
  /** The session's policy was changed, perhaps by a session on another shard: the flag, and the version it belongs to. */
  | { kind: 'plain'; slot: number; generation: number; plain: boolean }
  /** There is mail for this session. */
  | { kind: 'mail'; slot: number; generation: number };

export interface PresenceNews {
  peer: Uint8Array;
  state: number;
  /** When it was last here; offline only. */
  seenMs?: number;
  /** True when everyone may see it; if not, ask `see` for each watcher. */
  plain: boolean;
}
