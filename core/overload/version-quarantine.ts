/**
 * Makes the peers of a suspect version wait before they log in, each once per login that succeeds: it slows them and locks
 * nobody out. Who crashes at each login comes back once per delay instead of at once. Pure: time and chance come in.
 *
 *   admit --> wait (told how long) --admit, still early--> wait (what is left) --admit, in time--> let in --came--> (forgotten)
 */

export interface VersionQuarantineOptions {
  /** How long a peer waits: half of it to one and a half, at random, so that they do not come together. Default 60,000. */
  delayMs?: number;
  /** Peers that are remembered. Default MOST_WAITING. Beyond it a peer's wait begins when there is room. */
  mostWaiting?: number;
}

/** x about 50 bytes = 3.3 MB. */
export const MOST_WAITING = 65_536;
/** A peer that comes later than this after its wait begins anew: longer than the longest back-off of a client, 30 s. */
const LATE_MS = 60_000;

export class VersionQuarantine {
  readonly #delayMs: number;
  readonly #mostWaiting: number;
  /** By a hash of the peer: when its wait is over. */
  readonly #waiting = new Map<number, number>();

  constructor({ delayMs = 60_000, mostWaiting = MOST_WAITING }: VersionQuarantineOptions = {}) {
    this.#delayMs = delayMs;
    this.#mostWaiting = mostWaiting;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** @returns 0: it may log in; else for how many milliseconds it must stay away. */
  admit(peer: number, now: number, random: () => number): number {
    this.#forget(now);
    const known = this.#waiting.get(peer);
    if (known !== undefined && known + LATE_MS > now) return Math.max(0, Math.ceil(known - now));
    const waitMs = Math.ceil(this.#delayMs * (0.5 + random()));
    if (known !== undefined) this.#waiting.delete(peer);
    if (this.#waiting.size < this.#mostWaiting) this.#waiting.set(peer, now + waitMs);
    return waitMs;
  }

  /** It has logged in: next time it waits again. */
  came(peer: number): void {
    this.#waiting.delete(peer);
  }

  /** Those that did not come. The order is that of their arrival, so one that waits longer may hide some a little. */
  #forget(now: number): void {
    for (const [peer, due] of this.#waiting) {
      if (due + LATE_MS > now) break;
      this.#waiting.delete(peer);
    }
  }
}
