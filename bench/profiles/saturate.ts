/**
 * The most that a relay forwards on one core: 6,400 packets of 160 bytes are always under way, 64 for each of 100 peers,
 * fewer for each of more. One frame a message asks what a message costs; in bundles, what a frame costs. No network of
 * users is like this: the figure bounds the others, and is the one that relays are usually compared by. The highest rate
 * of these packets that meets an objective is in `voice`, whose packets they are.
 */
import { RATE_FIRST } from '../run/metrics.ts';
import type { ClosedProfile } from './profile.ts';
import { AUDIO } from './voice.ts';

export const saturate: ClosedProfile = {
  kind: 'closed',
  name: 'saturate',
  title: 'as many packets of 160 bytes as a core forwards',
  shape: 'pairs',
  flows: [AUDIO],
  underWay: 6_400,
  messages: ['single', 'bundled'],
  mostPeers: 10_000,
  rivals: ['ws', 'uws-relay', 'uws-echo', 'nats', 'coturn-tcp', 'coturn-udp'],
  rivalsAt: 'middle-size',
  metrics: RATE_FIRST,
};
