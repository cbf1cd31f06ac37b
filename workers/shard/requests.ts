/**
 * Requests of the directory by peers: each has a requestId other than 0 and gets one answer, and a session has at most
 * MAX_REQUESTS_PENDING under way. A failure costs the request, never the session.
 */
import { type Body, type ControlOp, encodeControl } from '../../core/protocol/control.ts';
import type { WireErrorCode } from '../../core/protocol/errors.ts';
import { MAX_REQUESTS_PENDING } from '../../core/protocol/limits.ts';
import * as op from '../../core/protocol/ops.ts';
import { C } from '../../core/threads/counters.ts';
import type { Failure } from '../../core/threads/directory-messages.ts';
import type { WhyReason } from '../../core/threads/why-reasons.ts';
import type { AnswerOf, AskName, AskOf, Asks } from './asks.ts';
import type { Outboxes } from './outbox.ts';
import type { Session } from './session.ts';
import type { WhyLedger } from './why.ts';

const SIGNAL = 0;

/** What a limit refused; other codes tell a peer what is wrong with its request. `rate-limited` is noted where it is decided. */
const WHY_REFUSED: Partial<Record<WireErrorCode, WhyReason>> = {
  busy: 'directory-busy',
  'directory-full': 'directory-full',
  'directory-unavailable': 'directory-unavailable',
  'too-many-requests': 'requests-pending',
  'too-many-watches': 'watches',
  'list-full': 'list-full',
  'mailbox-full': 'mailbox-full',
  refused: 'mail-refused',
};

export class Requests {
  readonly asks: Asks;
  readonly #outboxes: Outboxes;
  readonly #counters: Float64Array;
  readonly #why: WhyLedger;

  constructor(asks: Asks, outboxes: Outboxes, counters: Float64Array, why: WhyLedger) {
    this.asks = asks;
    this.#outboxes = outboxes;
    this.#counters = counters;
    this.#why = why;
  }

  /** Asks the directory pool for a peer. `then` gets what is no failure. */
  ask<T extends AskName>(
    session: Session,
    requestId: number,
    ask: AskOf<T>,
    then: (answer: Exclude<AnswerOf<T>, Failure>) => void,
    failed?: () => void,
  ): void {
    if (session.requestsPending >= MAX_REQUESTS_PENDING) {
      const message = `A session may have ${MAX_REQUESTS_PENDING} requests of the directory under way.`;
      failed?.();
      this.fail(session, requestId, 'too-many-requests', message);
      return;
    }
    session.requestsPending++;
    this.asks.ask<T>(session, ask, (answer) => {
      session.requestsPending--;
      if (isFailure(answer)) {
        failed?.();
        const { code, message, retryAfterMs } = answer.failed;
        this.fail(
          session,
          requestId,
          code,
          message,
          retryAfterMs,
          'to' in ask ? (ask.to as Uint8Array) : null,
        );
      } else then(answer as Exclude<AnswerOf<T>, Failure>);
    });
  }

  answer<O extends ControlOp>(
    session: Session,
    code: O,
    requestId: number,
    body: Body<O>,
    priority = SIGNAL,
  ): void {
    this.#outboxes.appendControl(session, encodeControl(code, requestId, body), priority);
  }

  /** @param other whom the request was about, if it was one. */
  fail(
    session: Session,
    requestId: number,
    code: WireErrorCode,
    message: string,
    retryAfterMs?: number,
    other: Uint8Array | null = null,
  ): void {
    this.#counters[C.directoryRefused]!++;
    const why = WHY_REFUSED[code];
    if (why !== undefined) this.#why.note(session.key!, other, why);
    this.answer(session, op.OP_ERROR, requestId, { code, message, fatal: false, retryAfterMs });
  }
}

export function isFailure(answer: object): answer is Failure {
  return 'failed' in answer;
}
