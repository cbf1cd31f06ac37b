/**
 * A bounded queue that keeps its wait short (Nichols and Jacobson, "Controlling Queue Delay", 2012, as Facebook uses it
 * for requests: Maurer, "Fail at Scale", ACM Queue 2015).
 *
 *   not overloaded: first in, first out; what waited longer than the interval is dropped
 *   overloaded:     newest first; what waited longer than the target is dropped
 *
 * Overloaded is a queue whose oldest entry has waited longer than the target at every look for a whole interval, until a
 * look finds it empty: a burst that drains is none. Newest first, because under a load that stays the oldest would be served when who sent it has
 * given up. In a ring that grows to `most` entries:
 *
 *       oldest                 newest
 *   [ . item item item item item . . ]      #items, and since when each waits in #since
 *       ^head               head + size
 */

export interface CodelOptions {
  /** Milliseconds. Default 5. */
  targetMs?: number;
  /** Milliseconds. Default 100. */
  intervalMs?: number;
  /** Most entries. Default 16,384. */
  most?: number;
}

const LEAST_ROOM = 16;

export class CodelQueue<T> {
  readonly #targetMs: number;
  readonly #intervalMs: number;
  readonly #most: number;
  #items: (T | undefined)[] = new Array(LEAST_ROOM);
  #since = new Float64Array(LEAST_ROOM);
  #head = 0;
  #size = 0;
  /** Since when every look found the oldest waiting longer than the target; Infinity when the last one did not. */
  #lateSince = Number.POSITIVE_INFINITY;
  #overloaded = false;

  constructor({ targetMs = 5, intervalMs = 100, most = 16_384 }: CodelOptions = {}) {
    this.#targetMs = targetMs;
    this.#intervalMs = intervalMs;
    this.#most = most;
  }

  get size(): number {
    return this.#size;
  }

  get overloaded(): boolean {
    return this.#overloaded;
  }

  /** @returns false when the queue is full; the item is not in it then. */
  push(item: T, now: number): boolean {
    if (this.#size >= this.#most) return false;
    if (this.#size === this.#items.length) this.#grow();
    const at = this.#index(this.#size++);
    this.#items[at] = item;
    this.#since[at] = now;
    return true;
  }

  /**
   * The item whose turn it is, after those that waited too long were given to `dropped`.
   * @returns undefined when nothing is left.
   */
  shift(now: number, dropped: (item: T, waitedMs: number) => void): T | undefined {
    this.shed(now, dropped);
    if (this.#size === 0) return undefined;
    return this.#overloaded ? this.#pop() : this.#takeOldest();
  }

  /** Drops what waited too long. As `shift` does; for a queue that nobody takes from for a while. */
  shed(now: number, dropped: (item: T, waitedMs: number) => void): void {
    this.#look(now);
    const mostMs = this.#overloaded ? this.#targetMs : this.#intervalMs;
    while (this.#size > 0) {
      const waitedMs = now - this.#since[this.#head]!;
      if (waitedMs <= mostMs) return;
      dropped(this.#takeOldest(), waitedMs);
    }
  }

  /** How long the oldest has waited. */
  waitedMs(now: number): number {
    return this.#size === 0 ? 0 : now - this.#since[this.#head]!;
  }

  #look(now: number): void {
    if (this.#size === 0) this.#overloaded = false;
    if (this.waitedMs(now) <= this.#targetMs) {
      this.#lateSince = Number.POSITIVE_INFINITY;
      return;
    }
    if (this.#lateSince === Number.POSITIVE_INFINITY) this.#lateSince = now;
    if (now - this.#lateSince >= this.#intervalMs) this.#overloaded = true;
  }

  #takeOldest(): T {
    const item = this.#items[this.#head] as T;
    this.#items[this.#head] = undefined;
    this.#head = this.#index(1);
    this.#size--;
    return item;
  }

  #pop(): T {
    const at = this.#index(--this.#size);
    const item = this.#items[at] as T;
    this.#items[at] = undefined;
    return item;
  }

  /** The length is a power of two. */
  #index(offset: number): number {
    return (this.#head + offset) & (this.#items.length - 1);
  }

  #grow(): void {
    const items: (T | undefined)[] = new Array(this.#items.length * 2);
    const since = new Float64Array(items.length);
    for (let k = 0; k < this.#size; k++) {
      items[k] = this.#items[this.#index(k)];
      since[k] = this.#since[this.#index(k)]!;
    }
    this.#items = items;
    this.#since = since;
    this.#head = 0;
  }
}
