/**
 * How a reliable channel is slowed to a budget: the relay keeps back what its receiver grants, and hands it on to the sender
 * as the budget allows. Nothing is dropped, and nothing waits in the relay: what was not handed on is not sent.
 *
 *     receiver --credit--> ends.held of the sender's end --as the meter has room, every tick--> ends.credit, and the sender
 *
 * The bytes are paid for when the credit is handed on. A sender that does not use it at once may use it later, so no end
 * is given more than AHEAD_S of its rate ahead. Owned by the shard of the sender.
 */
import { C } from '../../core/threads/counters.ts';
import { type Ends, OPEN } from './ends.ts';
import type { SessionMeter } from './meters.ts';
import { LIVE, type Session } from './session.ts';

const CLASS_OF_OP = 0x07;
export const AHEAD_S = 0.25;
/** Room for two of the largest frames. */
export const LEAST_AHEAD_BYTES = 128 * 1024;
/** Less at a time would cost more frames than it is worth. */
const LEAST_BYTES = 2_048;

export interface HeldCreditHost {
  readonly ends: Ends;
  readonly counters: Float64Array;
  /** Tells the session that it may send so much more on its end. */
  passCredit(session: Session, end: number, bytes: number, initial: boolean): void;
}

export class HeldCredit {
  readonly #host: HeldCreditHost;
  /** Sessions that may get credit as soon as their meter has room. One that has enough ahead is not here: it comes back as it sends. */
  readonly #sessions = new Set<Session>();
  /** Set when there was not room for all that was due. */
  #short = false;
  #turn = 0;

  constructor(host: HeldCreditHost) {
    this.#host = host;
  }

  /** Sessions that wait for credit. */
  get size(): number {
    return this.#sessions.size;
  }

  /**
   * Credit that came for the session's end; the end's `credit` has what may be sent.
   * @param initial with which the channel opens; else it was given back for what the receiver has taken.
   * @returns how much of it the session may be told of now; the rest follows.
   */
  grant(session: Session, end: number, bytes: number, initial: boolean): number {
    const { ends } = this.#host;
    const { meter } = session;
    // Who has ended its stream sends no more, and waits for all credit: it is the proof of delivery.
    const free = meter === null || !meter.in.limited || ends.ended[end] === 1;
    if (meter === null || (free && ends.held[end] === 0)) {
      ends.credit[end]! += bytes;
      return bytes;
    }
    // An offer that is not accepted costs its callee nothing.
    const now = ends.state[end] === OPEN && ends.held[end] === 0 ? this.#give(meter, end, bytes, 1) : 0;
    this.#hold(session, end, bytes - now, initial);
    return now;
  }

  /** Hands on what the budget has room for by now. */
  refilled(): void {
    for (const session of this.#sessions) this.release(session);
  }

  /** PACKET PATH: an end with credit held has sent something. */
  wake(session: Session): void {
    this.#sessions.add(session);
  }

  /** Hands on what there is room for. */
  release(session: Session): void {
    const { ends, counters } = this.#host;
    const { meter } = session;
    if (meter === null) return;
    this.#short = false;
    const waiting: number[] = [];
    for (let next = session.firstEnd; next !== 0; next = ends.next[next - 1]!) {
      if (ends.held[next - 1]! > 0 && ends.state[next - 1] === OPEN) waiting.push(next - 1);
    }
    // Not always the same first: there may be room for one only.
    const first = waiting.length > 0 ? this.#turn++ % waiting.length : 0;
    for (let i = 0; i < waiting.length; i++) {
      const end = waiting[(first + i) % waiting.length]!;
      const bytes = this.#give(meter, end, ends.held[end]!, waiting.length - i);
      if (bytes === 0) continue;
      const initial = Math.min(bytes, ends.heldInitial[end]!);
      ends.heldInitial[end]! -= initial;
      ends.held[end]! -= bytes;
      counters[C.creditHeldBytes]! -= bytes;
      if (initial > 0) this.#host.passCredit(session, end, initial, true);
      if (bytes > initial && session.state === LIVE) {
        this.#host.passCredit(session, end, bytes - initial, false);
      }
      if (session.state !== LIVE) return;
    }
    if (this.#short) this.#sessions.add(session);
    else this.#sessions.delete(session);
  }

  forget(session: Session): void {
    this.#sessions.delete(session);
  }

  /** Takes room for up to `bytes` from the meter. `ends`: how many it has to do for. */
  #give(meter: SessionMeter, end: number, bytes: number, ends: number): number {
    const { op, credit, ended } = this.#host.ends;
    const sent = meter.in;
    if (ended[end] === 1) {
      credit[end]! += bytes;
      return bytes;
    }
    const ahead = Math.max(LEAST_AHEAD_BYTES, sent.bytesPerSec * AHEAD_S) - credit[end]!;
    const most = Math.min(bytes, Math.floor(Math.max(0, ahead)));
    if (most === 0) return 0;
    const room = sent.room(op[end]! & CLASS_OF_OP);
    const least = Math.min(most, LEAST_BYTES, Math.max(1, sent.bytesPerSec * 0.05));
    if (room < most) {
      sent.wanted = true;
      this.#short = true;
    }
    if (room < least) return 0;
    const given = Math.floor(Math.min(most, Math.max(least, room / ends)));
    sent.reserve(given);
    credit[end]! += given;
    return given;
  }

  #hold(session: Session, end: number, bytes: number, initial: boolean): void {
    if (bytes === 0) return;
    if (initial) this.#host.ends.heldInitial[end]! += bytes;
    this.#host.ends.held[end]! += bytes;
    this.#host.counters[C.creditHeldBytes]! += bytes;
    this.#sessions.add(session);
  }
}
