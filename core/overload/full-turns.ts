/**
 * When those who found the relay full are to come back. They come to no effect, and at the price of a login, until somebody leaves:
 * so those who try take a tenth of the logins that can be served, each after LEAST_MS at the earliest.
 *
 * And after MOST_MS at the latest: whoever logs in again and again, with keys made for it, pushes nobody's time further away.
 */
const LEAST_MS = 5_000;
const MOST_MS = 60_000;
const SHARE = 0.1;

export class FullTurns {
  /** When the last of them is to come back. */
  #last = Number.NEGATIVE_INFINITY;

  /** @returns after how many whole milliseconds the next one is to come back. */
  retryAfterMs(now: number, loginsPerSec: number): number {
    const next = this.#last + 1_000 / (SHARE * loginsPerSec);
    this.#last = Math.min(Math.max(now + LEAST_MS, next), now + MOST_MS);
    return Math.round(this.#last - now);
  }
}
