/** What a peer's control frames ask, and who does it (docs/protocol.md §3). */
import { type Control, decodeControl, encodeControl } from '../../core/protocol/control.ts';
import { ProtocolError } from '../../core/protocol/errors.ts';
import * as op from '../../core/protocol/ops.ts';
import type { Channels } from './channels.ts';
import type { Directory } from './directory.ts';
import type { Logins } from './logins.ts';
import type { Outboxes } from './outbox.ts';
import { LIVE, type Session } from './session.ts';

const SIGNAL = 0;

export interface ControlFramesHost {
  readonly outboxes: Outboxes;
  readonly logins: Logins;
  readonly channels: Channels;
  readonly directory: Directory;
}

export class ControlFrames {
  readonly #host: ControlFramesHost;

  constructor(host: ControlFramesHost) {
    this.#host = host;
  }

  /** The frame in [start, end), bounded and not decoded. @throws ProtocolError */
  read(session: Session, bytes: Uint8Array, start: number, end: number): void {
    const frame = decodeControl(bytes, start, end);
    if (frame.op === op.OP_PING) this.#pong(session, frame.requestId);
    else if (session.state === LIVE) this.#ask(session, frame);
    else this.#logIn(session, frame);
  }

  #logIn(session: Session, frame: Control): void {
    const { logins } = this.#host;
    switch (frame.op) {
      case op.OP_LOGIN:
        logins.login(session, frame.body);
        return;
      case op.OP_RESUME:
        logins.resume(session, frame.requestId, frame.body);
        return;
      default:
        throw new ProtocolError('not-logged-in', `Op 0x${frame.op.toString(16)} needs a login first.`);
    }
  }

  #ask(session: Session, frame: Control): void {
    const { channels, directory } = this.#host;
    switch (frame.op) {
      case op.OP_OPEN:
        if (frame.requestId === 0) throw new ProtocolError('bad-control', 'An open needs a requestId.');
        channels.open(session, frame.requestId, frame.body);
        return;
      case op.OP_ACCEPT:
        channels.accept(session, frame.body);
        return;
      case op.OP_REJECT:
        channels.reject(session, frame.body);
        return;
      case op.OP_CREDIT:
        channels.credit(session, frame.body);
        return;
      case op.OP_CLOSE:
        channels.close(session, frame.requestId, frame.body);
        return;
      case op.OP_PONG:
        return;
      case op.OP_LOGIN:
      case op.OP_RESUME:
        throw new ProtocolError('already-logged-in', 'A session logs in once.');
      default:
        directory.request(session, frame);
    }
  }

  #pong(session: Session, requestId: number): void {
    this.#host.outboxes.appendControl(session, encodeControl(op.OP_PONG, requestId, {}), SIGNAL);
  }
}
