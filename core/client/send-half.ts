/**
 * The sending half of a channel: what waits here, and until when. PACKET PATH.
 *
 *   send() --> straight into the outbox, when nothing waits, the credit suffices and the socket is free enough
 *          \-> [ queue ] --> pump(): on credit, on progress of the socket
 *
 * Reliable: a queue in order, bounded by refusing; `credit` counts whole frames, END included.
 * Realtime: a queue bounded by dropping the oldest, and what outlived `lifeMs`; no credit.
 */

import { Fifo } from '../fifo.ts';
import { dataFrameBytes } from '../protocol/frame.ts';
import { MAX_REALTIME_QUEUE_BYTES } from '../protocol/limits.ts';
import { OP_DATA, OP_END } from '../protocol/ops.ts';

/** Payload bytes of a reliable channel that may wait for credit or for the socket. */
export const MAX_RELIABLE_QUEUE_BYTES = 16 * 1024 * 1024;

/** What a waiting frame costs beside its payload, so that a queue of empty messages is bounded as well. */
const WAITING_OVERHEAD_BYTES = 64;

/** Where frames go: the connection's outbox, or a model of it in a test. */
export interface DataSink {
  /** False when the socket holds so much that a frame of this kind had better wait here. */
  takesData(reliable: boolean): boolean;
  /** Takes a copy of `payload`. */
  addData(op: number, label: number, payload: Uint8Array): void;
  /** Calls `pump` once the socket made progress. */
  waitForSocket(half: SendHalf): void;
}

export interface SendHalfOptions {
  sink: DataSink;
  label: number;
  reliable: boolean;
  /** Priority class, 0..4. */
  priority: number;
  /** Life of a realtime frame, in milliseconds; 0 on a reliable channel. */
  lifeMs: number;
  /** Bytes that the other end granted at the start; not used on a realtime channel. */
  creditBytes: number;
  /** Some of what waited was sent, dropped or credited. */
  onprogress(): void;
  /** The clock, in milliseconds. Default: performance.now. */
  now?: () => number;
}

interface Waiting {
  /** null: end of stream. */
  payload: Uint8Array | null;
  sinceMs: number;
}

const EMPTY = new Uint8Array(0);

export class SendHalf {
  readonly label: number;
  readonly reliable: boolean;
  readonly priority: number;
  /** Owned by the outbox: whether this half waits there for the socket. */
  waiting = false;
  /** Payload bytes that wait here. */
  bufferedBytes = 0;
  /** Realtime frames dropped here. */
  dropped = 0;
  readonly #sink: DataSink;
  readonly #lifeMs: number;
  readonly #onprogress: () => void;
  readonly #now: () => number;
  readonly #queue = new Fifo<Waiting>();
  #creditBytes: number;
  /** Frame bytes handed to the outbox so far, END included. */
  #sentBytes = 0;
  /** Credit that came back since the start: frame bytes that the other application has consumed. */
  #returnedBytes = 0;
  #ending = false;
  #endSent = false;
  #stopped = false;

  constructor(options: SendHalfOptions) {
    this.#sink = options.sink;
    this.label = options.label;
    this.reliable = options.reliable;
    this.priority = options.priority;
    this.#lifeMs = options.lifeMs;
    this.#creditBytes = options.reliable ? options.creditBytes : Number.POSITIVE_INFINITY;
    this.#onprogress = options.onprogress;
    this.#now = options.now ?? (() => performance.now());
  }

  get idle(): boolean {
    return this.#queue.length === 0;
  }

  /** After `end`: nothing more may be sent. */
  get ending(): boolean {
    return this.#ending;
  }

  /** END has left. On a reliable channel also: and the other application has consumed everything up to it. */
  get finished(): boolean {
    return this.#endSent && (!this.reliable || this.#returnedBytes >= this.#sentBytes);
  }

  /** False when a reliable channel has no room for `bytes` more. */
  fits(bytes: number): boolean {
    return !this.reliable || this.#heldBytes + bytes <= MAX_RELIABLE_QUEUE_BYTES;
  }

  get #heldBytes(): number {
    return this.bufferedBytes + this.#queue.length * WAITING_OVERHEAD_BYTES;
  }

  /** @param owned the payload is ours to keep; else it is copied if it has to wait. */
  send(payload: Uint8Array, owned: boolean): void {
    if (this.#queue.length === 0 && this.#write(payload)) return;
    // Not payload.slice(): that of a Buffer is a view, and the application may change its bytes after send().
    const kept = owned ? payload : new Uint8Array(payload);
    this.#queue.push({ payload: kept, sinceMs: this.reliable ? 0 : this.#now() });
    this.bufferedBytes += kept.length;
    if (!this.reliable) this.#dropOldest();
  }

  end(): void {
    this.#ending = true;
    if (this.#queue.length === 0 && this.#write(null)) return;
    this.#queue.push({ payload: null, sinceMs: 0 });
  }

  /** The other end granted `bytes` more. `initial`: from the start, and the relay hands them on only now (§6.4). */
  credit(bytes: number, initial = false): void {
    this.#creditBytes += bytes;
    if (!initial) this.#returnedBytes += bytes;
    if (!this.waiting) this.pump(Number.POSITIVE_INFINITY);
    this.#onprogress();
  }

  /** Sends up to about `mostBytes` of what waits, as far as credit and socket allow. */
  pump(mostBytes: number): void {
    if (this.#queue.length === 0) return;
    if (!this.reliable) this.#dropExpired();
    let left = mostBytes;
    for (let head = this.#queue.peek(); head !== undefined; head = this.#queue.peek()) {
      if (left <= 0) {
        this.#sink.waitForSocket(this);
        break;
      }
      if (!this.#write(head.payload)) break;
      this.#queue.shift();
      const length = head.payload === null ? 0 : head.payload.length;
      this.bufferedBytes -= length;
      left -= length;
    }
    this.#onprogress();
  }

  /** Forgets what waits; nothing is sent from now on. */
  stop(): void {
    this.#stopped = true;
    this.#queue.clear();
    this.bufferedBytes = 0;
  }

  /** Hands one frame to the outbox. False when it has to wait: for credit, or for the socket and then it is told so. */
  #write(payload: Uint8Array | null): boolean {
    if (this.#stopped) return true;
    const bytes = dataFrameBytes(payload === null ? 0 : payload.length);
    if (bytes > this.#creditBytes) return false;
    if (!this.#sink.takesData(this.reliable)) {
      this.#sink.waitForSocket(this);
      return false;
    }
    this.#creditBytes -= bytes;
    this.#sentBytes += bytes;
    if (payload === null) this.#endSent = true;
    this.#sink.addData((payload === null ? OP_END : OP_DATA) + this.priority, this.label, payload ?? EMPTY);
    return true;
  }

  #dropOldest(): void {
    while (this.#heldBytes > MAX_REALTIME_QUEUE_BYTES) {
      const head = this.#queue.peek();
      if (!head?.payload) return;
      this.#drop(head.payload);
    }
  }

  #dropExpired(): void {
    const now = this.#now();
    for (let head = this.#queue.peek(); head?.payload; head = this.#queue.peek()) {
      if (now - head.sinceMs <= this.#lifeMs) return;
      this.#drop(head.payload);
    }
  }

  #drop(payload: Uint8Array): void {
    this.#queue.shift();
    this.bufferedBytes -= payload.length;
    this.dropped++;
  }
}
