/**
 * Work of logins, in slices of at most SLICE_MS in a turn of the event loop: however many log in at once, the packets of
 * calls wait no longer than one slice for their turn. In this order:
 *
 *   verdicts   first in, first out: what is left of a login that was paid for
 *   resumes    CoDel (core/overload/codel-queue.ts)
 *   others     CoDel: newest first when overloaded
 *
 * What comes when nothing waits may be done where it comes, a slice of it a turn: who must be told that he is in is told with
 * what is being written then.
 *
 * What waited too long is shed: its peer is told to come back when the shard will have done what is before it, spread over
 * the rate at which it does them. To tell it is work too, so it has its part of the slices: every other step, while there is
 * any. What is in here is bounded by the sessions that are logging in, and in time by CoDel.
 */
import { Fifo } from '../../core/fifo.ts';
import { LOGIN_INTERVAL_MS, LOGIN_TARGET_MS } from '../../core/overload/admission.ts';
import { Capacity } from '../../core/overload/capacity.ts';
import { CodelQueue } from '../../core/overload/codel-queue.ts';

/** A call's packet comes every 20 ms; this much later nobody hears. */
const SLICE_MS = 0.5;
/** No more than the sockets that may be logging in, and their bundles (options, logins.ts). */
const MOST = 4 * 1_000_000;
/** As the queue of proofs of the main thread (core/relay/login-desk.ts): to come back costs more than to wait a little. */
const CODEL = { targetMs: LOGIN_TARGET_MS, intervalMs: LOGIN_INTERVAL_MS, most: MOST };
/** Of a shard that has done none yet. */
const INITIAL_PER_SEC = 5_000;
const SPACING = 1.05;
const JITTER_MS = 20;

export type Lane = 'verdict' | 'resume' | 'other';

export class LoginSlices<T> {
  readonly #work: (item: T) => void;
  readonly #shed: (item: T, retryAfterMs: number) => void;
  readonly #verdicts = new Fifo<T>();
  readonly #refusals = new Fifo<{ item: T; retryAfterMs: number }>();
  readonly #resumes = new CodelQueue<T>(CODEL);
  readonly #others = new CodelQueue<T>(CODEL);
  readonly #capacity = new Capacity({ initialPerSec: INITIAL_PER_SEC });
  #lastTurn = 0;
  #now = 0;
  #done = 0;
  #refusesNext = false;
  /** What was done where it came, in this turn, milliseconds. */
  #doneAtOnceMs = 0;
  #due = false;

  /**
   * @param work what it throws costs that item, not those after it.
   * @param shed the same of what waited too long.
   */
  constructor(work: (item: T) => void, shed: (item: T, retryAfterMs: number) => void) {
    this.#work = work;
    this.#shed = shed;
  }

  get size(): number {
    return this.#verdicts.length + this.#refusals.length + this.#resumes.size + this.#others.size;
  }

  /** Steps per second, as measured. */
  get perSec(): number {
    return this.#capacity.perSec;
  }

  add(item: T, lane: Lane): void {
    if (lane === 'verdict') this.#verdicts.push(item);
    else (lane === 'resume' ? this.#resumes : this.#others).push(item, performance.now());
    this.#schedule();
  }

  /** At once, if nothing waits and less than a slice was done so in this turn. What the work throws comes to the caller then. */
  addOrDo(item: T, lane: Lane): void {
    if (this.size > 0 || this.#doneAtOnceMs >= SLICE_MS) {
      this.add(item, lane);
      return;
    }
    // For the end of the turn, which begins another one.
    this.#schedule();
    const startedAt = performance.now();
    this.#capacity.started(startedAt);
    try {
      this.#work(item);
    } finally {
      const now = performance.now();
      this.#doneAtOnceMs += now - startedAt;
      this.#capacity.served(1, now);
      this.#capacity.stopped(now);
    }
  }

  #schedule(): void {
    if (this.#due) return;
    this.#due = true;
    setImmediate(this.#slice);
  }

  readonly #slice = (): void => {
    this.#due = false;
    this.#doneAtOnceMs = 0;
    this.#now = performance.now();
    this.#capacity.started(this.#now);
    const until = this.#now + SLICE_MS;
    this.#done = 0;
    try {
      while (this.#step()) {
        this.#now = performance.now();
        if (this.#now >= until) break;
      }
    } finally {
      this.#capacity.served(this.#done, this.#now);
      if (this.size > 0) this.#schedule();
      else this.#capacity.stopped(this.#now);
    }
  };

  /** @returns false when there was nothing to do. */
  #step(): boolean {
    this.#refusesNext = !this.#refusesNext;
    if (this.#refusesNext && this.#refuse()) return true;
    const item = this.#take();
    if (item === undefined) return this.#refuse();
    this.#done++;
    this.#work(item);
    return true;
  }

  #refuse(): boolean {
    const refusal = this.#refusals.shift();
    if (refusal === undefined) return false;
    this.#shed(refusal.item, refusal.retryAfterMs);
    return true;
  }

  #take(): T | undefined {
    // Not `??` here: a verdict that is null is a fault, which must be seen.
    const verdict = this.#verdicts.shift();
    if (verdict !== undefined) return verdict;
    return this.#resumes.shift(this.#now, this.#dropped) ?? this.#others.shift(this.#now, this.#dropped);
  }

  /** Told one by one, each a login's room after the one before it (core/overload/admission.ts). */
  readonly #dropped = (item: T): void => {
    const loginMs = 1_000 / this.#capacity.perSec;
    const before = this.#now + Math.min(LOGIN_INTERVAL_MS, this.#others.size * loginMs);
    this.#lastTurn = Math.max(this.#lastTurn, before) + SPACING * loginMs;
    const retryAfterMs = Math.ceil(this.#lastTurn - this.#now + Math.random() * JITTER_MS);
    this.#refusals.push({ item, retryAfterMs });
  };
}
