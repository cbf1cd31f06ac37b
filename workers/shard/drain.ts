/**
 * Leaving in good order: each peer is told when the relay will close its socket (`moving`), evenly over the spread, so
 * that the relays that take them over do not see them all at once. Peers with channels keep them for the grace.
 */
import { encodeControl } from '../../core/protocol/control.ts';
import type { WireErrorCode } from '../../core/protocol/errors.ts';
import * as op from '../../core/protocol/ops.ts';
import type { Outboxes } from './outbox.ts';
import { LIVE, type Session, type SessionTable } from './session.ts';

const SIGNAL = 0;
const TICK_MS = 20;

export interface DrainHost {
  readonly sessions: SessionTable;
  readonly outboxes: Outboxes;
  refuse(session: Session, code: WireErrorCode, message: string, retryAfterMs?: number): void;
}

export class Drain {
  readonly #host: DrainHost;
  #leaving: { session: Session; at: number }[] = [];
  #retryAfterMs = 0;
  #draining = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(host: DrainHost) {
    this.#host = host;
  }

  begin(graceMs: number, spreadMs: number, retryAfterMs: number): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#retryAfterMs = retryAfterMs;
    const sessions = [...this.#host.sessions.all()];
    const step = sessions.length > 1 ? spreadMs / (sessions.length - 1) : 0;
    const now = performance.now();
    this.#leaving = sessions.map((session, order) => {
      const inMs = Math.round(order * step + (session.channels > 0 ? graceMs : 0));
      if (session.state === LIVE) {
        const moving = { leaveInMs: inMs, retryAfterMs };
        this.#host.outboxes.appendControl(session, encodeControl(op.OP_MOVING, 0, moving), SIGNAL);
      }
      return { session, at: now + inMs };
    });
    this.#timer = setInterval(() => this.#tick(performance.now()), TICK_MS);
  }

  /** A login that was under way when the drain began. */
  arrived(session: Session): void {
    if (this.#draining) this.#leaving.push({ session, at: 0 });
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(now: number): void {
    this.#leaving = this.#leaving.filter(({ session, at }) => {
      if (at > now) return true;
      this.#host.refuse(session, 'drained', 'This relay is closing; come back later.', this.#retryAfterMs);
      return false;
    });
  }
}
