/**
 * Sessions that have ended and whose sockets are still to be told why: said at the end of a turn, since no socket may
 * be written to from within a callback of another (see outbox.ts). Each costs two sends and a shutdown, about 50 us: when
 * many logins are refused, no turn has more of them than SLICE_MS, so that the packets of calls wait no longer.
 */
import { Fifo } from '../../core/fifo.ts';
import type { WireErrorCode } from '../../core/protocol/errors.ts';
import type { Session } from './session.ts';

/** As long as a slice of logins (login-slices.ts). */
const SLICE_MS = 0.5;
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
  readonly #due = new Fifo<Farewell>();

  /** @param fault a farewell threw: costs that socket, not the ones after it. */
  constructor(fault: (session: Session, error: unknown) => void) {
    this.#fault = fault;
  }

  add(farewell: Farewell): void {
    this.#due.push(farewell);
  }

  /** Once per turn, after the flush. @returns whether some are left for the next turn. */
  say(): boolean {
    if (this.#due.length === 0) return false;
    const until = performance.now() + SLICE_MS;
    do this.#sayOne(this.#due.shift()!);
    while (this.#due.length > 0 && performance.now() < until);
    return this.#due.length > 0;
  }

  /** Before the thread ends. */
  sayAll(): void {
    while (this.#due.length > 0) this.#sayOne(this.#due.shift()!);
  }

  #sayOne({ session, code, messages }: Farewell): void {
    try {
      // What send returns changes nothing: the session is over, and a socket that takes no more is closed all the same.
      for (const message of messages) if (!session.socketGone) session.socket.send(message, true, false);
      if (!session.socketGone) session.socket.end(closeCodeOf(code), code);
    } catch (error) {
      this.#fault(session, error);
    }
  }
}

function closeCodeOf(code: WireErrorCode): number {
  if (code === 'drained') return CLOSE_GOING_AWAY;
  return code === 'bad-frame' || code === 'unknown-op' ? CLOSE_PROTOCOL_ERROR : CLOSE_POLICY;
}
