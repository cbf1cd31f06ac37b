/**
 * What a relay's work costs, in milliseconds of CPU time, from the figures of docs/benchmarks.md; and what peers ask for.
 *
 * A relay's budget is what RELAY_PEERS sessions of the mix cost, so that it is at 100% when it holds as many peers as it can
 * and has no logins: 0.165 ms/s a peer, 16% of a core for a thousand.
 */
import {
  CALL_MEAN_MS,
  CONTACTS_MEDIAN,
  CONTACTS_SIGMA,
  CONVERSING_SHARE,
  KEEP_ALIVE_MS,
  MESSAGE_GAP_MS,
  PRESENCE_GAP_MS,
  SIGNALS_LEAST,
  SIGNALS_MOST,
} from '../../load/scenarios/supernode-mix.ts';
import { CLASSES, type TrafficClass } from '../outcome.ts';
import { TRAFFIC } from '../plan.ts';

/** CPU milliseconds of logins. */
export interface LoginCosts {
  fullMs: number;
  refusalMs: number;
  /** Of a login that succeeds, beside the proof: its look-ups, and that its contacts are told, which is bulk. */
  lookupsMs: number;
  presenceMs: number;
}

/** The mix at 1,000 peers: 15 us/frame ("One full run"). */
const FRAME_MS = 0.015;
/** "CPU of the relay per full login", and of a resume. */
export const FULL_LOGIN_MS = 0.239;
const RESUME_MS = 0.0816;
/** A connection and a refusal: a resume less its HMAC of 6 us. */
const REFUSAL_MS = RESUME_MS - 0.006;
/** "look up peers that are online, over the wire, pipelined": 370 ns each, a batch at login. */
const LOOKUP_MS = 0.000_37;

/** Mean of the lognormal. */
const CONTACTS_MEAN = CONTACTS_MEDIAN * Math.exp(CONTACTS_SIGMA ** 2 / 2);
/** Half of the contacts are not there to be told (a). */
const TOLD = CONTACTS_MEAN / 2;

/**
 * When the outage goes faster than it did, logins come as many times as often, and packets do not: each costs as much less,
 * so that logins take the share of a relay's time that they took.
 */
export function loginCosts(timeScale: number): LoginCosts {
  return {
    fullMs: FULL_LOGIN_MS / timeScale,
    refusalMs: REFUSAL_MS / timeScale,
    lookupsMs: (CONTACTS_MEAN * LOOKUP_MS) / timeScale,
    presenceMs: (TOLD * FRAME_MS) / timeScale,
  };
}

/** Frames a second of one peer who is logged in, by class. */
export const FRAMES_PER_SEC: Record<TrafficClass, number> = {
  signal:
    1_000 / KEEP_ALIVE_MS +
    ((TRAFFIC.inCallShare / 2) * (SIGNALS_LEAST + SIGNALS_MOST)) / 2 / (CALL_MEAN_MS / 1_000),
  audio: TRAFFIC.inCallShare * TRAFFIC.audioPerSec,
  message: CONVERSING_SHARE * (1_000 / MESSAGE_GAP_MS),
  video: TRAFFIC.inCallShare * TRAFFIC.videoShare * TRAFFIC.videoPerSec,
  bulk: (1_000 / PRESENCE_GAP_MS) * TOLD,
};
/** CPU milliseconds a second of one peer, by class in the order of CLASSES, and in all. */
export const CLASS_MS = Float64Array.from(CLASSES, (name) => FRAMES_PER_SEC[name] * FRAME_MS);
export const SESSION_MS = CLASS_MS.reduce((sum, ms) => sum + ms, 0);

/** Two ends of each call are logged in at its relay. */
export const CALLS_PER_SESSION = TRAFFIC.inCallShare / 2;
/** Calls that begin, for each session and second. */
export const NEW_CALLS_PER_SEC = CALLS_PER_SESSION / (CALL_MEAN_MS / 1_000);

/** Packets of a login: 2-4 KB in all (workload), about 400 bytes each (a); look-ups in two batches, and those told. */
const LOGIN_PACKETS = 8;
export const ARRIVAL_PACKETS = 4 + TOLD;
/** A try where nobody answers: SYN, and again after 1 and 3 s, within a wait of 5 s (RFC 6298). */
const UNANSWERED_PACKETS = 3;
export const contactPackets = (answered: boolean): number => (answered ? LOGIN_PACKETS : UNANSWERED_PACKETS);

/** A look at the list of relays: an ask and its answer. */
export const LIST_PACKETS = 2;

/** Of a relay that runs: "idle, bytes per peer" at 1,000 peers; a login that waits and a turn (core/overload/admission.ts). */
export const SESSION_BYTES = 8_000;
export const QUEUED_BYTES = 200;
export const TURN_BYTES = 100;
