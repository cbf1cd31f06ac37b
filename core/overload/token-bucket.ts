/**
 * A token bucket: holds `burst` tokens at most, gets `perSec` a second, starts full. Time comes in as milliseconds of any
 * origin. A clock that jumps back costs what had come since, never more; one that jumps ahead fills the bucket, never more.
 */

/** Tokens that rounding may lack: so that who waited as long as he was told is not told to wait again. */
const ROUNDING = 1e-6;

export class TokenBucket {
  readonly burst: number;
  readonly perSec: number;
  #tokens: number;
  #at: number;

  /** @param perSec above 0. */
  constructor(burst: number, perSec: number, now: number) {
    this.burst = burst;
    this.perSec = perSec;
    this.#tokens = burst;
    this.#at = now;
  }

  /** Takes a token. @returns 0, or for how many whole milliseconds there is none. */
  take(now: number): number {
    return this.takeMany(1, now);
  }

  /**
   * Takes `n` tokens, or none of them. More than the bucket can hold are given when it is full, and owed: the next have to
   * wait for them. @returns 0, or after how many whole milliseconds they can be had.
   */
  takeMany(n: number, now: number): number {
    const missing = Math.min(n, this.burst) - this.level(now);
    if (missing > ROUNDING) return Math.ceil(((missing - ROUNDING) * 1_000) / this.perSec);
    this.#tokens -= n;
    return 0;
  }

  /** Takes `n` tokens that were used already: below zero they are owed. */
  spend(n: number, now: number): void {
    this.#tokens = this.level(now) - n;
  }

  /** Tokens that are there; below zero: owed. */
  level(now: number): number {
    const elapsedMs = now - this.#at;
    this.#at = now;
    if (elapsedMs > 0) this.#tokens = Math.min(this.burst, this.#tokens + (elapsedMs * this.perSec) / 1_000);
    return this.#tokens;
  }
}
