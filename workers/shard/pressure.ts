/**
 * What waits for a receiver whose socket is full. It exists only while the pressure lasts; the path without pressure
 * never sees it.
 *
 * One pair of queues per priority class, highest class first: what must not be lost (control frames, reliable data),
 * and realtime data. Within a pair the former goes first. Realtime data goes from the head, oldest first: of its own class
 * beyond the class's bytes or age, and of the lowest class beyond the bound of all. A realtime frame older than its
 * life is not sent.
 *
 * Small neighbours that must not be lost are joined, as realtime ones of one channel are, and every item is charged ITEM_BYTES beside its own: frames of ten
 * bytes would otherwise cost thirty times what the bounds say (seen: 84 MiB for 1.25 MiB of pongs).
 */
import { Fifo } from '../../core/fifo.ts';
import { readLabel } from '../../core/protocol/frame.ts';
import {
  CLASS_QUEUE_BYTES,
  CLASS_QUEUE_MS,
  MAX_CONTROL_QUEUE_BYTES,
  MAX_REALTIME_QUEUE_BYTES,
} from '../../core/protocol/limits.ts';
import { PRIORITY_COUNT } from '../../core/protocol/ops.ts';
import { C, waitBucket } from '../../core/threads/counters.ts';
import type { Congestion } from './congestion.ts';
import type { WhyLedger } from './why.ts';

/** Frames of one channel that came together, or one control frame. */
export interface Waiting {
  bytes: Uint8Array;
  frames: number;
  /** performance.now() after which it is not sent; Infinity: never too late. */
  expiresAt: number;
  kind: typeof CONTROL | typeof RELIABLE | typeof REALTIME;
  /** When realtime data came, performance.now(); set by `push`. */
  since?: number;
}
export const CONTROL = 0;
export const RELIABLE = 1;
export const REALTIME = 2;

/** Who hears of frames that were dropped, or got through. */
export interface Fate {
  readonly counters: Float64Array;
  readonly why: Pick<WhyLedger, 'noteWaited'>;
  readonly congestion: Pick<Congestion, 'droppedFor' | 'passedFor'>;
}

/** What an item costs beside its bytes: its object, its array and its place in a list. */
const ITEM_BYTES = 256;
/** Neighbours are joined up to this size. */
const JOIN_BYTES = 4096;
/** Realtime neighbours of one channel are, up to this size: they are dropped together. */
const JOIN_REALTIME_BYTES = 1024;
/** When they came within so many milliseconds. */
const JOIN_REALTIME_MS = 5;

export class PressureQueue {
  readonly #lasting = Array.from({ length: PRIORITY_COUNT }, () => new Fifo<Waiting>());
  readonly #realtime = Array.from({ length: PRIORITY_COUNT }, () => new Fifo<Waiting>());
  readonly #fate: Fate;
  readonly #counters: Float64Array;
  /** Of all realtime data, and of each class. */
  #realtimeCost = 0;
  readonly #classCost = new Float64Array(PRIORITY_COUNT);
  #controlCost = 0;
  #frames = 0;
  /** Bytes in the queue. */
  bytes = 0;
  /** The same, with ITEM_BYTES for each item. */
  #cost = 0;

  constructor(fate: Fate) {
    this.#fate = fate;
    this.#counters = fate.counters;
  }

  /** What control frames are charged. */
  get controlBytes(): number {
    return this.#controlCost;
  }

  get empty(): boolean {
    return this.bytes === 0;
  }

  /** Frames in the queue. */
  get frames(): number {
    return this.#frames;
  }

