/**
 * What one connection sends. PACKET PATH.
 *
 *   send halves -- addData --> [ bundle, at most 128 KiB ] -- once a turn, or full --> socket -- mask, copy --> kernel
 *        ^                                                                               |
 *        '------------------ waiting, per priority class  <-------- progress ------------'
 *
 * The bundle's buffer belongs to the outbox and is reused: the socket copies it when it masks (ws) or queues it
 * (browsers). A half that finds the socket too full waits here, and is pumped when the socket made progress: classes
 * in order of priority, the halves of a class in turn, a bundle's worth each.
 */

import { Fifo } from '../fifo.ts';
import { dataFrameBytes, writeDataFrame } from '../protocol/frame.ts';
import { MAX_BUNDLE_BYTES } from '../protocol/limits.ts';
import { PRIORITY_COUNT } from '../protocol/ops.ts';
import type { ClientSocket } from './platform.ts';
import type { DataSink, SendHalf } from './send-half.ts';

const FIRST_BYTES = 4096;
const KiB = 1024;
/** Realtime frames beyond this in the socket would only grow old there: 256 KiB is 0.2 s at 10 Mbit/s. */
export const REALTIME_SOCKET_BYTES = 256 * KiB;
/** Keeps a fast link busy between two events of the socket, and bounds what a slow one makes the process hold. */
export const RELIABLE_SOCKET_BYTES = 1024 * KiB;

export interface OutboxOptions {
  socket: ClientSocket;
  afterTurn(flush: () => void): void;
  /** Called before a turn's bundle is sent: the place to add what is worth one frame per turn, such as credit. */
  beforeFlush(): void;
}

export class Outbox implements DataSink {
  readonly #options: OutboxOptions;
  readonly #socket: ClientSocket;
  readonly #flush = (): void => this.flush();
  readonly #waiting: Fifo<SendHalf>[] = Array.from({ length: PRIORITY_COUNT }, () => new Fifo<SendHalf>());
  #buffer = new Uint8Array(FIRST_BYTES);
  #length = 0;
  /** The socket's bufferedAmount when last asked; until asked again the true one can only be lower. */
  #backlogBytes = 0;
  #flushDue = false;
  #stopped = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#socket = options.socket;
  }

  addControl(frame: Uint8Array): void {
    if (this.#stopped) return;
    this.#reserve(frame.length);
    this.#buffer.set(frame, this.#length);
    this.#length += frame.length;
  }

  addData(op: number, label: number, payload: Uint8Array): void {
    if (this.#stopped) return;
    this.#reserve(dataFrameBytes(payload.length));
    this.#length = writeDataFrame(this.#buffer, this.#length, op, label, payload);
  }

  takesData(reliable: boolean): boolean {
    const most = reliable ? RELIABLE_SOCKET_BYTES : REALTIME_SOCKET_BYTES;
    if (this.#backlogBytes + this.#length <= most) return true;
    this.#backlogBytes = this.#socket.bufferedAmount;
    return this.#backlogBytes + this.#length <= most;
  }

  waitForSocket(half: SendHalf): void {
    if (this.#stopped || half.waiting) return;
    half.waiting = true;
    this.#waiting[half.priority]!.push(half);
    this.#socket.watchProgress();
  }

  /** The socket has room again. */
  progress(): void {
    this.#backlogBytes = this.#socket.bufferedAmount;
    for (const halves of this.#waiting) {
      while (halves.length > 0 && this.takesData(halves.peek()!.reliable)) {
        const half = halves.shift()!;
        half.waiting = false;
        half.pump(MAX_BUNDLE_BYTES);
      }
    }
    if (this.#waiting.some((halves) => halves.length > 0)) this.#socket.watchProgress();
  }

  /** Makes sure that there is a flush at the end of this turn. */
  flushSoon(): void {
    if (this.#flushDue || this.#stopped) return;
    this.#flushDue = true;
    this.#options.afterTurn(this.#flush);
  }

  flush(): void {
    if (this.#stopped) return;
    // Set while the turn's last frames are added, so that they do not ask for another flush.
    this.#flushDue = true;
    this.#options.beforeFlush();
    this.#send();
    this.#flushDue = false;
  }

  /** Nothing is sent from now on. */
  stop(): void {
    this.#stopped = true;
    this.#length = 0;
    for (const halves of this.#waiting) halves.clear();
  }

  #send(): void {
    if (this.#length === 0) return;
    this.#socket.send(this.#buffer.subarray(0, this.#length));
    this.#length = 0;
    this.#backlogBytes = this.#socket.bufferedAmount;
  }

  /** Room for `bytes` more: a frame that does not fit begins the next bundle, so none is ever split. */
  #reserve(bytes: number): void {
    if (!this.#flushDue) this.flushSoon();
    if (this.#length + bytes > MAX_BUNDLE_BYTES) this.#send();
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = new Uint8Array(Math.min(MAX_BUNDLE_BYTES, Math.max(needed, this.#buffer.length * 2)));
    larger.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = larger;
  }
}
