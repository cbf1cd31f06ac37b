/** What the parts of the directory need of their peer: who it is, and a way to ask the relay whenever there is one. */
import type { Verify } from '../../directory/signed.ts';
import type { Identity } from '../../identity/identity.ts';
import { type Body, encodeControl } from '../../protocol/control.ts';
import { SupernodeError } from '../../protocol/errors.ts';
import type { OP_MAIL_ACK, OP_STATUS, OP_UNWATCH } from '../../protocol/ops.ts';
import type { Session } from '../session.ts';
import { isSessionOver } from './persist.ts';
import type { Answer, AskOptions, RequestOp } from './requests.ts';

/** The peer's link, as far as it matters here. */
export interface AccessLink {
  readonly state: 'open' | 'reconnecting' | 'closed';
  /** There while the state is `open`. */
  readonly session: Session | undefined;
}

/** Frames that have no answer. */
type TellOp = typeof OP_UNWATCH | typeof OP_STATUS | typeof OP_MAIL_ACK;

export class Access {
  readonly identity: Identity;
  readonly verify: Verify;
  readonly #link: AccessLink;
  #waiting: { resolve(): void; reject(error: SupernodeError): void }[] = [];

  constructor(identity: Identity, verify: Verify, link: AccessLink) {
    this.identity = identity;
    this.verify = verify;
    this.#link = link;
  }

  /** Whether the peer is logged in now. */
  get isOpen(): boolean {
    return this.#link.state === 'open' && this.#link.session !== undefined;
  }

  get isClosed(): boolean {
    return this.#link.state === 'closed';
  }

  /**
   * The relay's answer.
   * @throws (as rejections) RelayError with the relay's code; SupernodeError `not-open` while reconnecting,
   *   `peer-closed`, `connection-lost`, `too-many-requests`; the signal's reason.
   */
  async ask<O extends RequestOp>(code: O, body: Body<O>, options?: AskOptions<O>): Promise<Answer<O>> {
    options?.signal?.throwIfAborted();
    return this.requireSession().requests.ask(code, body, options);
  }

  /** @throws SupernodeError `not-open` while reconnecting, `peer-closed`. */
  requireSession(): Session {
    const { session, state } = this.#link;
    if (state === 'closed') throw peerClosed();
    if (session === undefined) {
      throw new SupernodeError('not-open', 'The peer is reconnecting; wait for its reconnected event.');
    }
    return session;
  }

  /** Sends a frame that has no answer, if there is a connection. */
  tell<O extends TellOp>(code: O, body: Body<O>): void {
    this.#link.session?.sendControl(encodeControl(code, 0, body));
  }

  /** Asks for a call of beforeFlush at the end of this turn. */
  flushSoon(): void {
    this.#link.session?.sink.flushSoon();
  }

  /** Resolves when the peer is logged in. @throws (as a rejection) SupernodeError `peer-closed`. */
  whenOpen(): Promise<void> {
    if (this.isOpen) return Promise.resolve();
    if (this.isClosed) return Promise.reject(peerClosed());
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /**
   * Runs `work` when the peer is logged in, and again when the session ends in the middle of it.
   * @throws (as rejections) SupernodeError `peer-closed`; what else `work` throws.
   */
  async persistently<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      await this.whenOpen();
      try {
        return await work();
      } catch (error) {
        if (!isSessionOver(error) || this.isClosed) throw error;
      }
    }
  }

  /** The peer is logged in again. */
  reconnected(): void {
    for (const { resolve } of this.#takeWaiting()) resolve();
  }

  closed(): void {
    for (const { reject } of this.#takeWaiting()) reject(peerClosed());
  }

  #takeWaiting() {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }
}

function peerClosed(): SupernodeError {
  return new SupernodeError('peer-closed', 'The peer is closed.');
}
