/**
 * How many tries again a client makes beside its first tries (Finagle, `RetryBudget`): a share of the requests of the
 * last seconds, and a few a second on top, so that one that asks little may try again at all. What retries add to a
 * relay that fails is so bounded to that share, whatever the back-off.
 *
 *   balance = perSec x window + share x requests(window) - retries(window)      in a ring of SLOTS slots of time
 */

export interface RetryBudgetOptions {
  /** Tries again per request. Default 0.2. */
  share?: number;
  /** Tries again per second, whatever was requested. Default 10. */
  perSec?: number;
  /** For how long a request or a try again counts, milliseconds. Default 10,000. */
  windowMs?: number;
}

const SLOTS = 10;

export class RetryBudget {
  readonly #share: number;
  readonly #reserve: number;
  readonly #slotMs: number;
  /** Requests x share - retries, by slot of time. */
  readonly #sums = new Float64Array(SLOTS);
  #slot = Number.NEGATIVE_INFINITY;

  constructor({ share = 0.2, perSec = 10, windowMs = 10_000 }: RetryBudgetOptions = {}) {
    this.#share = share;
    this.#reserve = (perSec * windowMs) / 1_000;
    this.#slotMs = windowMs / SLOTS;
  }

  /** A first try. */
  request(now: number): void {
    this.#sums[this.#at(now)]! += this.#share;
  }

  /** Takes one try again from the budget. @returns whether there was one. */
  mayRetry(now: number): boolean {
    const at = this.#at(now);
    // A hair less than one: the sum of five shares of 0.2 is.
    if (this.#balance() < 1 - 1e-9) return false;
    this.#sums[at]! -= 1;
    return true;
  }

  #balance(): number {
    let sum = this.#reserve;
    for (const slot of this.#sums) sum += slot;
    return sum;
  }

  /** The slot of `now`, once those that are over are empty. A clock that went back stays in the latest slot. */
  #at(now: number): number {
    const slot = Math.max(this.#slot, Math.floor(now / this.#slotMs));
    const passed = Math.min(SLOTS, slot - this.#slot);
    for (let k = 0; k < passed; k++) this.#sums[index(slot - k)] = 0;
    this.#slot = slot;
    return index(slot);
  }
}

function index(slot: number): number {
  return ((slot % SLOTS) + SLOTS) % SLOTS;
}
