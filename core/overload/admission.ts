/**
 * Which logins are taken now, and when the others are to come back.
 *
 *   offer --> resumes  [first in, first out]  --.
 *         --> due      [whose turn it is]     ---+--> take, in this order, at most the rate allows
 *         --> newcomers [newest when overloaded]-'
 *         '-> refused: a turn, when many wait  waited too long --> refused: a turn
 *
 * A *turn* is a moment in virtual time, one login's room after the turn before it, and the first after the backlog:
 *
 *   turn = max(last turn, now + what is before it / capacity) + SPACING / capacity
 *
 * So those who were refused, and come back when they were told to, come as evenly as they can be served. Who comes in his
 * turn goes before newcomers and is not refused again; without that he would be refused as often as those who do not wait
 * (test/overload/admission.test.ts has both). Who comes early, or asks anew without waiting, has the turn that he had: asking
 * more often gains nothing and takes nobody's room.
 *
 * Turns are kept by who asked, in the order in which they are due (they only grow, so that is the order of insertion): one
 * is forgotten when it is used, or TURN_MS after it was due. At most `mostTurns`; who is refused beyond them is told to come
 * back after the last of them, and gets a turn then.
 */
import { Capacity } from './capacity.ts';
import { CodelQueue } from './codel-queue.ts';
import { TokenBucket } from './token-bucket.ts';

/** About 100 bytes each: 7 MiB. */
export const MOST_TURNS = 65_536;

export type LoginKind = 'resume' | 'full';

export interface AdmissionOptions {
  /** Logins taken per second. 'measured': as many as are asked for; turns then follow the rate at which they are done. */
  perSec: number | 'measured';
  /** With 'measured': what is supposed until something was measured. Default 1,000. */
  initialPerSec?: number;
  /** Most logins that wait or (with 'measured') are being worked on. Default 16,384. */
  mostPending?: number;
  /** Most turns that are remembered. Default MOST_TURNS. */
  mostTurns?: number;
  /** See CodelQueue. Defaults LOGIN_TARGET_MS and LOGIN_INTERVAL_MS. */
  targetMs?: number;
  intervalMs?: number;
  /** A number in [0, 1). */
  random: () => number;
}

export interface Refused<T> {
  item: T;
  retryAfterMs: number;
}

export interface Taken<T> {
  batch: T[];
  refused: Refused<T>[];
}

/** Names who asks: the same for all his attempts. */
export type Who = string | number;

interface Entry<T> {
  item: T;
  who: Who | undefined;
}

/**
 * CoDel of all queues of logins (codel-queue.ts): of a relay's main thread, of its shards, and of the replays (bench/replay). To
 * refuse a login costs a new connection, about what its signature costs, and who connects for the first time is told of it: so
 * a burst waits up to half a second, and only a load that stays is shed, newest first, after 50 ms.
 */
export const LOGIN_TARGET_MS = 50;
export const LOGIN_INTERVAL_MS = 500;

/**
 * A little more than one login's room per turn: who comes a moment late still finds room, and when many came late together, what
 * they make wait is worked off within seconds.
 */
const SPACING = 1.1;
/** A turn is good from this long before it is due (timers and clocks differ) until TURN_MS after. */
const EARLY_MS = 50;
const TURN_MS = 10_000;
const FORGET_EVERY_MS = 100;
/** So that two who were told the same millisecond do not come in the same. */
const JITTER_MS = 20;
/** Who came in his turn waits longer than others before he is refused: only when the capacity fell. */
const DUE_TARGET_MS = 2_000;
const DUE_INTERVAL_MS = 4_000;
/** With a rate: what may be taken at once after a pause, in milliseconds of the rate. */
const BURST_MS = 100;

export class Admission<T> {
  readonly #perSec: number | null;
  readonly #capacity: Capacity;
  readonly #bucket: TokenBucket | null;
  readonly #mostPending: number;
  readonly #mostTurns: number;
  readonly #random: () => number;
  readonly #targetMs: number;
  readonly #intervalMs: number;
  readonly #resumes: CodelQueue<Entry<T>>;
  readonly #due: CodelQueue<Entry<T>>;
  readonly #newcomers: CodelQueue<Entry<T>>;
  /** When whose turn is due; the one that is due first in front. */
  readonly #turns = new Map<Who, number>();
  #lastTurn = Number.NEGATIVE_INFINITY;
  #forgetAt = Number.NEGATIVE_INFINITY;
  /** With 'measured': taken and not done. */
  #working = 0;

