/**
 * When a client that lost its relay, or was refused, tries again. Never earlier than the relay said.
 *
 *   told:      what the relay said + rand(0, base)      its turns are spread out already; more would waste the turn
 *   restart:   rand(0, min(cap, 1 s, base x 2^n))       not told, in the half minute after the relay left and named no other
 *   not told:  rand(0, min(cap, base x 2^n))            full jitter
 *   too often: rand(cap/2, cap)                         when tries again are above their budget, whatever is told
 *
 * A relay that named no other is started again at its address, in a second or in ten: with waits that double, who came a
 * moment too early would be away for about twice as long as the relay. The tries of a restart are bounded by themselves and cost the
 * budget nothing; what they meet is an address where nobody listens, or a relay that gives turns.
 *
 * ClientThrottle is not for this: it rejects most tries of a client that has a single thing to ask for, and would let its
 * turn pass.
 */
import { type BackoffBounds, fullJitterMs } from '../overload/backoff.ts';
import { RetryBudget } from '../overload/retry-budget.ts';

/** Tries again in 10 s: a relay that always says "in 1 ms" is not asked more often. Full jitter alone makes about six. */
const BUDGET = { perSec: 1, share: 0.2, windowMs: 10_000 };
/** For so long after the time that the relay told, the next process at its address is expected. */
const RESTART_MS = 30_000;
const RESTART_CAP_MS = 1_000;
/** The longest that a timer can wait; one that is set to more fires at once. */
const MAX_WAIT_MS = 0x7fff_ffff;

export class Comeback {
  readonly #bounds: BackoffBounds;
  readonly #random: () => number;
  readonly #budget = new RetryBudget(BUDGET);
  /** Waits so far that nobody told: the exponent of the next. */
  #waits = 0;
  #toldMs: number | null = null;
  #restartsUntil = Number.NEGATIVE_INFINITY;

  constructor(bounds: BackoffBounds, random: () => number) {
    this.#bounds = bounds;
    this.#random = random;
  }

  /** The relay said how long to stay away, for the next wait. */
  told(retryAfterMs: number): void {
    this.#toldMs = retryAfterMs;
  }

  /** The relay has left and named no other; when it told how long to stay away, it did so before. */
  restarts(now: number): void {
    this.#restartsUntil = now + (this.#toldMs ?? 0) + RESTART_MS;
  }

  /** A connection was made. */
  connected(now: number): void {
    this.#toldMs = null;
    this.#restartsUntil = Number.NEGATIVE_INFINITY;
    this.#budget.request(now);
  }

  /** The connection that was lost was a good one. */
  wasStable(): void {
    this.#waits = 0;
  }

  /** Milliseconds until the next try. */
  nextMs(now: number): number {
    if (this.#toldMs === null && now < this.#restartsUntil) return this.#restartMs();
    const { capMs } = this.#bounds;
    const toldMs = this.#toldMs ?? 0;
    const exponent = this.#toldMs === null ? this.#waits++ : 0;
    this.#toldMs = null;
    const jitterMs = this.#budget.mayRetry(now)
      ? fullJitterMs(exponent, this.#bounds, this.#random)
      : capMs / 2 + (this.#random() * capMs) / 2;
    return Math.min(MAX_WAIT_MS, toldMs + jitterMs);
  }

  #restartMs(): number {
    const { baseMs, capMs } = this.#bounds;
    const restart = { baseMs, capMs: Math.min(capMs, Math.max(baseMs, RESTART_CAP_MS)) };
    const waitMs = fullJitterMs(this.#waits, restart, this.#random);
    // At the cap the exponent stays: after the half minute the waits double from there.
    if (baseMs * 2 ** this.#waits < restart.capMs) this.#waits++;
    return waitMs;
  }
}
