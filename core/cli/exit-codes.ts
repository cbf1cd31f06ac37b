/** What the command's exit code tells a script, and which failure has which. */
import { type ErrorCode, SupernodeError } from '../protocol/errors.ts';

export const EXIT_OK = 0;
export const EXIT_FAILURE = 1;
export const EXIT_USAGE = 2;
/** The peer is not there, or does not take the channel or the message: nothing was transferred. */
export const EXIT_NO_PEER = 3;
/** Not everything was delivered: the channel was lost before, or a message was not taken in time. */
export const EXIT_LOST = 4;
/** A second Ctrl-C or SIGTERM, as shells report SIGINT. */
export const EXIT_INTERRUPTED = 130;

/** A command that failed: its message is the one sentence that the user gets. */
export class CommandError extends SupernodeError {
  readonly exitCode: number;
  constructor(exitCode: number, code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(code, message, options);
    this.name = 'CommandError';
    this.exitCode = exitCode;
  }
}

/** A flag or an argument that is not allowed. */
export class UsageError extends CommandError {
  constructor(message: string) {
    super(EXIT_USAGE, 'bad-option', message);
    this.name = 'UsageError';
  }
}

const BY_CODE: Partial<Record<ErrorCode, number>> = {
  'bad-option': EXIT_USAGE,
  'bad-peer-id': EXIT_USAGE,
  'bad-name': EXIT_USAGE,
  'not-found': EXIT_NO_PEER,
  refused: EXIT_NO_PEER,
};

export function exitCodeOf(error: unknown): number {
  if (error instanceof CommandError) return error.exitCode;
  return (error instanceof SupernodeError && BY_CODE[error.code]) || EXIT_FAILURE;
}

/** The error as one line: no stack, whatever was thrown. */
export function sentenceOf(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.replace(/\s*[\r\n]+\s*/g, ' ').trim();
}
