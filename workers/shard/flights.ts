/**
 * Asks receivers how far they have read, by WebSocket pings, and takes what is under way to them from the answers; flight.ts has
 * the rule for one. Owned by the shard's outboxes, which send nothing that a flight has no room for. PACKET PATH: `sent`.
 *
 * A ping that the socket drops is taken back: nothing would answer it, and a flight that waits for it would stay full. One is
 * sent again with the next data, or when the socket has drained (outbox.ts).
 */
import { MAX_SEND_BYTES } from '../../core/protocol/limits.ts';
import { SEND_DROPPED } from '../../core/transport/uws.ts';
import { Flight } from './flight.ts';
import { ENDED, NO_MARK, type Session } from './session.ts';

export class Flights {
  /** How late this thread was lately, milliseconds: so much of a pong's delay is not its receiver's. */
  lagMs = 0;
  readonly #payload = new Uint8Array(4);
  readonly #view = new DataView(this.#payload.buffer);

  /** So much was given to the session's socket. @returns false when no more may be, until an answer comes. */
  sent(session: Session, bytes: number): boolean {
    session.flightBytes += bytes;
    if (session.flightBytes < session.flightMark) return true;
    if (session.flightMark === NO_MARK) {
      session.flightBytes = 0;
      return true;
    }
    this.tell(session, performance.now());
    return session.flight!.roomBytes > 0;
  }

  /** What was sent since the last ping counts, and is asked for. */
  tell(session: Session, now: number): void {
    if (session.flightBytes === 0) return;
    session.flight ??= new Flight(now);
    session.flight.sent(session.flightBytes);
    session.flightBytes = 0;
    this.ask(session, session.flight, now);
    limit(session, session.flight);
  }

  ask(session: Session, flight: Flight, now: number): void {
    const seq = flight.ping(now);
    if (seq === 0) return;
    this.#view.setUint32(0, seq);
    if (session.socket.ping(this.#payload) === SEND_DROPPED) flight.takeBack(seq);
  }

  /** A pong has come. @returns false when it says nothing: no ping of ours, or nobody to send to any more. */
  answered(session: Session, payload: ArrayBuffer): boolean {
    const { flight } = session;
    if (flight === null || session.state === ENDED || payload.byteLength !== 4) return false;
    flight.pong(new DataView(payload).getUint32(0), performance.now(), this.lagMs);
    limit(session, flight);
    return true;
  }
}

function limit(session: Session, flight: Flight): void {
  session.flightMark = Math.ceil(flight.markBytes);
  session.mostSendBytes = Math.min(MAX_SEND_BYTES, Math.floor(flight.windowBytes));
}
