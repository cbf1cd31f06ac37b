/**
 * How much work a service does in a second when there is work: what was served, over the time that it was busy. Time
 * without work says nothing of what it could do, and does not count. Smoothed: what was measured loses its weight by half
 * in HALF_LIFE_MS of busy time.
 *
 *   started(0) .. served(64) .. served(64) .. stopped      idle      started .. served ..
 *   |<------------- busy ----------------->|<-- no time -->|<------ busy
 */

export interface CapacityOptions {
  /** What is supposed until something was measured, per second. */
  initialPerSec: number;
  /** Never less than this, so that a moment's stall names no wait of hours. Default 1. */
  leastPerSec?: number;
}

const HALF_LIFE_MS = 2_000;
/** What the supposed rate weighs at first. */
const INITIAL_MS = 100;

export class Capacity {
  readonly #leastPerSec: number;
  #served: number;
  #busyMs = INITIAL_MS;
  /** Since when time counts; -1: idle. */
  #since = -1;

  constructor({ initialPerSec, leastPerSec = 1 }: CapacityOptions) {
    this.#leastPerSec = leastPerSec;
    this.#served = (initialPerSec * INITIAL_MS) / 1_000;
  }

  /** There is work from now on. Without effect when there was. */
  started(now: number): void {
    if (this.#since < 0) this.#since = now;
  }

  /** `n` were done. Work that nobody said had started took no time that is known of: it does not count. */
  served(n: number, now: number): void {
    if (this.#since < 0) {
      this.#since = now;
      return;
    }
    this.#pass(now);
    this.#served += n;
  }

  /** There is no work left. */
  stopped(now: number): void {
    if (this.#since < 0) return;
    this.#pass(now);
    this.#since = -1;
  }

  /** Events per second. */
  get perSec(): number {
    return Math.max(this.#leastPerSec, (this.#served * 1_000) / this.#busyMs);
  }

  #pass(now: number): void {
    const ms = Math.max(0, now - this.#since);
    this.#since = now;
    const left = 0.5 ** (ms / HALF_LIFE_MS);
    this.#served *= left;
    this.#busyMs = this.#busyMs * left + ms;
  }
}
