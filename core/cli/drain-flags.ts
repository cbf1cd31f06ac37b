/** The flags of a drain: of `supernode drain`, and what SIGTERM does to `supernode start`. */
import type { DrainOptions } from '../relay/drain-options.ts';
import { type FlagValues, list, wholeNumber } from './flags.ts';

const LONGEST_SECONDS = 3_600;

/** @param prefix of the flags for seconds: `drain-` or none. @throws UsageError */
export function drainOptions(values: FlagValues, prefix: '' | 'drain-'): DrainOptions {
  const grace = wholeNumber(values, `${prefix}grace`, 0, LONGEST_SECONDS);
  const spread = wholeNumber(values, `${prefix}spread`, 0, LONGEST_SECONDS);
  const successors = list(values, 'successor');
  return {
    ...(grace === undefined ? {} : { graceMs: grace * 1_000 }),
    ...(spread === undefined ? {} : { spreadMs: spread * 1_000 }),
    ...(successors === undefined ? {} : { successors }),
  };
}
