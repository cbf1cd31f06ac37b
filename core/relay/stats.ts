/** A relay's numbers, read from the shards' shared counters: no message, no wait. */
import { PRIORITIES, type Priority } from '../protocol/ops.ts';
import {
  C,
  COUNTERS,
  type CounterName,
  countersOf,
  LOGIN_BOUNDS_MS,
  SEND_BUCKETS,
  WAIT_BUCKETS,
} from '../threads/counters.ts';
import type { RelayDirectory } from './directory.ts';

export interface RelayStats {
  /** Logged-in peers. */
  sessions: number;
  /** Open WebSockets, logged in or not. */
  sockets: number;
  /** Open channels' ends: two per channel. */
  channelEnds: number;
  /** Channels that were accepted since the start. */
  channelsOpened: number;
  frames: { in: number; out: number };
  bytes: { in: number; out: number };
  /** Data frames by priority class: in, taken for forwarding; out, given to the sockets of receivers. Headers included. */
  classes: Record<Priority, { frames: InOut; bytes: InOut }>;
  /** Frames that one `send` carried, on average. */
  framesPerSend: number;
  /** Sends by the frames that one carried: 1, 2 to 3, 4 to 7, and so on; the last has all beyond. */
  sends: number[];
  /**
   * `early`: resumes in the request for the WebSocket that were taken; `earlyGreeted`: those that were not, and had to log in after
   * `hello`. Of those refused: told to come back (`busy`), not done in time (`login-timeout`), `relay-full`, `version-refused`.
   */
  logins: {
    full: number;
    resumed: number;
    early: number;
    earlyGreeted: number;
    refused: number;
    busy: number;
    late: number;
    noRoom: number;
    version: number;
  };
  /** Sockets that were refused before they were WebSockets: too many logging in; a prefix's rate; its open connections. */
  upgradesRefused: { full: number; rate: number; prefix: number };
  /** Opens that were refused because the opener, its tenant, its shard or the relay had as many channels as it may. */
  opensRefused: number;
  /** Offers that were refused because the callee was gone or busy; and those that it answered neither way. */
  offersRefused: number;
  offersUnanswered: number;
  /** Reliable channels that ended because their sender sent more than it was granted. */
  overruns: number;
  /** Connections that a limit ended: too much waited for them, or in all; nothing was heard of them; a message was too large. */
  ended: { slowReader: number; overloaded: number; silent: number; oversized: number };
  protocolErrors: number;
  /** Exceptions that were contained. Should be 0. */
  faults: number;
  /** Frames that were not delivered, by reason (docs/operations.md). */
  drops: {
    label: number;
    class: number;
    ended: number;
    oldest: number;
    expired: number;
    ring: number;
    gone: number;
    control: number;
    budget: number;
    behind: number;
  };
  /** Credit that senders are not told of until their budgets have room, and times an outbox waited for its receiver's. */
  budgets: { creditHeldBytes: number; waits: number };
  /** Of these, those that waited for a receiver that did not keep up, by class. */
  dropsByClass: { oldest: Record<Priority, number>; expired: Record<Priority, number> };
  /** Times that a sender was told that its frames are dropped. */
  congestionTold: number;
  /**
   * Realtime frames that waited for such a receiver and were sent, by how long: under 1 ms, 1, 2 to 3, 4 to 7, and so on; the
   * last has all beyond. And how long they waited in all.
   */
  waited: { frames: number[]; sumMs: number };
  /**
   * Logins and resumes that were let in, by how long they took from their proof's arrival until they were ready: at most 1 ms, 2, 5,
   * 10, 20, 50, and so on to 5 s; the last has all beyond. And how long they took in all.
   */
  loginTimes: { logins: number[]; sumMs: number };
  /** Receivers that did not keep up: how often that began, and the bytes that wait for them now. */
  pressure: { times: number; queuedBytes: number };
  /** How late the event loops are: over the last half second, and at most in the last 10 to 20 seconds. */
  loopLag: { main: Lag; shards: Lag[] };
  /** Entries of the ledgers (relay.why) that had to go before their time. */
  whyForgotten: number;
  /** Hand-overs between shards, and the posts that were needed to wake one. */
  rings: { records: number; wakes: number };
  directory: {
    /** Where it is; null: nowhere on a disk. */
    path: string | null;
    kept: 'on disk' | 'in memory' | 'none';
    /** Look-ups, and of these: answered by the shard at once, as the peer is here or from its cache. */
    lookups: number;
    lookupsOnShard: number;
    lookupsCached: number;
    /** Asks that the shards handed to the directory pool, and those that wait or are worked on now. */
    asks: number;
    pending: number;
    /** Requests that got an error, and of these: too many waited for the pool (`busy`). */
    refused: number;
    refusedBusy: number;
    /** Of these: asked more often than a peer may. */
    limited: { searches: number; writes: number };
    /** Write asks that were taken; and batches of reads or writes. */
    writes: number;
    batches: number;
    /** Peers on watch lists now, and states told to their watchers. */
    watches: number;
    presencePushed: number;
    /** Messages and receipts sent to receivers. */
    mailPushed: number;
    /** Moments at which peers were last here that could not be kept. */
    seenDropped: number;
    /** Receipts that had to make room for newer ones in a mailbox: their senders never hear what became of a message. */
    receiptsDropped: number;
  };
  /** Every counter of every shard. */
  shards: Record<CounterName, number>[];
}

export interface InOut {
  in: number;
  out: number;
}

export interface Lag {
  meanMs: number;
  maxMs: number;
}

