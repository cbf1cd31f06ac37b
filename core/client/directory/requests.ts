/**
 * Requests to the relay's directory that wait for their answers (docs/protocol.md §12.1), for one session.
 *
 *   ask --fewer than 64 under way--> sent --answer, error--> settled
 *     '--else--> waits here, first come first served --^
 *
 * A request that was given up keeps its place until its answer comes: the relay counts it until then.
 */

import { Fifo } from '../../fifo.ts';
import { type Body, type Control, type ControlOp, encodeControl } from '../../protocol/control.ts';
import { ProtocolError, SupernodeError } from '../../protocol/errors.ts';
import { MAX_REQUESTS_PENDING } from '../../protocol/limits.ts';
import * as op from '../../protocol/ops.ts';

/** The op of each request's answer. */
const ANSWERS = {
  [op.OP_LOOKUP]: op.OP_FOUND,
  [op.OP_SEARCH]: op.OP_RESULTS,
  [op.OP_PUBLISH]: op.OP_STORED,
  [op.OP_WATCH]: op.OP_PRESENCE,
  [op.OP_VAULT_GET]: op.OP_VAULT,
  [op.OP_VAULT_PUT]: op.OP_STORED,
  [op.OP_POLICY_GET]: op.OP_POLICY,
  [op.OP_POLICY_SET]: op.OP_STORED,
  [op.OP_SEND]: op.OP_RECEIPT,
  [op.OP_INBOX]: op.OP_STORED,
} as const satisfies Partial<Record<ControlOp, ControlOp>>;
export type RequestOp = keyof typeof ANSWERS;
export type Answer<O extends RequestOp> = Body<(typeof ANSWERS)[O]>;

export interface AskOptions<O extends RequestOp> {
  signal?: AbortSignal | undefined;
  /** Called with the answer as it arrives, before frames that came after it. Must not throw. */
  answered?: ((answer: Answer<O>) => void) | undefined;
}

/** Requests that wait for their turn; beyond it `too-many-requests`: an application that asks this much must pace itself. */
export const MAX_REQUESTS_WAITING = 4096;

interface Pending {
  code: RequestOp;
  body: unknown;
  /** The caller has gone: nobody is told. */
  abandoned: boolean;
  resolve(answer: unknown): void;
  reject(error: unknown): void;
}

export interface RequestsSession {
  /** A request id that nothing of this session is using. */
  nextRequestId(): number;
  sendControl(frame: Uint8Array): void;
}

export class Requests {
  readonly #session: RequestsSession;
  readonly #sent = new Map<number, Pending>();
  readonly #waiting = new Fifo<Pending>();
  #ended: SupernodeError | undefined;

  constructor(session: RequestsSession) {
    this.#session = session;
  }

  has(requestId: number): boolean {
    return this.#sent.has(requestId);
  }

  /**
   * The relay's answer.
   * @throws (as rejections) RelayError with the relay's code; SupernodeError `too-many-requests`, `connection-lost` or
   *   `peer-closed`; the signal's reason.
   */
  ask<O extends RequestOp>(code: O, body: Body<O>, options: AskOptions<O> = {}): Promise<Answer<O>> {
    const { signal, answered } = options;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      if (this.#ended !== undefined) return reject(this.#ended);
      if (this.#waiting.length >= MAX_REQUESTS_WAITING) return reject(tooMany());
      const settled = (): void => signal?.removeEventListener('abort', abort);
      const pending: Pending = {
        code,
        body,
        abandoned: false,
        resolve: (answer) => {
          settled();
          answered?.(answer as Answer<O>);
          resolve(answer as Answer<O>);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      };
      const abort = (): void => {
        pending.abandoned = true;
        reject(signal!.reason);
      };
      signal?.addEventListener('abort', abort, { once: true });
      this.#waiting.push(pending);
      this.#sendWaiting();
    });
  }

  /** @throws ProtocolError when nothing asked for it. */
  answer(frame: Control): void {
    const pending = this.#sent.get(frame.requestId);
    // A fault ends the session, and with it the request, if there is one.
    if (pending === undefined || ANSWERS[pending.code] !== frame.op) {
      throw new ProtocolError(
        'bad-control',
        `Op 0x${frame.op.toString(16)} answers request ${frame.requestId}, which did not ask for it.`,
      );
    }
    this.#sent.delete(frame.requestId);
    if (!pending.abandoned) pending.resolve(frame.body);
    this.#sendWaiting();
  }

  /** False when the request is none of these. */
  fail(requestId: number, error: SupernodeError): boolean {
    const pending = this.#sent.get(requestId);
    if (pending === undefined) return false;
    this.#sent.delete(requestId);
    if (!pending.abandoned) pending.reject(error);
    this.#sendWaiting();
    return true;
  }

  /** The session is over: every request fails with `error`, and every later one. */
  end(error: SupernodeError): void {
    this.#ended ??= error;
    const all = [...this.#sent.values()];
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) all.push(next);
    this.#sent.clear();
    for (const pending of all) if (!pending.abandoned) pending.reject(this.#ended);
  }

  #sendWaiting(): void {
    while (this.#sent.size < MAX_REQUESTS_PENDING) {
      const pending = this.#waiting.shift();
      if (pending === undefined) return;
      if (pending.abandoned) continue;
      const requestId = this.#session.nextRequestId();
      this.#sent.set(requestId, pending);
      this.#session.sendControl(encodeControl(pending.code, requestId, pending.body as Body<RequestOp>));
    }
  }
}

function tooMany(): SupernodeError {
  return new SupernodeError(
    'too-many-requests',
    `${MAX_REQUESTS_WAITING} requests wait for the relay; await some before asking more.`,
  );
}
