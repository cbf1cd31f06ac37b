/** The shapes of what threads say to each other. Types only: nothing here runs. */
import type { MessagePort } from 'node:worker_threads';
import type { CloseReason, WireErrorCode } from '../protocol/errors.ts';

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
  /** Word 0: how many shards have closed their sockets for good (the exit guard waits for it). */
  closedShards: SharedArrayBuffer;
  relayKey: Uint8Array;
  /** Seals resume tickets; derived from the relay's identity. */
  ticketKey: Uint8Array;
  loginTimeoutMs: number;
  /** True when the embedder gave an `authorize` hook: then every login is asked for, resumes too. */
  authorize: boolean;
  /** With TLS the shard listens by itself; without, the acceptor hands it sockets. */
  tls: { keyFile: string; certFile: string; host: string; port: number } | null;
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
  refusal: { code: WireErrorCode; message: string; retryAfterMs?: number } | null;
}

export type FromShard =
  | { kind: 'up'; descriptor: unknown }
  | { kind: 'listen-failed'; message: string }
  | { kind: 'logins'; proofs: LoginProof[] }
  | { kind: 'changes'; changes: PresenceChange[] }
  | { kind: 'warning'; code: string; message: string };

/** Who came and who left, in the order in which it happened in that shard. */
export type PresenceChange =
  | { peer: Uint8Array; came: { client: string; resumed: boolean } }
  | { peer: Uint8Array; came: null; reason: DepartureReason };

export type ToShard =
  | { kind: 'verdicts'; verdicts: Verdict[] }
  | { kind: 'disconnect'; slot: number; generation: number; message: string }
  | { kind: 'drain'; graceMs: number; spreadMs: number; retryAfterMs: number }
  | { kind: 'close' };

/** Why a session ended, as `gone` tells it. */
export type DepartureReason = 'left' | WireErrorCode;

/** What the directory pool's `verify` task gets and gives: one boolean per proof. */
export interface VerifyTask {
  relayKey: Uint8Array;
  proofs: LoginProof[];
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
  | { t: 'replace'; slot: number; generation: number };
