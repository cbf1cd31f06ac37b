/**
 * What a client does when it has no relay: which one it asks, and when it asks again. One object per client. Waits are of
 * the clock and not scaled, but for those of the pace (bench/replay/pace.ts).
 *
 * jitter: as core/client/link.ts: first the relay that it was at, then others, with full jitter and the relay's own word.
 * naive: several relays at once, again after a fixed time, deaf to what a relay says.
 */
import { fullJitterMs } from '../../../core/overload/backoff.ts';
import type { Draws } from '../../load/scenarios/draws.ts';
import { paceOf } from '../pace.ts';
import {
  BACKOFF,
  EVENT_TRIES,
  FULL_RETRY_MS,
  LOGIN_TIMEOUT_MS,
  MOST_REDIRECTS,
  NAIVE,
} from '../sim/settings.ts';
import type { RelayBoard } from './relay-board.ts';

/** How a login ended, but well. */
export type Failure =
  /** Nobody there, no answer in time, or the connection broke. */
  { kind: 'broken' } | { kind: 'refused'; code: string; retryAfterMs: number | null };

export interface NextTry {
  waitMs: number;
  /** Whom to ask, nobody when the list names none; called once, when the time has come: by then more is known. */
  choose(): readonly number[];
}

export interface ClientPolicy {
  /** Most that an answer is waited for. */
  readonly answerMs: number;
  readonly eventTries: number;
  /** @param home where it was last; null: nowhere yet. */
  first(home: number | null): NextTry;
  /** All of the last try failed; the failures are in the order of its relays. None: nobody was asked. */
  again(failures: readonly Failure[]): NextTry;
}

export interface JitterOptions {
  timeScale: number;
  /** Relays hold no more than they can, so that the list counts their places. */
  counted: boolean;
  /** The client looks at the list. */
  looked(): void;
}

export class JitterPolicy implements ClientPolicy {
  readonly answerMs = LOGIN_TIMEOUT_MS;
  readonly eventTries = EVENT_TRIES.jitter;
  readonly #draws: Draws;
  readonly #board: RelayBoard;
  readonly #options: JitterOptions;
  readonly #moveSpreadMs: number;
  #tries = 0;
  #redirects = 0;
  #asked = 0;

  constructor(draws: Draws, board: RelayBoard, options: JitterOptions) {
    this.#draws = draws;
    this.#board = board;
    this.#options = options;
    this.#moveSpreadMs = paceOf(options.timeScale).moveSpreadMs;
  }

  first(home: number | null): NextTry {
    this.#tries = this.#redirects = 0;
    return this.#next(this.#jitterMs(0), home);
  }

  again([failure]: readonly Failure[]): NextTry {
    if (failure === undefined) return this.#waitForRoom(0);
    if (failure.kind === 'refused' && failure.code === 'relay-full') return this.#afterFull(failure);
    if (failure.kind === 'refused' && failure.retryAfterMs !== null) {
      // A turn at this relay, which it keeps for this peer.
      this.#tries = 0;
      return this.#next(failure.retryAfterMs + this.#jitterMs(0), this.#asked);
    }
    this.#tries++;
    const moves = this.#tries === 1;
    return this.#next(moves ? this.#draws.uniform() * this.#moveSpreadMs : this.#jitterMs(this.#tries), null);
  }

  #afterFull({ retryAfterMs }: { retryAfterMs: number | null }): NextTry {
    this.#tries = 0;
    if (this.#redirects < MOST_REDIRECTS && this.#board.mayRedirect(this.#asked, performance.now())) {
      this.#redirects++;
      return this.#next(this.#jitterMs(0), null);
    }
    return this.#waitForRoom(retryAfterMs ?? 0);
  }

  #waitForRoom(leastMs: number): NextTry {
    this.#redirects = 0;
    const { least, most } = FULL_RETRY_MS;
    const waitMs = (least + this.#draws.uniform() * (most - least)) / this.#options.timeScale;
    return this.#next(Math.max(waitMs, leastMs), null);
  }

  /** @param relay null: chosen from the list when the time has come. */
  #next(waitMs: number, relay: number | null): NextTry {
    const choose = (): number[] => {
      const asked = relay ?? this.#listed();
      if (asked === null) return [];
      this.#asked = asked;
      this.#board.asked(asked, performance.now());
      return [asked];
    };
    return { waitMs, choose };
  }

  #listed(): number | null {
    this.#options.looked();
    return this.#options.counted ? this.#board.place() : this.#board.byRoom();
  }

  #jitterMs(attempt: number): number {
    return fullJitterMs(attempt, BACKOFF, this.#draws.uniform);
  }
}

export class NaivePolicy implements ClientPolicy {
  readonly answerMs = NAIVE.answerMs;
  readonly eventTries = EVENT_TRIES.naive;
  readonly #draws: Draws;
  readonly #board: RelayBoard;

  constructor(draws: Draws, board: RelayBoard) {
    this.#draws = draws;
    this.#board = board;
  }

  first(): NextTry {
    return this.#next(0);
  }

  again(): NextTry {
    return this.#next(NAIVE.againMs);
  }

  #next(waitMs: number): NextTry {
    const choose = (): number[] => {
      const { herd, herds } = this.#board;
      if (!herds) return this.#byRoom();
      const start = this.#draws.below(herd.length);
      return herd.map((_, i) => herd[(start + i) % herd.length]!).slice(0, NAIVE.atOnce);
    };
    return { waitMs, choose };
  }

  /** Each once: a second login would take the place of the first. */
  #byRoom(): number[] {
    const relays = Array.from({ length: NAIVE.atOnce }, () => this.#board.byRoom());
    return [...new Set(relays)].filter((relay) => relay !== null);
  }
}
