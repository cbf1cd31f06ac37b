/**
 * Everybody talks to one peer: the hot spot. In the outage of August 2007 one client of a campus was contacted by 11.3
 * million others (Rossi et al., "Evidences Behind Skype Outage", ICC 2009). Packets are call set-ups of 100 bytes; what
 * counts is that one socket, one outbox, gets them all. A session has at most 256 channels.
 */
import { COST_FIRST } from '../run/metrics.ts';
import type { OpenProfile } from './profile.ts';

export const fanIn: OpenProfile = {
  kind: 'open',
  name: 'fan-in',
  title: 'all peers send 50 packets of 100 bytes a second to one',
  shape: 'fan-in',
  flows: [
    {
      name: 'set-up',
      priority: 'signal',
      reliable: false,
      sizes: { bytes: 100 },
      ratePerSec: 50,
      burst: 1,
    },
  ],
  mostPeers: 250,
  mostPerSec: 50_000,
  rivals: ['ws', 'uws-relay', 'uws-echo', 'nats'],
  rivalsAt: 'middle-size',
  metrics: COST_FIRST,
};
