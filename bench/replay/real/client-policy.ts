/**
 * What a client does when it has no relay: which one it asks, and when it asks again. One object per client. Waits are
 * those of the client and of the relay, in milliseconds of the clock: they are not scaled (bench/replay/plan.ts).
 *
 * jitter: as core/client/link.ts: first the relay that it was at, then others, with full jitter and the relay's own word.
 * naive: several relays at once, again after a fixed time, deaf to what a relay says.
 */
import { fullJitterMs } from '../../../core/overload/backoff.ts';
import type { Draws } from '../../load/scenarios/draws.ts';
import {
  BACKOFF,
  FULL_RETRY_MS,
  LOGIN_TIMEOUT_MS,
  MOST_REDIRECTS,
  MOVE_SPREAD_MS,
  NAIVE,
} from '../sim/settings.ts';
import type { RelayBoard } from './relay-board.ts';

/** How a login ended, but well. */
export type Failure =
  /** Nobody there, no answer in time, or the connection broke. */
  { kind: 'broken' } | { kind: 'refused'; code: string; retryAfterMs: number | null };

export interface NextTry {
  waitMs: number;
  /** Whom to ask; called once, when the time has come: by then more is known. */
  choose(): readonly number[];
}

export interface ClientPolicy {
  /** Most that an answer is waited for. */
  readonly answerMs: number;
  /** @param home where it was last; null: nowhere yet. */
  first(home: number | null): NextTry;
  /** The relay that it was at has ended. */
  moved(): NextTry;
  /** All of the last try failed; the failures are in the order of its relays. */
  again(failures: readonly Failure[]): NextTry;
}

/** A peer whose relay is gone goes to another within so long: 5 s of the clock would be 10 minutes at a scale of 120. */
const MOVE_MS = MOVE_SPREAD_MS / 5;

export class JitterPolicy implements ClientPolicy {
  readonly answerMs = LOGIN_TIMEOUT_MS;
  readonly #draws: Draws;
  readonly #board: RelayBoard;
  readonly #timeScale: number;
  #tries = 0;
  #redirects = 0;
  #asked = 0;

  constructor(draws: Draws, board: RelayBoard, timeScale: number) {
    this.#draws = draws;
    this.#board = board;
    this.#timeScale = timeScale;
  }

  first(home: number | null): NextTry {
    this.#tries = this.#redirects = 0;
    return this.#next(this.#jitterMs(0), home);
  }

  moved(): NextTry {
    this.#tries = this.#redirects = 0;
    return this.#next(this.#draws.uniform() * MOVE_MS, null);
  }

  again([failure]: readonly Failure[]): NextTry {
    if (failure?.kind === 'refused' && failure.code === 'relay-full') return this.#afterFull(failure);
    if (failure?.kind === 'refused' && failure.retryAfterMs !== null) {
      // A turn at this relay, which it keeps for this peer.
      this.#tries = 0;
      return this.#next(failure.retryAfterMs + this.#jitterMs(0), this.#asked);
    }
    this.#tries++;
    return this.#next(this.#jitterMs(this.#tries), null);
  }

  #afterFull({ retryAfterMs }: { retryAfterMs: number | null }): NextTry {
    const now = performance.now();
    this.#tries = 0;
    if (this.#redirects < MOST_REDIRECTS && this.#board.mayRedirect(this.#asked, now)) {
      this.#redirects++;
      return this.#next(this.#jitterMs(0), null);
    }
    this.#redirects = 0;
    const { least, most } = FULL_RETRY_MS;
    const waitMs = (least + this.#draws.uniform() * (most - least)) / this.#timeScale;
    return this.#next(Math.max(waitMs, retryAfterMs ?? 0), null);
  }

  /** @param relay null: chosen when the time has come. */
  #next(waitMs: number, relay: number | null): NextTry {
    const choose = (): number[] => {
      this.#asked = relay ?? this.#board.ofTwo(this.#draws);
      this.#board.asked(this.#asked, performance.now());
      return [this.#asked];
    };
    return { waitMs, choose };
  }

  #jitterMs(attempt: number): number {
    return fullJitterMs(attempt, BACKOFF, this.#draws.uniform);
  }
}

export class NaivePolicy implements ClientPolicy {
  readonly answerMs = NAIVE.answerMs;
  readonly #draws: Draws;
  readonly #board: RelayBoard;

  constructor(draws: Draws, board: RelayBoard) {
    this.#draws = draws;
    this.#board = board;
  }

  first(): NextTry {
    return this.#next(0);
  }

  moved(): NextTry {
    return this.#next(0);
  }

  again(): NextTry {
    return this.#next(NAIVE.againMs);
  }

  #next(waitMs: number): NextTry {
    const choose = (): number[] => {
      const { listed, herds } = this.#board;
      if (!herds) return [this.#board.ofTwo(this.#draws)];
      const start = this.#draws.below(listed.length);
      return listed.map((_, i) => listed[(start + i) % listed.length]!).slice(0, NAIVE.atOnce);
    };
    return { waitMs, choose };
  }
}
