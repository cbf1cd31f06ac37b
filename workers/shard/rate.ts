/**
 * How often a peer may search and write: token buckets. They belong to the key and not to the session, so that who comes
 * back finds them as they were left; a key that did nothing for FORGET_MS has full ones, and is forgotten.
 */
import { TokenBucket } from '../../core/overload/token-bucket.ts';
import { SEARCH_BURST, SEARCHES_PER_SEC, WRITE_BURST, WRITES_PER_SEC } from '../../core/protocol/limits.ts';
import { keyText } from '../../core/threads/key-text.ts';
import type { Session } from './session.ts';

/** Longer than any of the buckets takes to fill: 10 s. */
const FORGET_MS = 60_000;
/** 16,384 x about 300 bytes = 5 MiB a shard. Beyond it the one that came first begins anew when it comes back. */
export const MAX_BUDGETS = 16_384;

export class Budget {
  readonly searches: TokenBucket;
  readonly writes: TokenBucket;
  usedAt: number;

  constructor(now: number) {
    this.searches = new TokenBucket(SEARCH_BURST, SEARCHES_PER_SEC, now);
    this.writes = new TokenBucket(WRITE_BURST, WRITES_PER_SEC, now);
    this.usedAt = now;
  }
}

export class Budgets {
  /** By key, the one that was made first in front. */
  readonly #budgets = new Map<string, Budget>();

  get size(): number {
    return this.#budgets.size;
  }

  /** @returns 0, or after how many milliseconds the session may search again. */
  search(session: Session, now: number): number {
    return this.#of(session, now).searches.take(now);
  }

  write(session: Session, now: number): number {
    return this.#of(session, now).writes.take(now);
  }

  /** Forgets who did nothing for long. */
  sweep(now: number): void {
    for (const [id, budget] of this.#budgets) {
      if (budget.usedAt + FORGET_MS <= now) this.#budgets.delete(id);
    }
  }

  #of(session: Session, now: number): Budget {
    const budget = session.budget ?? this.#byKey(session.key!, now);
    session.budget = budget;
    budget.usedAt = now;
    return budget;
  }

  #byKey(key: Uint8Array, now: number): Budget {
    const id = keyText(key);
    const known = this.#budgets.get(id);
    if (known !== undefined) return known;
    if (this.#budgets.size >= MAX_BUDGETS) {
      for (const oldest of this.#budgets.keys()) {
        this.#budgets.delete(oldest);
        break;
      }
    }
    const budget = new Budget(now);
    this.#budgets.set(id, budget);
    return budget;
  }
}