  /**
   * @param now performance.now(), for what came before.
   * @param behindRealtime for a control frame that must not overtake the realtime data of its class.
   * @returns false when a control frame would go beyond its bound: the receiver asks and does not read.
   */
  push(priority: number, item: Waiting, now: number, behindRealtime = false): boolean {
    const last = this.#lasting[priority]!.last();
    if (item.kind !== REALTIME && !behindRealtime && last?.kind === item.kind) {
      const whole = last.bytes.length + item.bytes.length;
      if (whole <= JOIN_BYTES) return this.#join(last, item, whole);
    }
    if (item.kind === REALTIME && this.#joinRealtime(priority, item, now)) return true;
    if (item.kind === CONTROL && this.#controlCost + costOf(item) > MAX_CONTROL_QUEUE_BYTES) return false;
    (item.kind === REALTIME || behindRealtime ? this.#realtime : this.#lasting)[priority]!.push(item);
    this.#count(priority, item, 1);
    if (item.kind === REALTIME) {
      item.since = now;
      this.#shed(priority, costOf(item), now);
    }
    return true;
  }

  /** A burst of small frames would else be charged more for its items than for its bytes. */
  #joinRealtime(priority: number, item: Waiting, now: number): boolean {
    const last = this.#realtime[priority]!.last();
    if (last?.kind !== REALTIME || now - last.since! > JOIN_REALTIME_MS) return false;
    const whole = last.bytes.length + item.bytes.length;
    if (whole > JOIN_REALTIME_BYTES || readLabel(last.bytes, 0) !== readLabel(item.bytes, 0)) return false;
    this.#join(last, item, whole);
    this.#realtimeCost += item.bytes.length;
    this.#classCost[priority]! += item.bytes.length;
    this.#shed(priority, costOf(last), now);
    return true;
  }

  #join(last: Waiting, item: Waiting, wholeBytes: number): boolean {
    const size = item.bytes.length;
    if (item.kind === CONTROL) {
      if (this.#controlCost + size > MAX_CONTROL_QUEUE_BYTES) return false;
      this.#controlCost += size;
    }
    const joined = new Uint8Array(wholeBytes);
    joined.set(last.bytes);
    joined.set(item.bytes, last.bytes.length);
    last.bytes = joined;
    last.frames += item.frames;
    this.bytes += size;
    this.#frames += item.frames;
    this.#cost += size;
    this.#counters[C.queuedBytes]! += size;
    return true;
  }

  /** The queue goes, with all that is in it. */
  discard(): void {
    this.#counters[C.queuedBytes]! -= this.#cost;
  }

  /** The next item to send, if it has at most `roomBytes`; what is too old is dropped on the way. */
  take(roomBytes: number, now: number, classes: number = PRIORITY_COUNT): Waiting | undefined {
    for (let priority = 0; priority < classes; priority++) {
      const lasting = this.#lasting[priority]!.peek();
      if (lasting !== undefined) {
        if (lasting.bytes.length > roomBytes) return undefined;
        this.#lasting[priority]!.shift();
        this.#taken(priority, lasting, now);
        return lasting;
      }
      for (let item = this.#realtime[priority]!.peek(); item; item = this.#realtime[priority]!.peek()) {
        const late = item.expiresAt <= now;
        if (!late && item.bytes.length > roomBytes) return undefined;
        this.#realtime[priority]!.shift();
        if (late) {
          this.#count(priority, item, -1);
          this.#dropped(priority, item, true);
          continue;
        }
        this.#taken(priority, item, now);
        if (item.kind === REALTIME) {
          this.#fate.congestion.passedFor(readLabel(item.bytes, 0), item.bytes.length);
        }
        return item;
      }
    }
    return undefined;
  }

  #taken(priority: number, item: Waiting, now: number): void {
    this.#count(priority, item, -1);
    if (item.kind === CONTROL) return;
    this.#counters[C.framesOutSignal + priority]! += item.frames;
    this.#counters[C.bytesOutSignal + priority]! += item.bytes.length;
    if (item.since === undefined) return;
    const waitedMs = Math.max(0, now - item.since);
    this.#counters[C.waited0 + waitBucket(waitedMs)]! += item.frames;
    this.#counters[C.waitedMs]! += waitedMs * item.frames;
  }

  /** The class has got one more: what is too old of it goes, then the oldest beyond its bound, then beyond that of all. */
  #shed(priority: number, newest: number, now: number): void {
    const queue = this.#realtime[priority]!;
    for (let head = queue.peek(); head !== undefined && head.expiresAt <= now; head = queue.peek()) {
      this.#dropHead(priority, true);
    }
    // The newest stays, however large: a class would else be shut to frames of its bound.
    const most = Math.max(newest, CLASS_QUEUE_BYTES[priority]!);
    while (this.#classCost[priority]! > most) this.#dropHead(priority, false);
    while (this.#realtimeCost > MAX_REALTIME_QUEUE_BYTES) {
      let lowest = PRIORITY_COUNT - 1;
      while (this.#classCost[lowest] === 0) lowest--;
      this.#dropHead(lowest, false);
    }
  }

  #dropHead(priority: number, late: boolean): void {
    const item = this.#realtime[priority]!.shift()!;
    if (item.kind === CONTROL) {
      // What it had to come after is gone.
      this.#lasting[priority]!.push(item);
      return;
    }
    this.#count(priority, item, -1);
    this.#dropped(priority, item, late);
  }

  #dropped(priority: number, item: Waiting, late: boolean): void {
    const { why, congestion } = this.#fate;
    const label = readLabel(item.bytes, 0);
    this.#counters[late ? C.dropExpired : C.dropOldest]! += item.frames;
    this.#counters[(late ? C.dropExpiredSignal : C.dropOldestSignal) + priority]! += item.frames;
    why.noteWaited(label, late ? 'expired' : 'queue-full', item.frames);
    congestion.droppedFor(label, 'receiver', item.frames);
  }

  #count(priority: number, item: Waiting, sign: 1 | -1): void {
    const cost = sign * costOf(item);
    this.bytes += sign * item.bytes.length;
    this.#frames += sign * item.frames;
    this.#cost += cost;
    this.#counters[C.queuedBytes]! += cost;
    if (item.kind === REALTIME) {
      this.#realtimeCost += cost;
      this.#classCost[priority]! += cost;
    } else if (item.kind === CONTROL) this.#controlCost += cost;
  }
}

/** When realtime data that comes now is too old to be sent: its life over, or the age that its class may reach. */
export function expiryOf(priority: number, lifeMs: number, now: number): number {
  return now + Math.min(lifeMs, CLASS_QUEUE_MS[priority]!);
}

function costOf(item: Waiting): number {
  return item.bytes.length + ITEM_BYTES;
}
