/**
 * Sessions that have ended and whose sockets are still to be told why: said at the end of a turn, since no socket may
 * be written to from within a callback of another (see outbox.ts).
 */
import type { WireErrorCode } from '../../core/protocol/errors.ts';
import type { Session } from './session.ts';

/** WebSocket close codes (RFC 6455 §7.4.1). */
const CLOSE_GOING_AWAY = 1001;
const CLOSE_PROTOCOL_ERROR = 1002;
const CLOSE_POLICY = 1008;

interface Farewell {
  session: Session;
  code: WireErrorCode;
  /** What it was to be sent before, if anything, and the error frame. */
  messages: Uint8Array[];
}

export class Farewells {
  readonly #fault: (session: Session, error: unknown) => void;
  #due: Farewell[] = [];

  /** @param fault a farewell threw: costs that socket, not the ones after it. */
  constructor(fault: (session: Session, error: unknown) => void) {
    this.#fault = fault;
  }

  add(farewell: Farewell): void {
    this.#due.push(farewell);
  }

  /** Once per turn, after the flush. */
  say(): void {
    if (this.#due.length === 0) return;
    const due = this.#due;
    this.#due = [];
    for (const { session, code, messages } of due) {
      try {
        // What send returns changes nothing: the session is over, and a socket that takes no more is closed all the same.
        for (const message of messages) if (!session.socketGone) session.socket.send(message, true, false);
        if (!session.socketGone) session.socket.end(closeCodeOf(code), code);
      } catch (error) {
        this.#fault(session, error);
      }
    }
  }
}

function closeCodeOf(code: WireErrorCode): number {
  if (code === 'drained') return CLOSE_GOING_AWAY;
  return code === 'bad-frame' || code === 'unknown-op' ? CLOSE_PROTOCOL_ERROR : CLOSE_POLICY;
}
