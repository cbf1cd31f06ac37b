/** The option `admission`: how many logins a relay takes, and from where. docs/operations.md, "Admission", has the arithmetic. */
import * as v from 'valibot';

export interface AdmissionOptions {
  /**
   * Full logins (signatures) taken per second, 1..1,000,000; with `authorize`, resumes too. What is beyond it is told when
   * to come back. Default 'measured': as many as the relay can check, and who is told to come back is spread over that.
   */
  maxLoginsPerSec?: 'measured' | number;
  /** Most sockets that are not logged in yet, 1..1,000,000; beyond it HTTP 503, before there is a WebSocket. Default 16,384. */
  maxUnauthenticated?: number;
  /**
   * Limits of one address prefix (IPv4 /24, IPv6 /56); beyond them HTTP 429, before there is a WebSocket. false: none.
   * `connectionsPerSec`, 1..1,000,000: new connections; five seconds of them may come at once. Default 200.
   * `connections`, 1..1,000,000: open at once. Default 4,096.
   */
  perPrefix?: false | { connectionsPerSec?: number; connections?: number };
  /** Whether `perPrefix` is for addresses of this machine (127.0.0.0/8, ::1) too. Default false. */
  limitLoopback?: boolean;
}

export interface ResolvedAdmission {
  maxLoginsPerSec: 'measured' | number;
  maxUnauthenticated: number;
  perPrefix: { connectionsPerSec: number; connections: number } | false;
  limitLoopback: boolean;
}

const MOST = 1_000_000;
const message = `a whole number from 1 to ${MOST}`;
const count = v.pipe(
  v.number(message),
  v.integer(message),
  v.minValue(1, message),
  v.maxValue(MOST, message),
);
const perPrefix = v.strictObject(
  {
    connectionsPerSec: v.optional(count, 200),
    // A carrier's NAT: 16 users on each of 256 addresses.
    connections: v.optional(count, 4_096),
  },
  'an object { connectionsPerSec, connections }',
);

export const ADMISSION_SCHEMA = v.strictObject(
  {
    maxLoginsPerSec: v.optional(
      v.union([v.literal('measured'), count], `'measured' or ${message}`),
      'measured',
    ),
    // About 3 KiB each (socket, session, nonce): 48 MiB.
    maxUnauthenticated: v.optional(count, 16_384),
    perPrefix: v.optional(
      v.union([v.literal(false), perPrefix], 'false, or an object { connectionsPerSec, connections }'),
      {},
    ),
    limitLoopback: v.optional(v.boolean('true or false'), false),
  },
  'an object { maxLoginsPerSec, maxUnauthenticated, perPrefix, limitLoopback }',
);
