/**
 * A client that stops asking a service which refuses it (Beyer et al., "Site Reliability Engineering", chapter 21): it
 * rejects a request itself with
 *
 *   p = max(0, (requests - K x accepts) / (requests + 1))
 *
 * over a window, so that at most about K times what is accepted is ever sent, and some always is: it finds out by itself
 * when the service is well again.
 */

export interface ClientThrottleOptions {
  /** Requests that are sent per accepted one, once some are refused. Default 2. */
  factor?: number;
  /** Milliseconds. Default 120,000. */
  windowMs?: number;
}

const SLOTS = 12;

export class ClientThrottle {
  readonly #factor: number;
  readonly #slotMs: number;
  readonly #requests = new Float64Array(SLOTS);
  readonly #accepts = new Float64Array(SLOTS);
  #slot = Number.NEGATIVE_INFINITY;

  constructor({ factor = 2, windowMs = 120_000 }: ClientThrottleOptions = {}) {
    this.#factor = factor;
    this.#slotMs = windowMs / SLOTS;
  }

  /** Somebody wants to send a request; to be counted whether it is sent or not. */
  requested(now: number): void {
    this.#requests[this.#at(now)]! += 1;
  }

  /** The service took one. */
  accepted(now: number): void {
    this.#accepts[this.#at(now)]! += 1;
  }

  /** @param random a number in [0, 1). @returns whether the next request is not to be sent. */
  rejects(now: number, random: () => number): boolean {
    this.#at(now);
    const requests = sum(this.#requests);
    const surplus = requests - this.#factor * sum(this.#accepts);
    return surplus > 0 && random() < surplus / (requests + 1);
  }

  #at(now: number): number {
    const slot = Math.max(this.#slot, Math.floor(now / this.#slotMs));
    const passed = Math.min(SLOTS, slot - this.#slot);
    for (let k = 0; k < passed; k++) {
      this.#requests[index(slot - k)] = 0;
      this.#accepts[index(slot - k)] = 0;
    }
    this.#slot = slot;
    return index(slot);
  }
}

function index(slot: number): number {
  return ((slot % SLOTS) + SLOTS) % SLOTS;
}

function sum(slots: Float64Array): number {
  let total = 0;
  for (const slot of slots) total += slot;
  return total;
}
