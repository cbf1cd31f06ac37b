/**
 * Calls: 50 packets a second each way, one for every 20 ms of speech, of 160 bytes.
 *
 * Skype's first codecs sent 67 bytes 33 times a second (iSAC; Baset and Schulzrinne, "An Analysis of the Skype
 * Peer-to-Peer Internet Telephony Protocol", INFOCOM 2006); SILK sends 20 ms frames of 6 to 40 kbit/s, and redundancy
 * doubles the packets of a call's first 20 seconds (Bonfiglio, Mellia, Meo, Rossi, "Tracking Down Skype Traffic", INFOCOM
 * 2008). 160 bytes is 20 ms of G.711, what other relays are measured with; a relay's cost depends on the count of packets.
 */
import type { Flow } from '../load/plan.ts';
import { COST_FIRST } from '../run/metrics.ts';
import type { OpenProfile } from './profile.ts';

const VOICE_BYTES = 160;

/** One direction of a call. */
export const AUDIO: Flow = {
  name: 'audio',
  priority: 'audio',
  reliable: false,
  sizes: { bytes: VOICE_BYTES },
  ratePerSec: 50,
  burst: 1,
};

export const voice: OpenProfile = {
  kind: 'open',
  name: 'voice',
  title: 'calls: 50 packets of 160 bytes a second each way',
  shape: 'pairs',
  flows: [AUDIO],
  mostPeers: 10_000,
  mostPerSec: 50_000,
  rivals: ['ws', 'uws-relay', 'uws-echo', 'nats', 'coturn-tcp', 'coturn-tcp-udp', 'coturn-udp'],
  rivalsAt: 'every-size',
  metrics: COST_FIRST,
};
