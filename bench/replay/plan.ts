/**
 * What is replayed: the two outages, the arms, the sizes, and the traffic of the peers. (p) is read in the primary text,
 * (s) a secondary source, (a) an assumption of ours; docs/replays.md discusses each, and which of them decide the result.
 */
import {
  AUDIO,
  IN_CALL_SHARE,
  SESSION_MEAN_MS,
  VIDEO,
  VIDEO_SHARE,
} from '../load/scenarios/supernode-mix.ts';

export const REPLAYS = ['mass-restart', 'cascade'] as const;
export type ReplayName = (typeof REPLAYS)[number];

/** What an arm is made of. */
export interface Arm {
  name: string;
  /** What a relay does that has more to do than it can: end, or shed (admission, a bound on sessions, classes). */
  overload: 'exit' | 'shed';
  /** Fixed waits, several relays at once and deaf to retry-after; or full jitter, a retry budget and turns. */
  clients: 'naive' | 'jitter';
  about: string;
}

export const ARMS = [
  { name: 'ours', overload: 'shed', clients: 'jitter', about: 'shed, jitter, retry budget' },
  { name: 'naive', overload: 'exit', clients: 'naive', about: 'exit on overload, fixed retries' },
  { name: 'exit-jitter', overload: 'exit', clients: 'jitter', about: 'exit on overload, jitter' },
  { name: 'shed-nojitter', overload: 'shed', clients: 'naive', about: 'shed, fixed retries' },
] as const satisfies readonly Arm[];
export type ArmName = (typeof ARMS)[number]['name'];
export const ARM_NAMES: readonly ArmName[] = ARMS.map(({ name }) => name);

export function armOf(name: ArmName): Arm {
  return ARMS.find((arm) => arm.name === name)!;
}

/** Share of mega-supernodes of 5x capacity that come one hour after the trigger (workload: 0, 1, 5%). */
export const MEGA_SHARES = [0, 1, 5] as const;
export type MegaPercent = (typeof MEGA_SHARES)[number];
export const UTILISATIONS = [60, 75, 90] as const;

export interface Plan {
  replay: ReplayName;
  arm: ArmName;
  peers: number;
  relays: number;
  /** Peers that a relay holds at its limit. */
  relayPeers: number;
  /** Percent: peers over what all relays can hold. */
  utilisation: number;
  megaPercent: MegaPercent;
  seed: number;
  /** How many times as fast the outage goes as it did; waits of clients and relays are not scaled. */
  timeScale: number;
  /** Times the share of relays and clients that the trigger takes down. For the tipping point; 1: as it was. */
  trigger: number;
}

/** About 100 clients at a supernode in 2005, and about 800 in 2012 (s): round figures of what one holds at its limit. */
export const RELAY_PEERS = { least: 100, most: 1_000 } as const;

/** So that a network of fewer peers has smaller relays and not just a few: what one of many does differs from one of ten. */
export function relayPeersFor(peers: number): number {
  return Math.min(RELAY_PEERS.most, Math.max(RELAY_PEERS.least, Math.round(peers / 1_000)));
}

/** Relays for so many peers at a utilisation: peers / (relays x what one holds) = utilisation. */
export function relaysFor(peers: number, utilisation: number, relayPeers: number): number {
  return Math.max(4, Math.round(peers / (relayPeers * (utilisation / 100))));
}

const MINUTE_MS = 60_000;

/** 2007: 35% of clients and supernodes restart within an hour, and a supernode qualifies again after 15-30 min. */
export const MASS_RESTART = { share: 0.35, withinMs: 60 * MINUTE_MS } as const;
/** 2010: half run version V; 40% of those, so 20% of clients, and 25-30% of supernodes crash (s, Rabbe 2010). */
export const CASCADE = {
  versionShare: 0.5,
  clientShare: 0.2,
  relayShare: 0.275,
  crashWithinMs: 10 * MINUTE_MS,
  triggerMs: 30 * MINUTE_MS,
  storeFactor: 10,
  crashAgain: 0.3,
  /** Logins offered at the end of the ramp, over the usual ones. */
  loginRamp: 100,
} as const;
export const REQUALIFY_MS = { least: 15 * MINUTE_MS, most: 30 * MINUTE_MS } as const;
/** Mega-supernodes: what they hold over a relay's, and when they come, after the trigger began. */
export const MEGA = { factor: 5, afterMs: 60 * MINUTE_MS } as const;

/** Before the trigger; and how long after its end the network is watched: a relay that ended last is back after 30 minutes, and 10 more. */
export const BASELINE_MS = 5 * MINUTE_MS;
export const WATCH_MS = 45 * MINUTE_MS;

/** Traffic of the mix, from bench/load/scenarios/supernode-mix.ts, which says where each figure comes from. */
export const TRAFFIC = {
  inCallShare: IN_CALL_SHARE,
  videoShare: VIDEO_SHARE,
  audioPerSec: AUDIO['160x50'].ratePerSec,
  videoPerSec: VIDEO.ratePerSec,
  sessionMeanMs: SESSION_MEAN_MS,
} as const;
