/**
 * The receiving half of a channel: what arrived and waits to be read, and the credit it earns. PACKET PATH.
 *
 *   granted = window + what was re-granted          received <= granted, or the relay broke the protocol
 *   owed    = consumed and not yet re-granted       outstanding = granted - received = window - owed - unread
 *
 * Credit is returned a quarter of a window at a time. Three cases cannot wait for a quarter: END was consumed (the
 * sender's end() waits for it); and all that arrived was consumed while a window is too small for a quarter of it to
 * be missing, because then the sender's next frame may need more than is outstanding, and neither end would move.
 */

import { Fifo } from '../fifo.ts';
import { MAX_FRAME_BYTES, MAX_REALTIME_QUEUE_BYTES } from '../protocol/limits.ts';

/** What a waiting frame costs beside its bytes, so that a queue of empty messages is bounded as well. */
const WAITING_OVERHEAD_BYTES = 64;

export interface Received {
  /** null: end of stream. A payload is a view of the bundle that brought it. */
  payload: Uint8Array | null;
  /** Bytes of the whole frame, as credit counts them. */
  frameBytes: number;
}

export class ReceiveHalf {
  readonly reliable: boolean;
  /** Credit that the other end has when nothing is under way; 0 on a realtime channel. */
  readonly windowBytes: number;
  /** Realtime frames dropped here because nobody read them. */
  dropped = 0;
  readonly #queue = new Fifo<Received>();
  #queuedBytes = 0;
  #outstandingBytes: number;
  #owedBytes = 0;
  #ended = false;
  #endConsumed = false;

  constructor(reliable: boolean, windowBytes: number) {
    this.reliable = reliable;
    this.windowBytes = reliable ? windowBytes : 0;
    this.#outstandingBytes = this.windowBytes;
  }

  get #heldBytes(): number {
    return this.#queuedBytes + this.#queue.length * WAITING_OVERHEAD_BYTES;
  }

  /** Frames that wait to be read. */
  get length(): number {
    return this.#queue.length;
  }

  /** END arrived: what waits is the last there is. */
  get ended(): boolean {
    return this.#ended;
  }

  /**
   * Counts a frame that arrived.
   * @returns false when it came after END, and is to be ignored.
   * @throws RangeError when it is more than was granted.
   */
  admit(isEnd: boolean, frameBytes: number): boolean {
    if (this.reliable) {
      this.#outstandingBytes -= frameBytes;
      if (this.#outstandingBytes < 0)
        throw new RangeError(`${-this.#outstandingBytes} bytes beyond the credit`);
    }
    if (this.#ended) {
      this.consumed(frameBytes, false);
      return false;
    }
    if (isEnd) this.#ended = true;
    return true;
  }

  /** Keeps an admitted frame until it is read. */
  keep(frame: Received): void {
    this.#queue.push(frame);
    this.#queuedBytes += frame.frameBytes;
    if (this.reliable) return;
    while (this.#heldBytes > MAX_REALTIME_QUEUE_BYTES && this.#queue.peek()!.payload !== null) {
      this.#queuedBytes -= this.#queue.shift()!.frameBytes;
      this.dropped++;
    }
  }

  /** The oldest frame that waits. It is consumed only when `consumed` is told so. */
  take(): Received | undefined {
    const frame = this.#queue.shift();
    if (frame !== undefined) this.#queuedBytes -= frame.frameBytes;
    return frame;
  }

  /** The application is done with a frame. @returns true when credit should be granted this turn. */
  consumed(frameBytes: number, isEnd: boolean): boolean {
    if (!this.reliable) return false;
    this.#owedBytes += frameBytes;
    if (isEnd) this.#endConsumed = true;
    return this.#grantIsDue();
  }

  /** Bytes to grant now; 0 when it can wait. They count as granted. */
  takeGrant(): number {
    if (!this.#grantIsDue()) return 0;
    const bytes = this.#owedBytes;
    this.#owedBytes = 0;
    this.#outstandingBytes += bytes;
    return bytes;
  }

  /** Forgets what waits. The messages earn credit as if consumed; END does not: it says that they were read. */
  discard(): void {
    for (let frame = this.take(); frame !== undefined; frame = this.take()) {
      if (frame.payload !== null) this.consumed(frame.frameBytes, false);
    }
  }

  #grantIsDue(): boolean {
    if (this.#owedBytes === 0) return false;
    if (this.#owedBytes * 4 >= this.windowBytes || this.#endConsumed) return true;
    return (
      this.#outstandingBytes < MAX_FRAME_BYTES && this.#outstandingBytes + this.#owedBytes >= this.windowBytes
    );
  }
}
