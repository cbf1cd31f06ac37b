/** The shapes of what threads say to each other. Types only: nothing here runs. */
import type { MessagePort } from 'node:worker_threads';
import type { LeaveOrders, LeavingSessions } from '../overload/drain-plan.ts';
import type { CloseReason, CongestionCause, WireErrorCode } from '../protocol/errors.ts';
import type { Budget, SharedAccounts } from './accounts.ts';
import type { DirectoryNews, ReadAnswers, ShardAnswer, ShardAsk, Trouble } from './directory-messages.ts';
import type { PackedChanges, PackedProofs, PackedVerdicts } from './login-posts.ts';
import type { WhyReason } from './why-reasons.ts';

/** What a shard is started with. The ports are transferred. */
export interface ShardTask {
  index: number;
  shards: number;
  /** To the main thread: FromShard one way, ToShard the other. */
  control: MessagePort;
  /** To each other shard, by its index; a post means "look at your rings". */
  wakePorts: (MessagePort | null)[];
  /** Rings that this shard reads and writes, by the other shard's index. */
  ringsIn: (SharedArrayBuffer | null)[];
  ringsOut: (SharedArrayBuffer | null)[];
  /** One word per shard: 1 while it is awake and will look at its rings by itself. */
  awake: SharedArrayBuffer;
  presence: SharedArrayBuffer;
  counters: SharedArrayBuffer;
  /** See versions.ts: which answers of the shard's cache are stale. */
  versions: SharedArrayBuffer;
  /** False: this relay has no directory, so every peer is open to all and a directory op gets `no-directory`. */
  directory: boolean;
  /** Word 0: how many shards have closed their sockets for good (the exit guard waits for it). */
  closedShards: SharedArrayBuffer;
  relayKey: Uint8Array;
  /** Seals resume tickets; derived from the relay's identity. */
  ticketKey: Uint8Array;
  /** Names this run of the relay: see core/identity/ticket.ts. */
  run: Uint8Array;
  loginTimeoutMs: number;
  /** A socket on which nothing was heard for so long is closed. */
  idleTimeoutSeconds: number;
  /** Client versions that may not log in (core/overload/version-rules.ts). */
  refuseVersions: string[];
  /** True when the embedder gave an `authorize` hook: then every login is asked for, resumes too. */
  authorize: boolean;
  tls: { keyFile: string; certFile: string } | null;
  /** What is refused before there is a WebSocket (workers/shard/gate.ts), and the counts of it that shards share. */
  admission: {
    maxUnauthenticated: number;
    perPrefix: { connectionsPerSec: number; connections: number } | false;
    limitLoopback: boolean;
  };
  prefixCounts: SharedArrayBuffer;
  earlyProofs: SharedArrayBuffer;
  /** See accounts.ts. */
  accounts: SharedAccounts;
  budgets: { session: Budget | null; peer: Budget | null };
  /** True when peers belong to tenants: then the main thread counts their sessions, and all of them are metered. */
  tenants: boolean;
}

/** A login whose signature the directory pool must check. */
export interface LoginProof {
  slot: number;
  generation: number;
  peer: Uint8Array;
  nonce: Uint8Array;
  signature: Uint8Array;
  client: string;
  ip: string;
  /** True for a resume, whose proof the shard has checked: only `authorize` is left to ask. */
  resumed: boolean;
}

export interface Verdict {
  slot: number;
  generation: number;
  /** null: let in. */
  /** `why`: the ledger's reason, when the code does not tell it (see refusals.ts of the shard). */
  refusal: { code: WireErrorCode; message: string; retryAfterMs?: number; why?: WhyReason } | null;
  /** What the directory says of a peer that was let in, read with its proof. Without it the shard asks `arrive`. */
  arrival?: Arrival;
  /** Its account, which has counted the session; and its own budget, if `authorize` gave one. */
  granted?: { account: number; budget: Budget | null };
}

/** Whether the peer is open to all, as of a version of its policy (versions.ts). */
export type Arrival = ReadAnswers['arrive'];

