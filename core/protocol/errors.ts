/**
 * Every failure that supernode reports carries a stable `code`: a program may rely on it, the message is for people.
 */

/** Codes an `error` frame carries (docs/protocol.md §7). */
export const WIRE_ERROR_CODES = [
  'bad-frame',
  'bad-control',
  'unknown-op',
  'frame-too-large',
  'not-logged-in',
  'already-logged-in',
  'text-message',
  'bad-proof',
  'bad-ticket',
  'denied',
  'login-timeout',
  'busy',
  'relay-full',
  'replaced',
  'disconnected',
  'drained',
  'slow-reader',
  'overloaded',
  'too-many-channels',
  'credit-limit',
  'not-found',
  'no-directory',
  'directory-unavailable',
  'directory-full',
  'rate-limited',
  'too-many-requests',
  'too-many-watches',
  'bad-record',
  'stale-record',
  'bad-name',
  'name-taken',
  'bad-vault',
  'conflict',
  'list-full',
  'refused',
  'mailbox-full',
  'internal',
  'tenant-full',
  'version-refused',
] as const;
export type WireErrorCode = (typeof WIRE_ERROR_CODES)[number];

/** Codes of sessions that ended because their peer broke the protocol: its client's own fault. */
export const BREACHES: ReadonlySet<WireErrorCode> = new Set<WireErrorCode>([
  'bad-frame',
  'bad-control',
  'unknown-op',
  'frame-too-large',
  'text-message',
  'already-logged-in',
  'credit-limit',
]);

/** Why a channel ended (docs/protocol.md §6.5). */
export const CLOSE_REASONS = [
  'closed',
  'rejected',
  'not-found',
  'peer-gone',
  'replaced',
  'drained',
  'overrun',
  'timeout',
  'busy',
  'connection-lost',
] as const;
export type CloseReason = (typeof CLOSE_REASONS)[number];

/** Whose limit makes the relay drop frames of a realtime channel (docs/protocol.md §6.6). */
export const CONGESTION_CAUSES = ['receiver', 'relay', 'budget'] as const;
export type CongestionCause = (typeof CONGESTION_CAUSES)[number];

export type ErrorCode =
  | WireErrorCode
  | 'bad-option'
  | 'bad-key-file'
  | 'bad-peer-id'
  | 'key-file-exists'
  | 'address-in-use'
  | 'listen-failed'
  | 'relay-closed'
  | 'relay-unreachable'
  | 'bad-relay'
  | 'connection-lost'
  | 'peer-closed'
  | 'not-open'
  | 'buffer-full'
  | 'channel-closed'
  | 'status-refused'
  | 'directory-in-use'
  | 'directory-corrupt'
  | 'directory-version'
  | 'io';

/** Base of every error that supernode throws. `code` is stable; `message` is one sentence for people. */
export class SupernodeError extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'SupernodeError';
    this.code = code;
  }
}

/** A frame that breaks the protocol; the connection that sent it ends with `code`. */
export class ProtocolError extends SupernodeError {
  constructor(code: WireErrorCode, message: string) {
    super(code, message);
    this.name = 'ProtocolError';
  }
}

/** An option, flag or file with a value that is not allowed. */
export class OptionError extends SupernodeError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('bad-option', message, options);
    this.name = 'OptionError';
  }
}

/** A channel that could not be opened, or ended while it was needed. `reason` says why. */
export class ChannelError extends SupernodeError {
  readonly reason: CloseReason;
  constructor(reason: CloseReason, message: string) {
    super('channel-closed', message);
    this.name = 'ChannelError';
    this.reason = reason;
  }
}
