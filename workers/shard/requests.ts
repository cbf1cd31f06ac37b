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
import type { AnswerOf, AskName, AskOf, Asks } from './asks.ts';
import type { Outboxes } from './outbox.ts';
import type { Session } from './session.ts';

const SIGNAL = 0;

export class Requests {
  readonly asks: Asks;
  readonly #outboxes: Outboxes;
  readonly #counters: Float64Array;

  constructor(asks: Asks, outboxes: Outboxes, counters: Float64Array) {
    this.asks = asks;
    this.#outboxes = outboxes;
    this.#counters = counters;
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
        this.fail(session, requestId, code, message, retryAfterMs);
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

  fail(
    session: Session,
    requestId: number,
    code: WireErrorCode,
    message: string,
    retryAfterMs?: number,
  ): void {
    this.#counters[C.directoryRefused]!++;
    this.answer(session, op.OP_ERROR, requestId, { code, message, fatal: false, retryAfterMs });
  }
}

export function isFailure(answer: object): answer is Failure {
  return 'failed' in answer;
}