export type FromShard =
  /** `descriptor`: for an acceptor; null with TLS. */
  | { kind: 'up'; descriptor: unknown }
  /** The answer to `listen`. */
  | { kind: 'listening'; listens: boolean }
  | { kind: 'logins'; proofs: PackedProofs }
  | { kind: 'changes'; changes: PackedChanges }
  /** A turn's asks of the directory that write (WriteAsk). */
  | { kind: 'asks'; asks: ShardAsk[] }
  /** The directory's thread that reads had trouble. */
  | { kind: 'trouble'; trouble: Trouble }
  /** The answer to `why`. */
  | { kind: 'why'; requestId: number; entries: WhyEntry[]; forgotten: number }
  /** The answer to `drain`: who is here. */
  | { kind: 'leaving'; sessions: LeavingSessions }
  /** An account may have no more channels. At most once a minute for each. */
  | { kind: 'channels-full'; account: number }
  | { kind: 'warning'; code: string; message: string };

/** Who came, who left and who is away or back, in the order in which it happened in that shard. */
export type PresenceChange =
  | { peer: Uint8Array; came: { client: string; resumed: boolean } }
  /** `plain`: it was open to all when it left. */
  | { peer: Uint8Array; came: null; client: string; reason: DepartureReason; plain: boolean }
  | { peer: Uint8Array; came?: undefined; away: boolean };

export type ToShard =
  /** `alone`: no other shard listens on the port. */
  | { kind: 'listen'; host: string; port: number; alone: boolean }
  | { kind: 'stop-listening' }
  | { kind: 'verdicts'; verdicts: PackedVerdicts }
  /** In the order of each session's asks. */
  | { kind: 'answers'; answers: ShardAnswer[] }
  /** The thread of the directory that reads is at the other end, and no longer at that of the port before. */
  | { kind: 'reader'; port: MessagePort }
  | DirectoryNews
  | { kind: 'disconnect'; slot: number; generation: number; message: string }
  /** Refuse logins from now on, saying this, and answer with `leaving`. With successors the port stays open for that. */
  | { kind: 'drain'; retryAfterMs: number; successors: string[] }
  /** Versions whose resumes the main thread wants to see too. */
  | { kind: 'slow-versions'; versions: string[] }
  /** The answer to `leaving`. */
  | { kind: 'leave'; orders: LeaveOrders }
  /** What the shard's ledger has of a peer, or of two. */
  | { kind: 'why'; requestId: number; peer: Uint8Array; other: Uint8Array | null }
  | { kind: 'close' };

/** What became of a peer's frames, requests or sessions, by one reason (workers/shard/why.ts). */
export interface WhyEntry {
  peer: Uint8Array;
  /** Whom it was for; null: nobody in particular. */
  other: Uint8Array | null;
  reason: WhyReason;
  /** True when whoever it was had not proved to be `peer`. */
  claimed: boolean;
  /** When it was noted last, milliseconds since 1970. */
  atMs: number;
  /** Counts by minute, newest first: [when it began, milliseconds since 1970; count]. */
  minutes: [number, number][];
}

/** Why a session ended, as `gone` tells it. `lost`: its connection ended without a close handshake. */
export type DepartureReason = 'left' | 'lost' | WireErrorCode;

/** What the directory pool's `verifyLogins` task gets; it gives PackedProofAnswers, one per proof. */
export interface VerifyTask {
  relayKey: Uint8Array;
  proofs: PackedProofs;
}

export interface ProofAnswer {
  /** Whether the signature is the peer's over this login. */
  ok: boolean;
  /** null: no directory, or it could not be read; logging in does not depend on it. */
  arrival: Arrival | null;
}

/** Records in a ring. Frames are copied as they are, already carrying the receiver's label. */
export const RECORD_REALTIME = 1;
export const RECORD_RELIABLE = 2;
export const RECORD_CONTROL = 3;

/** What one shard asks of another; msgpack in a control record. Labels are the receiving shard's unless named otherwise. */
export type ShardMessage =
  | {
      t: 'offer';
      toSlot: number;
      toGeneration: number;
      from: Uint8Array;
      fromShard: number;
      fromLabel: number;
      priority: number;
      reliable: boolean;
      lifeMs: number;
      credit: number;
      protocol: string;
    }
  | { t: 'offered'; label: number; peerLabel: number }
  | { t: 'accepted'; label: number; peerLabel: number; credit: number }
  | { t: 'credit'; label: number; bytes: number }
  | { t: 'closed'; label: number; reason: CloseReason }
  /** What `label` sends is dropped at its receiver; see congestion.ts. */
  | {
      t: 'congestion';
      label: number;
      cause: CongestionCause;
      bytesPerSec: number;
      dropped: number;
      over: boolean;
    }
  | { t: 'replace'; slot: number; generation: number };