export function readStats(
  counters: SharedArrayBuffer,
  shards: number,
  directory: Pick<RelayDirectory, 'info' | 'numbers'> | null,
  mainLag: { meanUs: number; maxUs: number },
): RelayStats {
  const each = Array.from({ length: shards }, (_, shard) => {
    const block = countersOf(counters, shard);
    return Object.fromEntries(COUNTERS.map((name, index) => [name, block[index]])) as Record<
      CounterName,
      number
    >;
  });
  const sum = (name: CounterName): number => each.reduce((total, shard) => total + shard[name], 0);
  const sends = sum('sends');
  const desk = directory?.numbers;
  return {
    sessions: sum('sessions'),
    sockets: sum('sockets'),
    channelEnds: sum('channels'),
    channelsOpened: sum('channelsOpened'),
    frames: { in: sum('framesIn'), out: sum('framesOut') },
    bytes: { in: sum('bytesIn'), out: sum('bytesOut') },
    classes: readClasses(each),
    framesPerSend: sends > 0 ? sum('framesOut') / sends : 0,
    sends: Array.from({ length: SEND_BUCKETS }, (_, i) => sum(COUNTERS[C.sends1 + i]!)),
    logins: {
      full: sum('logins'),
      resumed: sum('resumes'),
      early: sum('resumesEarly'),
      earlyGreeted: sum('earlyGreeted'),
      refused: sum('loginsRefused'),
      busy: sum('loginsBusy'),
      late: sum('loginsLate'),
      noRoom: sum('loginsNoRoom'),
      version: sum('loginsVersion'),
    },
    upgradesRefused: {
      full: sum('upgradesRefusedFull'),
      rate: sum('upgradesRefusedRate'),
      prefix: sum('upgradesRefusedPrefix'),
    },
    opensRefused: sum('opensRefused'),
    offersRefused: sum('offersRefused'),
    offersUnanswered: sum('offersUnanswered'),
    overruns: sum('overruns'),
    ended: {
      slowReader: sum('endedSlow'),
      overloaded: sum('endedOverloaded'),
      silent: sum('endedSilent'),
      oversized: sum('endedOversized'),
    },
    protocolErrors: sum('protocolErrors'),
    faults: sum('faults'),
    drops: {
      label: sum('dropLabel'),
      class: sum('dropClass'),
      ended: sum('dropEnded'),
      oldest: sum('dropOldest'),
      expired: sum('dropExpired'),
      ring: sum('dropRing'),
      gone: sum('dropGone'),
      control: sum('dropControl'),
      budget: sum('dropBudget'),
      behind: sum('dropBehind'),
    },
    budgets: { creditHeldBytes: sum('creditHeldBytes'), waits: sum('budgetWaits') },
    dropsByClass: {
      oldest: byClass(each, C.dropOldestSignal),
      expired: byClass(each, C.dropExpiredSignal),
    },
    congestionTold: sum('congestionTold'),
    waited: {
      frames: Array.from({ length: WAIT_BUCKETS }, (_, i) => sum(COUNTERS[C.waited0 + i]!)),
      sumMs: sum('waitedMs'),
    },
    loginTimes: {
      logins: Array.from({ length: LOGIN_BOUNDS_MS.length + 1 }, (_, i) => sum(COUNTERS[C.loginTook1 + i]!)),
      sumMs: sum('loginTookMs'),
    },
    pressure: { times: sum('pressured'), queuedBytes: sum('queuedBytes') },
    loopLag: {
      main: lag(mainLag.meanUs, mainLag.maxUs),
      shards: each.map(({ lagMeanUs, lagMaxUs }) => lag(lagMeanUs, lagMaxUs)),
    },
    whyForgotten: sum('whyForgotten'),
    rings: { records: sum('ringRecords'), wakes: sum('ringWakes') },
    directory: {
      path: directory?.info?.path ?? null,
      kept: directory?.info ? (directory.info.durable ? 'on disk' : 'in memory') : 'none',
      lookups: sum('lookups'),
      lookupsOnShard: sum('lookupsOnShard'),
      lookupsCached: sum('lookupsCached'),
      asks: sum('directoryAsks'),
      pending: (desk?.pending ?? 0) + sum('readsPending'),
      refused: sum('directoryRefused'),
      refusedBusy: (desk?.refused ?? 0) + sum('readsRefused'),
      limited: { searches: sum('searchesLimited'), writes: sum('writesLimited') },
      writes: desk?.writes ?? 0,
      batches: (desk?.batches ?? 0) + sum('readBatches'),
      watches: sum('watches'),
      presencePushed: sum('presencePushed'),
      mailPushed: sum('mailPushed'),
      seenDropped: desk?.seenDropped ?? 0,
      receiptsDropped: desk?.receiptsDropped ?? 0,
    },
    shards: each,
  };
}

function readClasses(shards: Record<CounterName, number>[]): RelayStats['classes'] {
  const read = (first: number): Record<Priority, number> => byClass(shards, first);
  const [framesIn, framesOut] = [read(C.framesInSignal), read(C.framesOutSignal)];
  const [bytesIn, bytesOut] = [read(C.bytesInSignal), read(C.bytesOutSignal)];
  const each = PRIORITIES.map((name) => {
    const frames = { in: framesIn[name], out: framesOut[name] };
    return [name, { frames, bytes: { in: bytesIn[name], out: bytesOut[name] } }] as const;
  });
  return Object.fromEntries(each) as RelayStats['classes'];
}

/** @param first the counter of the first class; those of the others follow it. */
function byClass(shards: Record<CounterName, number>[], first: number): Record<Priority, number> {
  const each = PRIORITIES.map((name, priority) => {
    const counter = COUNTERS[first + priority]!;
    return [name, shards.reduce((total, shard) => total + shard[counter], 0)] as const;
  });
  return Object.fromEntries(each) as Record<Priority, number>;
}

function lag(meanUs: number, maxUs: number): Lag {
  return { meanMs: meanUs / 1_000, maxMs: maxUs / 1_000 };
}
