/** What the run, its relays and its loads tell each other over IPC. Counters only grow; the run takes differences. */
import type { Arm, ReplayName } from '../plan.ts';
import type { RelayReport } from '../relay-list.ts';
import type { FrameCounts } from './frame-log.ts';

/** What a relay process is started with, as JSON in its arguments. */
export interface RelayOrder {
  index: number;
  /** 0: any that is free; a relay that comes back has the one that it had. */
  port: number;
  peers: number;
  loginsPerSec: number;
  overload: Arm['overload'];
  /** Where it exits on overload: after so long above its limits. */
  exitAfterMs: number;
  /** The seed of its key, hex: resume tickets survive its restart, as they do with a relay's key file. */
  seed: string;
  directory: string;
  tickMs: number;
}

export interface RelaySample {
  kind: 'sample';
  sessions: number;
  /** Logins that wait for the relay, or are being worked on. */
  queued: number;
  rssBytes: number;
  frames: number;
  /** Logins by how long they took there (LOGIN_BOUNDS_MS), since it started. */
  loginTimes: number[];
}

export type FromRelay =
  | { kind: 'listening'; address: string }
  | RelaySample
  /** It ends itself: the arms whose relays exit on overload. */
  | { kind: 'overloaded' }
  | { kind: 'failed'; message: string };

/** What a load process is started with, as JSON in its arguments. */
export interface LoadOrder {
  replay: ReplayName;
  clients: Arm['clients'];
  overload: Arm['overload'];
  /** Of this process. */
  peers: number;
  /** Which of the load processes it is: it has its share of the places that the list of relays names. */
  part: { index: number; of: number };
  /** What a relay holds, and takes in a second. */
  relayPeers: number;
  relayLoginsPerSec: number;
  seed: number;
  timeScale: number;
  /** Times the share of clients that the trigger takes down. */
  trigger: number;
  addresses: string[];
  /** Logins per second of the clock at which the peers come before the replay begins. */
  rampPerSec: number;
  tickMs: number;
  /** Removed by the last process that finds the run gone. */
  folder: string;
}

export type ToLoad =
  /** The replay begins; performance clocks differ between processes, so each counts from when it hears this. */
  | { kind: 'begin' }
  | { kind: 'trigger' }
  /** Milliseconds of the clock after which an answer of the store is late; null: the store is as quick as ever. */
  | { kind: 'store'; lateMs: number | null }
  /** The trigger ends this relay now: what breaks with it is no fault of a survivor. */
  | { kind: 'killed'; relay: number }
  /** What relays have told of their load, by number; null: it is down. */
  | { kind: 'reports'; reports: (RelayReport | null)[] }
  | { kind: 'up'; relay: number; address: string; report: RelayReport }
  | { kind: 'finish' };

/**
 * As at scale 1: what the outage itself brings (a login's first tries, the set-up of a call, a look at the list) comes as many
 * times as often as the replay is faster, and counts as much less. What a client does by its clock, as to ask again and to
 * keep alive, counts in full.
 */
export interface Paced {
  contacts: number;
  /** Signalling: keep-alives, set-ups, contacts. */
  packets: number;
}

export interface LoadSample {
  kind: 'sample';
  online: number;
  wanting: number;
  /** Contacts that were due, begun or not: what the peers wanted to do, however fast this process is. */
  due: number;
  contacts: number;
  attempts: number;
  logins: number;
  refused: number;
  paced: Paced;
  /** Contacts of each relay since the trigger. */
  perRelay: number[];
  /** Median wait for the store, milliseconds of the clock, since the last sample; 0: nobody asked. */
  storeMs: number;
}

export interface LoadResult {
  kind: 'result';
  calls: { onSurvivors: number; broken: number };
  frames: FrameCounts;
  asked: { window: number; attempts: number; distinct: number }[];
  /** Milliseconds of the clock from the proof to `ready`, since the trigger, and the delays of audio: V2 base64. */
  waits: string;
  audioDelays: string;
  crashes: number;
  crashesAgain: number;
}

export type FromLoad =
  | { kind: 'ready' }
  /** It knows that this relay is killed. */
  | { kind: 'noted'; relay: number }
  | LoadSample
  | LoadResult
  | { kind: 'failed'; message: string };

export type FromStore = { kind: 'opened' } | { kind: 'failed'; message: string };
export type ToStore = { kind: 'slow'; holdMs: number } | { kind: 'quick' };
