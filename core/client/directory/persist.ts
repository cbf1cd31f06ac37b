/** What the client must ask again by itself after it came back (watches, the inbox), however busy the relay is then. */

import { fullJitterMs } from '../../overload/backoff.ts';
import { type ErrorCode, SupernodeError } from '../../protocol/errors.ts';
import { unrefTimer } from '../platform.ts';
import { RelayError } from '../relay-error.ts';

/** Refusals that pass. */
const PASSING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'busy',
  'rate-limited',
  'too-many-requests',
  'directory-unavailable',
  'internal',
]);
/** Ends of a session: the next one asks again. */
const SESSION_OVER: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'connection-lost',
  'not-open',
  'peer-closed',
]);

const RETRY = { baseMs: 1000, capMs: 30_000 };

/**
 * Runs `attempt` until it succeeds, waiting longer and longer while the relay refuses for a reason that passes.
 * @returns whether it succeeded; false when the session is over.
 * @throws what else `attempt` throws.
 */
export async function persist(attempt: () => Promise<void>, isOver: () => boolean): Promise<boolean> {
  for (let tries = 0; !isOver(); tries++) {
    try {
      await attempt();
      return true;
    } catch (error) {
      if (!(error instanceof SupernodeError) || !PASSING.has(error.code)) {
        if (isSessionOver(error)) return false;
        throw error;
      }
      const askedMs = error instanceof RelayError ? (error.retryAfterMs ?? 0) : 0;
      await sleep(askedMs + fullJitterMs(tries, RETRY, Math.random));
    }
  }
  return false;
}

/** Whether a request failed because its session ended, or there was none. */
export function isSessionOver(error: unknown): boolean {
  return error instanceof SupernodeError && SESSION_OVER.has(error.code);
}

/** The timer does not keep a process alive: the connection of the peer that waits does. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => unrefTimer(setTimeout(resolve, Math.min(ms, 0x7fff_ffff))));
}
