/** The option `versions`. */
import * as v from 'valibot';
import { isVersionPattern, MOST_PATTERNS, PATTERNS_ALLOWED } from '../overload/version-rules.ts';

export interface VersionOptions {
  /**
   * Client versions that may not log in: each a version text, or the beginning of one and a *. At most 64, of at most 64
   * bytes. They get the error `version-refused`. Default: none.
   */
  refuse?: string[];
  /**
   * What happens when one version is lost or comes back far more often than the others: 'warn' emits `version-suspect`;
   * 'delay' also makes each peer of it wait before each login. Default 'warn'.
   */
  quarantine?: 'warn' | 'delay';
  /** How long they wait on average, milliseconds, 1,000..600,000: half of it to one and a half. Default 60,000. */
  delayMs?: number;
}

export type ResolvedVersions = Required<VersionOptions>;

const pattern = `a list of ${PATTERNS_ALLOWED}`;
const delay = 'a whole number from 1000 to 600000';

export const VERSION_SCHEMA = v.strictObject(
  {
    refuse: v.optional(
      v.pipe(
        v.array(v.pipe(v.string(pattern), v.check(isVersionPattern, pattern)), pattern),
        v.maxLength(MOST_PATTERNS, pattern),
      ),
      [],
    ),
    quarantine: v.optional(v.picklist(['warn', 'delay'], "'warn' or 'delay'"), 'warn'),
    delayMs: v.optional(
      v.pipe(v.number(delay), v.integer(delay), v.minValue(1_000, delay), v.maxValue(600_000, delay)),
      60_000,
    ),
  },
  'an object { refuse, quarantine, delayMs }',
);
