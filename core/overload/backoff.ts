/** How long a client waits before it tries again what failed, when nobody told it how long. */

export interface BackoffBounds {
  /** Most that the first wait can take, in milliseconds. */
  baseMs: number;
  /** Most that any wait can take, in milliseconds. */
  capMs: number;
}

/**
 * Full jitter, rand(0, min(cap, base * 2^attempt)): it spreads the peers of a relay that restarted better than any
 * fixed fraction does (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
 * @param attempt 0 for the first wait.
 * @param random a number in [0, 1).
 */
export function fullJitterMs(attempt: number, bounds: BackoffBounds, random: () => number): number {
  return random() * Math.min(bounds.capMs, bounds.baseMs * 2 ** Math.min(attempt, 52));
}
