/**
 * When a client that lost its relay, or was refused, tries again. Never earlier than the relay said.
 *
 *   told:      what the relay said + rand(0, base)      its turns are spread out already; more would waste the turn
 *   not told:  rand(0, min(cap, base x 2^n))            full jitter
 *   too often: rand(cap/2, cap)                         when tries again are above their budget, whatever is told
 *
 * ClientThrottle is not for this: it rejects most tries of a client that has a single thing to ask for, and would let its
 * turn pass.
 */
import { type BackoffBounds, fullJitterMs } from '../overload/backoff.ts';
import { RetryBudget } from '../overload/retry-budget.ts';

/** Tries again in 10 s: a relay that always says "in 1 ms" is not asked more often. Full jitter alone makes about six. */
const BUDGET = { perSec: 1, share: 0.2, windowMs: 10_000 };
/** The longest that a timer can wait; one that is set to more fires at once. */
const MAX_WAIT_MS = 0x7fff_ffff;

export class Comeback {
  readonly #bounds: BackoffBounds;
  readonly #random: () => number;
  readonly #budget = new RetryBudget(BUDGET);
  /** Waits so far that nobody told: the exponent of the next. */
  #waits = 0;
  #toldMs: number | null = null;

  constructor(bounds: BackoffBounds, random: () => number) {
    this.#bounds = bounds;
    this.#random = random;
  }

  /** The relay said how long to stay away, for the next wait. */
  told(retryAfterMs: number): void {
    this.#toldMs = retryAfterMs;
  }

  /** A connection was made. */
  connected(now: number): void {
    this.#toldMs = null;
    this.#budget.request(now);
  }

  /** The connection that was lost was a good one. */
  wasStable(): void {
    this.#waits = 0;
  }

  /** Milliseconds until the next try. */
  nextMs(now: number): number {
    const { capMs } = this.#bounds;
    const toldMs = this.#toldMs ?? 0;
    const exponent = this.#toldMs === null ? this.#waits++ : 0;
    this.#toldMs = null;
    const jitterMs = this.#budget.mayRetry(now)
      ? fullJitterMs(exponent, this.#bounds, this.#random)
      : capMs / 2 + (this.#random() * capMs) / 2;
    return Math.min(MAX_WAIT_MS, toldMs + jitterMs);
  }
}
