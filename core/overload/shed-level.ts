/**
 * How much of the load is admitted, by class (DAGOR, WeChat's overload control: Zhou et al., "Overload Control for Scaling
 * WeChat Microservices", SoCC 2018). Load is told by how long requests waited, not by how busy a processor is.
 *
 * Each request has a class (0 is the most important) and a lot in [0, 1), which stays with who sends it: so those who are
 * admitted stay admitted, and the others do not gain by asking again. A level runs through both, and what is below it is
 * admitted:
 *
 *     class 0          class 1          class 2
 *   |0 ......... 127|0 ......... 127|0 ......... 127|       counted per step in a window: what asks
 *                           ^level
 *
 * A window is over after 2,000 requests or 1 s. When they waited longer than 20 ms in the mean, the level goes down until 5%
 * less of the last window's requests would have been admitted; else it goes up until 1% more would.
 */

export interface ShedLevelOptions {
  /** Default 5: those of the protocol. */
  classes?: number;
  /** Mean wait that is overload, milliseconds. Default 20. */
  mostWaitMs?: number;
  /** A window's requests, and its milliseconds. Defaults 2,000 and 1,000. */
  windowRequests?: number;
  windowMs?: number;
  /** Share by which less is admitted, and more. Defaults 0.05 and 0.01. */
  down?: number;
  up?: number;
}

const LOTS = 128;

export class ShedLevel {
  readonly #options: Required<ShedLevelOptions>;
  /** Requests of this window by step. */
  readonly #asked: Float64Array;
  /** Steps that are admitted. */
  #level: number;
  #admitted = 0;
  #waits = 0;
  #waitedMs = 0;
  #windowAt = Number.NEGATIVE_INFINITY;

  constructor(options: ShedLevelOptions = {}) {
    this.#options = {
      classes: 5,
      mostWaitMs: 20,
      windowRequests: 2_000,
      windowMs: 1_000,
      down: 0.05,
      up: 0.01,
      ...options,
    };
    this.#level = this.#options.classes * LOTS;
    this.#asked = new Float64Array(this.#level);
  }

  /** 1 when every class is admitted, 0 when none is. */
  get level(): number {
    return this.#level / this.#asked.length;
  }

  /** A request. @param lot in [0, 1), the same for the same sender. @returns whether it is to be served. */
  admits(priority: number, lot: number, now: number): boolean {
    this.#roll(now);
    const step = Math.min(this.#asked.length - 1, priority * LOTS + Math.floor(lot * LOTS));
    this.#asked[step]! += 1;
    if (step >= this.#level) return false;
    this.#admitted++;
    return true;
  }

  /** A request that was admitted waited this long to be served. */
  waited(waitedMs: number, now: number): void {
    this.#roll(now);
    this.#waits++;
    this.#waitedMs += waitedMs;
    if (this.#waits >= this.#options.windowRequests) this.#close(now);
  }

  #roll(now: number): void {
    if (this.#windowAt === Number.NEGATIVE_INFINITY) this.#windowAt = now;
    else if (now - this.#windowAt >= this.#options.windowMs) this.#close(now);
  }

  #close(now: number): void {
    const { mostWaitMs, down, up } = this.#options;
    if (this.#waits > 0 && this.#waitedMs / this.#waits > mostWaitMs)
      this.#lower(this.#admitted * (1 - down));
    else this.#raise(this.#admitted * (1 + up));
    this.#asked.fill(0);
    this.#admitted = 0;
    this.#waits = 0;
    this.#waitedMs = 0;
    this.#windowAt = now;
  }

  /** Goes down by one step at least: overload that a small window does not show is overload. */
  #lower(target: number): void {
    let admitted = this.#admitted;
    do {
      if (this.#level === 0) return;
      admitted -= this.#asked[--this.#level]!;
    } while (admitted > target);
  }

  /** Goes up by one step at least, and beyond steps that nobody asked at. */
  #raise(target: number): void {
    let admitted = this.#admitted;
    while (this.#level < this.#asked.length) {
      admitted += this.#asked[this.#level++]!;
      if (admitted >= target && admitted > this.#admitted) return;
    }
  }
}
