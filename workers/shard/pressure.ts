/**
 * What waits for a receiver whose socket is full. It exists only while the pressure lasts; the path without pressure
 * never sees it.
 *
 * One pair of queues per priority class, highest class first: what must not be lost (control frames, reliable data),
 * and realtime data. Within a pair the former goes first. Realtime data beyond its bound goes from the lowest class,
 * oldest first; a realtime frame older than its life is not sent.
 */
import { MAX_CONTROL_QUEUE_BYTES, MAX_REALTIME_QUEUE_BYTES } from '../../core/protocol/limits.ts';
import { PRIORITY_COUNT } from '../../core/protocol/ops.ts';
import { C } from '../../core/threads/counters.ts';

/** Frames of one channel that came together, or one control frame. */
export interface Waiting {
  bytes: Uint8Array;
  frames: number;
  /** performance.now() after which it is not sent; Infinity: never too late. */
  expiresAt: number;
  kind: typeof CONTROL | typeof RELIABLE | typeof REALTIME;
}
export const CONTROL = 0;
export const RELIABLE = 1;
export const REALTIME = 2;

/** A first-in first-out list that drops its consumed head now and then. */
class Fifo {
  #items: Waiting[] = [];
  #head = 0;

  push(item: Waiting): void {
    this.#items.push(item);
  }

  peek(): Waiting | undefined {
    return this.#items[this.#head];
  }

  shift(): Waiting | undefined {
    const item = this.#items[this.#head];
    if (item === undefined) return undefined;
    this.#head++;
    if (this.#head === this.#items.length) {
      this.#items = [];
      this.#head = 0;
    } else if (this.#head > 512 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}

export class PressureQueue {
  readonly #lasting: Fifo[] = Array.from({ length: PRIORITY_COUNT }, () => new Fifo());
  readonly #realtime: Fifo[] = Array.from({ length: PRIORITY_COUNT }, () => new Fifo());
  readonly #counters: Float64Array;
  #realtimeBytes = 0;
  #controlBytes = 0;
  #frames = 0;
  /** Bytes in the queue. */
  bytes = 0;

  constructor(counters: Float64Array) {
    this.#counters = counters;
  }

  get empty(): boolean {
    return this.bytes === 0;
  }

  /** Frames in the queue. */
  get frames(): number {
    return this.#frames;
  }

  /** @returns false when a control frame would go beyond its bound: the receiver asks and does not read. */
  push(priority: number, item: Waiting): boolean {
    const size = item.bytes.length;
    if (item.kind === CONTROL) {
      if (this.#controlBytes + size > MAX_CONTROL_QUEUE_BYTES) return false;
      this.#controlBytes += size;
    }
    (item.kind === REALTIME ? this.#realtime : this.#lasting)[priority]!.push(item);
    this.#count(item, 1);
    if (item.kind === REALTIME) {
      this.#realtimeBytes += size;
      while (this.#realtimeBytes > MAX_REALTIME_QUEUE_BYTES) this.#dropOldest();
    }
    return true;
  }

  /** The next item to send, if it has at most `roomBytes`; what is too old is dropped on the way. */
  take(roomBytes: number, now: number): Waiting | undefined {
    for (let priority = 0; priority < PRIORITY_COUNT; priority++) {
      const lasting = this.#lasting[priority]!.peek();
      if (lasting !== undefined) {
        if (lasting.bytes.length > roomBytes) return undefined;
        this.#lasting[priority]!.shift();
        this.#count(lasting, -1);
        if (lasting.kind === CONTROL) this.#controlBytes -= lasting.bytes.length;
        return lasting;
      }
      for (let item = this.#realtime[priority]!.peek(); item; item = this.#realtime[priority]!.peek()) {
        const late = item.expiresAt <= now;
        if (!late && item.bytes.length > roomBytes) return undefined;
        this.#realtime[priority]!.shift();
        this.#count(item, -1);
        this.#realtimeBytes -= item.bytes.length;
        if (!late) return item;
        this.#counters[C.dropExpired]! += item.frames;
      }
    }
    return undefined;
  }

  #dropOldest(): void {
    for (let priority = PRIORITY_COUNT - 1; priority >= 0; priority--) {
      const item = this.#realtime[priority]!.shift();
      if (item === undefined) continue;
      this.#count(item, -1);
      this.#realtimeBytes -= item.bytes.length;
      this.#counters[C.dropOldest]! += item.frames;
      return;
    }
  }

  #count(item: Waiting, sign: 1 | -1): void {
    this.bytes += sign * item.bytes.length;
    this.#frames += sign * item.frames;
    this.#counters[C.queuedBytes]! += sign * item.bytes.length;
  }
}
