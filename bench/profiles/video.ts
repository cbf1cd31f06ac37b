/**
 * Video of calls: 193 kbit/s in packets of 350 to 500 bytes (Bonfiglio, Mellia, Meo, Rossi, "Tracking Down Skype Traffic",
 * INFOCOM 2008). The packets of one picture leave together: 57 packets a second are 14 pictures of four packets.
 */
import { COST_FIRST } from '../run/metrics.ts';
import type { OpenProfile } from './profile.ts';

const BITS_PER_SEC = 193_000;
const BYTES = [350, 380, 410, 440, 470, 500];
const MEAN_BYTES = 425;

export const video: OpenProfile = {
  kind: 'open',
  name: 'video',
  title: 'video of calls: 193 kbit/s each way, four packets a picture',
  shape: 'pairs',
  flows: [
    {
      name: 'video',
      priority: 'video',
      reliable: false,
      sizes: { oneOf: BYTES },
      ratePerSec: BITS_PER_SEC / 8 / MEAN_BYTES,
      burst: 4,
    },
  ],
  mostPeers: 10_000,
  mostPerSec: 50_000,
  rivals: ['ws', 'uws-relay', 'uws-echo', 'nats'],
  rivalsAt: 'middle-size',
  metrics: COST_FIRST,
};
