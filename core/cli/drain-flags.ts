/** The flags of a drain: of `supernode drain`, and what SIGTERM does to `supernode start`. */

import { MAX_SUCCESSORS } from '../protocol/limits.ts';
import type { DrainOptions } from '../relay/drain-options.ts';
import { successorFault } from '../relay/successor.ts';
import { UsageError } from './exit-codes.ts';
import { type FlagValues, list, wholeNumber } from './flags.ts';

const LONGEST_SECONDS = 3_600;

/** @param prefix of the flags for seconds: `drain-` or none. @throws UsageError */
export function drainOptions(values: FlagValues, prefix: '' | 'drain-'): DrainOptions {
  const grace = wholeNumber(values, `${prefix}grace`, 0, LONGEST_SECONDS);
  const spread = wholeNumber(values, `${prefix}spread`, 0, LONGEST_SECONDS);
  const successors = list(values, 'successor');
  checkSuccessors(successors);
  return {
    ...(grace === undefined ? {} : { graceMs: grace * 1_000 }),
    ...(spread === undefined ? {} : { spreadMs: spread * 1_000 }),
    ...(successors === undefined ? {} : { successors }),
  };
}

/** @param relay whose successors they are, once it is known. @throws UsageError */
export function checkSuccessors(successors: string[] = [], relay?: string): void {
  if (successors.length > MAX_SUCCESSORS) {
    throw new UsageError(`--successor takes at most ${MAX_SUCCESSORS} URLs, not ${successors.length}.`);
  }
  for (const url of successors) {
    const fault = successorFault(url, relay);
    if (fault !== null) throw new UsageError(`--successor ${fault}`);
  }
}
