/**
 * What users of a supernode do: shares, rates and sizes, and where each comes from. (p) is read in the primary text,
 * (s) a secondary source, (a) an assumption of ours.
 */
import { sigmaFromMean, sigmaFromP95 } from './draws.ts';
import type { Medium } from './media.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Share of peers in a relayed call (a), and of calls with video in 2010 (s). */
export const IN_CALL_SHARE = 0.15;
export const VIDEO_SHARE = 0.4;

/** SILK or Opus in frames of 20 ms, at 64 kbit/s with its headers (a); iSAC, 67 bytes 33 times a second (s). */
export const AUDIO: Record<'160x50' | '67x33', Medium> = {
  '160x50': { leastBytes: 160, mostBytes: 160, ratePerSec: 50, burst: 1 },
  '67x33': { leastBytes: 67, mostBytes: 67, ratePerSec: 33, burst: 1 },
};

const VIDEO_LEAST_BYTES = 350;
const VIDEO_MOST_BYTES = 500;
/** Packets of 350-500 bytes, mean 193 kbit/s (p, Bonfiglio 2008); a picture of four packets 14 times a second (a). */
export const VIDEO: Medium = {
  leastBytes: VIDEO_LEAST_BYTES,
  mostBytes: VIDEO_MOST_BYTES,
  ratePerSec: 193_000 / 8 / ((VIDEO_LEAST_BYTES + VIDEO_MOST_BYTES) / 2),
  burst: 4,
};

/** Calls: median 170 s, mean 773 s (Guha, Daswani, Jain, IPTPS 2006); the shape is a lognormal's (a). */
export const CALL_MEDIAN_MS = 170_000;
export const CALL_SIGMA = sigmaFromMean(170, 773);
export const CALL_MEAN_MS = 773_000;

/** Set-up of a call: 4-8 frames, 100 bytes, 95% below 435 (p, Rossi 2010). */
export const SIGNALS_LEAST = 4;
export const SIGNALS_MOST = 8;
export const SIGNAL_MEDIAN_BYTES = 100;
export const SIGNAL_SIGMA = sigmaFromP95(100, 435);

/** Conversations in text: a tenth of the peers (a), each for 10 minutes, 2 messages a minute from each end (a). */
export const CONVERSING_SHARE = 0.1;
export const CONVERSATION_MEAN_MS = 10 * MINUTE_MS;
export const MESSAGE_GAP_MS = MINUTE_MS / 2;
/** A message: 200 bytes, 95% below 1 KB (a). */
export const MESSAGE_MEDIAN_BYTES = 200;
export const MESSAGE_SIGMA = sigmaFromP95(200, 1024);

/** A ping of 40 bytes in 20 s (p). */
export const KEEP_ALIVE_MS = 20_000;

/** A session lasts 6 hours on the mean: lifetimes are 1-2 h or 7-10 h (p, Rossi 2009). */
export const SESSION_MEAN_MS = 6 * HOUR_MS;
/** Users who are out, for every one who is in: enough that a user is out for a while (a). */
export const SPARE_SHARE = 0.02;
export const SPARES_LEAST = 2;

/** Changes of presence while logged in: 8 a day (a). Who watches hears of each. */
export const PRESENCE_GAP_MS = DAY_MS / 8;
/** Contacts: median 25, 95% below 150 (a); no more than a session may watch. Half are not here (a). */
export const CONTACTS_MEDIAN = 25;
export const CONTACTS_SIGMA = sigmaFromP95(25, 150);
export const CONTACTS_MOST = 200;
export const ABSENT_SHARE = 0.5;
