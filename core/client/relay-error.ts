/** What a relay's `error` frame becomes, and after which errors a client stays away. */
import { type CloseReason, type ErrorCode, SupernodeError, WIRE_ERROR_CODES } from '../protocol/errors.ts';

/** The relay refused, or ended the connection. `code` is the relay's code. */
export class RelayError extends SupernodeError {
  /** How long the relay asks the client to stay away, in milliseconds; undefined when it did not say. */
  readonly retryAfterMs: number | undefined;
  /** With `drained`: URLs of relays to go to instead, best first; empty when it named none. */
  readonly successors: readonly string[];
  constructor(
    code: ErrorCode,
    message: string,
    options?: {
      retryAfterMs?: number | undefined;
      successors?: readonly string[] | undefined;
      cause?: unknown;
    },
  ) {
    super(code, message, options);
    this.name = 'RelayError';
    this.retryAfterMs = options?.retryAfterMs;
    this.successors = options?.successors ?? [];
  }
}

export function relayErrorOf(body: {
  code: string;
  message: string;
  retryAfterMs?: number | undefined;
  successors?: readonly string[] | undefined;
}): RelayError {
  const known = (WIRE_ERROR_CODES as readonly string[]).includes(body.code);
  // A later relay may have codes of its own: `internal` is the one that promises nothing.
  const message = known ? body.message : `${body.message} (${body.code})`;
  return new RelayError(known ? (body.code as ErrorCode) : 'internal', message, {
    retryAfterMs: body.retryAfterMs,
    successors: body.successors,
  });
}

const PASSING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'connection-lost',
  'relay-unreachable',
  'drained',
  'slow-reader',
  'overloaded',
  'internal',
  'busy',
  'relay-full',
  'tenant-full',
  'login-timeout',
]);

/**
 * Whether a client that lost its relay with this error may come back by itself. After `replaced`, `disconnected`,
 * `denied` and every fault of the protocol it would only repeat what ended it.
 */
export function mayComeBack(error: unknown): boolean {
  return error instanceof SupernodeError && PASSING.has(error.code);
}

/** Why the channels of a connection ended that was lost with this error; undefined: it was closed at this end. */
export function lostReason(error: SupernodeError | undefined): CloseReason {
  if (error === undefined) return 'closed';
  return error.code === 'replaced' || error.code === 'drained' ? error.code : 'connection-lost';
}