  constructor(options: AdmissionOptions) {
    const { perSec, initialPerSec = 1_000, mostPending = 16_384, mostTurns = MOST_TURNS } = options;
    const { targetMs = LOGIN_TARGET_MS, intervalMs = LOGIN_INTERVAL_MS, random } = options;
    this.#perSec = perSec === 'measured' ? null : perSec;
    this.#capacity = new Capacity({ initialPerSec });
    const burst = Math.max(1, (this.#perSec ?? 1) * (BURST_MS / 1_000));
    this.#bucket = this.#perSec === null ? null : new TokenBucket(burst, this.#perSec, 0);
    this.#mostPending = mostPending;
    this.#mostTurns = mostTurns;
    this.#random = random;
    this.#targetMs = targetMs;
    this.#intervalMs = intervalMs;
    const most = mostPending;
    this.#resumes = new CodelQueue({ targetMs, intervalMs, most });
    this.#due = new CodelQueue({ targetMs: DUE_TARGET_MS, intervalMs: DUE_INTERVAL_MS, most });
    this.#newcomers = new CodelQueue({ targetMs, intervalMs, most });
  }

  /** Logins that wait. */
  get queued(): number {
    return this.#resumes.size + this.#due.size + this.#newcomers.size;
  }

  /** Logins that wait or are being worked on. */
  get pending(): number {
    return this.queued + this.#working;
  }

  /** Turns that were given and are not used. */
  get turns(): number {
    return this.#turns.size;
  }

  /** Logins per second: the configured rate, or the measured one. */
  get perSec(): number {
    return this.#perSec ?? this.#capacity.perSec;
  }

  get overloaded(): boolean {
    return this.#newcomers.overloaded || this.#due.overloaded || this.#resumes.overloaded;
  }

  /** After how long the last turn is due: how far behind the relay is. */
  backlogMs(now: number): number {
    return Math.max(this.#lastTurn - now, this.#aheadMs());
  }

  /** @returns null when it was queued, else when it is to come back. */
  offer(item: T, kind: LoginKind, now: number, who?: Who): { retryAfterMs: number } | null {
    this.#forget(now);
    if (this.pending >= this.#mostPending) return { retryAfterMs: this.#turn(who, now) };
    const entry = { item, who };
    const turn = who === undefined ? undefined : this.#turns.get(who);
    const isDue = turn !== undefined && turn - EARLY_MS <= now;
    if (isDue) this.#turns.delete(who!);
    if (kind === 'resume') this.#resumes.push(entry, now);
    else if (isDue) this.#due.push(entry, now);
    else if (this.#waitsTooLong(turn !== undefined)) return { retryAfterMs: this.#turn(who, now) };
    else this.#newcomers.push(entry, now);
    return null;
  }

  /**
   * Up to `most` logins whose turn it is, and those that waited too long. To be called while there are any, every few
   * milliseconds, also with a `most` of 0: else nobody hears that he is refused.
   */
  take(most: number, now: number): Taken<T> {
    const batch: T[] = [];
    const refused: Refused<T>[] = [];
    const drop = ({ item, who }: Entry<T>): void => {
      refused.push({ item, retryAfterMs: this.#turn(who, now) });
    };
    for (const queue of [this.#resumes, this.#due, this.#newcomers]) {
      queue.shed(now, drop);
      const room = this.#room(most - batch.length, now);
      for (let k = 0; k < room; k++) {
        const entry = queue.shift(now, drop);
        if (entry === undefined) break;
        batch.push(entry.item);
        if (entry.who !== undefined) this.#turns.delete(entry.who);
        this.#bucket?.spend(1, now);
      }
    }
    if (this.#perSec === null && batch.length > 0) {
      this.#working += batch.length;
      this.#capacity.started(now);
    }
    return { batch, refused };
  }

  /** With 'measured': so many of those that were taken are done, well or not. */
  done(n: number, now: number): void {
    if (this.#perSec !== null) return;
    this.#working = Math.max(0, this.#working - n);
    this.#capacity.served(n, now);
    if (this.#working === 0) this.#capacity.stopped(now);
  }

  /** After how many milliseconds the rate allows another login: 0 with 'measured'. */
  nextMs(now: number): number {
    if (this.#bucket === null) return 0;
    return Math.max(0, ((1 - this.#bucket.level(now)) * 1_000) / this.#bucket.perSec);
  }

  /**
   * Whether a newcomer would wait so long that he would be refused in the end: then he is told at once. Else all that came in
   * an interval would be refused in the same moment, and calls would wait until that is done. Who has a turn and comes
   * before it does not wait behind others.
   */
  #waitsTooLong(hasTurn: boolean): boolean {
    if (hasTurn && this.#newcomers.overloaded) return true;
    const before = this.#resumes.size + this.#due.size + this.#newcomers.size + this.#working;
    return (before * 1_000) / this.perSec > (hasTurn ? this.#targetMs : this.#intervalMs);
  }

  #room(most: number, now: number): number {
    if (this.#bucket === null) return most;
    // The same hair as in TokenBucket: who waited for nextMs is to find one.
    return Math.min(most, Math.floor(this.#bucket.level(now) + 1e-6));
  }

  /** @returns after how long the login is to come back. */
  #turn(who: Who | undefined, now: number): number {
    const given = who === undefined ? undefined : this.#turns.get(who);
    if (given !== undefined) return this.#waitMs(given, now);
    if (who !== undefined && this.#turns.size >= this.#mostTurns) {
      const behindMs = this.backlogMs(now);
      return Math.ceil(behindMs * (1 + this.#random()) + this.#random() * JITTER_MS);
    }
    const turn = Math.max(this.#lastTurn, now + this.#aheadMs()) + (SPACING * 1_000) / this.perSec;
    this.#lastTurn = turn;
    if (who !== undefined) this.#turns.set(who, turn);
    return this.#waitMs(turn, now);
  }

  /** How long those take that are served before anyone who is refused now. Newcomers do not wait longer than the interval. */
  #aheadMs(): number {
    const loginMs = 1_000 / this.perSec;
    const before = (this.#resumes.size + this.#due.size + this.#working) * loginMs;
    return before + Math.min(this.#newcomers.size * loginMs, this.#intervalMs);
  }

  /** Whole milliseconds, at least one: 0 would read as none. */
  #waitMs(turn: number, now: number): number {
    return Math.max(1, Math.ceil(turn - now + this.#random() * JITTER_MS));
  }

  /** Now and then: to find the first in a map of which the first were deleted takes as many steps. */
  #forget(now: number): void {
    if (now < this.#forgetAt) return;
    this.#forgetAt = now + FORGET_EVERY_MS;
    for (const [who, turn] of this.#turns) {
      if (turn + TURN_MS > now) return;
      this.#turns.delete(who);
    }
  }
}
