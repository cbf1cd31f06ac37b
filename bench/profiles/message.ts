/**
 * Text messages: 200 bytes, 5% of them 1 KB, on reliable channels. Signalling and messages of 95% of clients stay under 100
 * bit/s (Rossi et al. 2010), two messages a minute of somebody who writes; that would measure nothing, so each connection
 * carries what 300 of them write: 10 a second.
 */
import { COST_FIRST } from '../run/metrics.ts';
import type { OpenProfile } from './profile.ts';

const MESSAGES_PER_MINUTE = 2;
const WRITERS_PER_CONNECTION = 300;
/** Median 200, the 95th percentile 1,000. */
const BYTES = [
  60, 80, 100, 120, 140, 160, 180, 190, 200, 200, 200, 220, 240, 260, 300, 350, 400, 500, 700, 1_000,
];

export const message: OpenProfile = {
  kind: 'open',
  name: 'message',
  title: 'text messages of 200 bytes (p95 1 KB), reliable',
  shape: 'pairs',
  flows: [
    {
      name: 'chat',
      priority: 'message',
      reliable: true,
      sizes: { oneOf: BYTES },
      ratePerSec: (MESSAGES_PER_MINUTE / 60) * WRITERS_PER_CONNECTION,
      burst: 1,
    },
  ],
  mostPeers: 10_000,
  mostPerSec: 50_000,
  rivals: ['ws', 'uws-relay', 'uws-echo', 'nats'],
  rivalsAt: 'middle-size',
  metrics: COST_FIRST,
};
