/**
 * What a replay leaves behind, simulated or real: the same shape, so that both are judged by the same criteria, drawn by the
 * same plots, and compared. Types only.
 *
 * Times are *replay time*: milliseconds since the replay began, as if nothing were scaled. A real replay that runs 60 times
 * as fast multiplies what it reads from its clock by 60. Waits in queues are the exception: they are what a clock showed.
 */
import type { Plan } from './plan.ts';

/** In the order of priority: signal, audio, message, video, bulk. */
export const CLASSES = ['signal', 'audio', 'message', 'video', 'bulk'] as const;
export type TrafficClass = (typeof CLASSES)[number];

/** One number per sample, all of one length. Rates are of the interval that ends at the sample, in a second of the clock. */
export interface Series {
  /** When the interval ended. */
  atMs: number[];
  /** Peers that are logged in. */
  online: number[];
  /** Peers whose client runs and wants to be logged in: online, or on the way. */
  wanting: number[];
  /** Peers that the relays that are up can hold. */
  capacityPeers: number[];
  relaysUp: number[];
  /** Logins that reached a relay that was up, each second: served, refused, queued or lost there. */
  attemptsPerSec: number[];
  /** Attempts, and those that found no relay where they asked, each second. */
  contactsPerSec: number[];
  loginsPerSec: number[];
  refusedPerSec: number[];
  /** Work that was asked for, over the mean of the baseline: sessions and contacts, whether or not anybody was there. */
  offeredLoad: number[];
  /** Signalling frames that peers sent, each second: keep-alive, set-up, look-ups, presence, logins. */
  signalPerSec: number[];
  /** Load of the busiest relay that is up, and of the mean: peers held over the peers it can hold. */
  loadMost: number[];
  loadMean: number[];
  /** Logins in the queue of the relay with most of them. */
  queueMost: number[];
  /** Work of each class that was asked of relays that are up, and that they did: in one unit over all classes. */
  offered: Record<TrafficClass, number[]>;
  served: Record<TrafficClass, number[]>;
  /** Work that relays that were up could do, in the same unit. */
  room: number[];
}

/** Logins of one window of 10 minutes (replay time). */
export interface AskedWindow {
  fromMs: number;
  attempts: number;
  /** Logins that were wanted: one for a peer and a loss of its session, however often it asked in this window. */
  distinct: number;
}

export interface Moments {
  triggerMs: number;
  /** The last restart (mass-restart), or the store is quick again and no restart crashes (cascade). */
  triggerEndMs: number;
  endMs: number;
}

export interface Waits {
  count: number;
  p50: number;
  p99: number;
  max: number;
}

export interface Outcome {
  form: 'simulated' | 'real';
  plan: Plan;
  moments: Moments;
  series: Series;
  asked: AskedWindow[];
  /** Relays that ended because of load, not because the replay ended them. */
  exits: number;
  /** Relays that the trigger ended. */
  restarts: number;
  /** Calls on relays that the trigger did not end, as seen over the replay, and how many of them broke. */
  calls: { onSurvivors: number; broken: number };
  /** What logins waited in a relay until served, milliseconds of a clock. */
  queueWaitMs: Waits;
  /** Real: the same as the peers' clocks have it, from their proof to `ready`; the machine that all of them share is in it. */
  peerWaitMs: Waits | null;
  /** Most logins in one relay's queue, and the bound that it has; null: none. */
  queueDepth: { most: number; bound: number | null };
  /** Most memory of one relay for sessions, queue and turns, and the bound that follows from its limits; null: none. */
  memoryBytes: { most: number; bound: number | null };
  /** Since the trigger, in the minute in which one relay got more contacts than any ever: its contacts, and the mean of all relays. */
  contacts: { most: number; mean: number };
  /** What else is worth knowing: name and figure. */
  notes: Record<string, number>;
}

export function emptySeries(): Series {
  const perClass = () =>
    Object.fromEntries(CLASSES.map((name) => [name, []])) as unknown as Series['offered'];
  return {
    atMs: [],
    online: [],
    wanting: [],
    capacityPeers: [],
    relaysUp: [],
    attemptsPerSec: [],
    contactsPerSec: [],
    loginsPerSec: [],
    refusedPerSec: [],
    offeredLoad: [],
    signalPerSec: [],
    loadMost: [],
    loadMean: [],
    queueMost: [],
    offered: perClass(),
    served: perClass(),
    room: [],
  };
}
