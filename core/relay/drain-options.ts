/** What `drain` takes, checked. */
import * as v from 'valibot';
import { OptionError } from '../protocol/errors.ts';
import { MAX_SUCCESSORS } from '../protocol/limits.ts';
import { successorFault } from './successor.ts';

export interface DrainOptions {
  /** How long peers with open channels keep them, milliseconds, at most an hour. Default 0. */
  graceMs?: number;
  /**
   * Over how long peers are sent away, evenly, milliseconds, at most an hour. Default: half a millisecond a peer, at least
   * 1,000 and at most 8,000: 2,000 logins a second are well within what one core of a successor takes, and 10 s are
   * what a container has to stop.
   */
  spreadMs?: number;
  /**
   * How long after it was sent away a peer may come back, milliseconds, at most an hour. Default: with successors 0;
   * without until the last has gone, and two seconds for the next process to start.
   */
  retryAfterMs?: number;
  /**
   * Relays that take the peers over, at most 8 URLs of at most 256 bytes; of a wss: relay only wss: ones. The two ends of a
   * channel are sent to the same one. Then this relay goes on listening until it is closed, and sends newcomers there
   * too. Default: none; it stops listening, and peers come back to the same address.
   */
  successors?: string[];
}

export type ResolvedDrain = {
  graceMs: number;
  spreadMs: number;
  retryAfterMs: number | null;
  successors: string[];
};

const MOST_MS = 3_600_000;
const time = v.optional(
  v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MOST_MS)) satisfies v.GenericSchema<number>,
);
const SCHEMA = v.strictObject({
  graceMs: time,
  spreadMs: time,
  retryAfterMs: time,
  successors: v.optional(v.pipe(v.array(v.string()), v.maxLength(MAX_SUCCESSORS))),
});

/** @throws OptionError that names the option. @param relay its own URL. @param peers how many are here. */
export function resolveDrain(given: unknown, relay: string, peers: number): ResolvedDrain {
  const parsed = v.safeParse(SCHEMA, given);
  if (!parsed.success) throw new OptionError(faultOf(parsed.issues[0]));
  const {
    graceMs = 0,
    spreadMs = defaultSpreadMs(peers),
    retryAfterMs = null,
    successors = [],
  } = parsed.output;
  for (const url of successors) {
    const fault = successorFault(url, relay);
    if (fault !== null) throw new OptionError(`The drain option successors ${fault}`);
  }
  return { graceMs, spreadMs, retryAfterMs, successors };
}

function defaultSpreadMs(peers: number): number {
  return Math.min(8_000, Math.max(1_000, Math.ceil(peers / 2)));
}

function faultOf(issue: v.InferIssue<typeof SCHEMA>): string {
  const name = issue.path?.map((item) => String(item.key))[0];
  if (name === undefined) return 'The options of a drain must be an object.';
  if (!(name in SCHEMA.entries)) {
    return `There is no drain option ${name}; there are: ${Object.keys(SCHEMA.entries).join(', ')}.`;
  }
  if (name === 'successors') {
    return `The drain option successors must be an array of at most ${MAX_SUCCESSORS} URLs, not ${shown(issue.input)}.`;
  }
  return `The drain option ${name} must be 0 to ${MOST_MS} whole milliseconds, not ${shown(issue.input)}.`;
}

function shown(value: unknown): string {
  if (typeof value === 'string') return `"${value.slice(0, 80)}"`;
  return typeof value === 'object' && value !== null ? 'an object of another shape' : String(value);
}
