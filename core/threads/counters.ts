/**
 * What a shard counts: one block of doubles in a SharedArrayBuffer per shard. Only the shard writes its block; the
 * main thread reads it whenever it is asked. A gauge is set, everything else only grows.
 */
export const COUNTERS = [
  'sessions', // gauge: logged-in sockets
  'sockets', // gauge: open WebSockets, logged in or not
  'channels', // gauge: open channel ends
  'framesIn',
  'bytesIn',
  'framesOut',
  'bytesOut',
  'sends',
  'logins',
  'resumes',
  'resumesEarly', // resumes in the request for the WebSocket whose proof was taken
  'earlyGreeted', // those that were not taken: hello, and any login after it
  'loginsRefused',
  'channelsOpened',
  'offersRefused',
  'protocolErrors',
  'faults', // exceptions that were contained
  'pressured', // times a receiver came under pressure
  'queuedBytes', // gauge: bytes that wait for receivers under pressure
  'dropLabel', // frames: the label is not, or no longer, the sender's
  'dropClass', // frames: the op's class is not the channel's
  'dropEnded', // frames: data after the end of the stream
  'dropOldest', // frames: realtime queue full, the oldest went
  'dropExpired', // frames: older than their life
  'dropRing', // frames: realtime, the ring to the other shard was full
  'dropGone', // frames: their receiver left before they could be sent
  'dropControl', // control frames that named a label that was gone
  // The same frames of receivers under pressure by class, in the order of the classes.
  'dropOldestSignal',
  'dropOldestAudio',
  'dropOldestMessage',
  'dropOldestVideo',
  'dropOldestBulk',
  'dropExpiredSignal',
  'dropExpiredAudio',
  'dropExpiredMessage',
  'dropExpiredVideo',
  'dropExpiredBulk',
  'congestionTold', // congestion frames, to senders whose frames were dropped
  'ringRecords', // records handed to other shards
  'ringWakes', // posts needed to wake them
  'lookups', // look-ups that sessions asked for
  'lookupsOnShard', // answered from the presence table alone
  'lookupsCached', // answered from the shard's cache
  'directoryAsks', // asks handed to the directory pool
  'readsPending', // gauge: of these, reads that wait for their answers
  'readsRefused', // reads that found too many waiting
  'readBatches', // posts of reads to the directory pool
  'directoryRefused', // requests that got an error: the directory's, or a limit's
  'searchesLimited', // of these: searched too often
  'writesLimited', // of these: wrote too often
  'watches', // gauge: peers on watch lists, each list for itself
  'presencePushed', // states told to watchers
  'mailPushed', // messages and receipts sent to receivers
  // By priority class, in its order: the class is added to the first of each five.
  'framesInSignal', // data frames that were forwarded
  'framesInAudio',
  'framesInMessage',
  'framesInVideo',
  'framesInBulk',
  'bytesInSignal', // their bytes, headers included
  'bytesInAudio',
  'bytesInMessage',
  'bytesInVideo',
  'bytesInBulk',
  'framesOutSignal', // data frames given to sockets
  'framesOutAudio',
  'framesOutMessage',
  'framesOutVideo',
  'framesOutBulk',
  'bytesOutSignal',
  'bytesOutAudio',
  'bytesOutMessage',
  'bytesOutVideo',
  'bytesOutBulk',
  // Sends by the frames that one carried: 1, 2 to 3, 4 to 7, and so on; the last has all beyond.
  'sends1',
  'sends2',
  'sends4',
  'sends8',
  'sends16',
  'sends32',
  'sends64',
  'sends128',
  'sends256',
  'sends512',
  'sends1024',
  'sends2048',
  'sends4096',
  // Frames that waited for a receiver under pressure and were sent, by how long: under 1 ms, 1, 2 to 3, 4 to 7, and so on.
  'waited0',
  'waited1',
  'waited2',
  'waited4',
  'waited8',
  'waited16',
  'waited32',
  'waited64',
  'waited128',
  'waited256',
  'waited512',
  'waited1024',
  'waited2048',
  'waitedMs', // how long they waited in all
  'lagMeanUs', // gauge: how late the event loop was, over the last tenth of a second
  'lagMaxUs', // gauge: the most of the last 10 to 20 seconds
  'whyForgotten', // entries of the ledger (why.ts) that had to go before their time
  'upgradesRefusedFull', // sockets refused before they were WebSockets: too many are logging in
  'upgradesRefusedRate', // ... their prefix makes too many a second
  'upgradesRefusedPrefix', // ... their prefix has too many open
  'loginsBusy', // logins that were told to come back: too many, or the relay was behind
  'loginsLate', // logins that were not done in time
  'dropBudget', // frames: realtime, the sender had no budget for their class
  'dropBehind', // frames: realtime, the shard was behind
  'creditHeldBytes', // gauge: credit that senders are not told of until their budgets have room
  'budgetWaits', // times an outbox had to wait for its receiver's budget
  'loginsNoRoom', // logins refused because the relay held all the peers that it has room for
  'loginsVersion', // logins refused because the operator lets no client of that version in
  'opensRefused', // opens refused because the opener, its tenant or the relay had as many channels as it may
  'endsFull', // ends that found the shard's table full
  'offersUnanswered', // offers that nobody answered in time
  'overruns', // reliable channels that ended because their sender had no credit left
  'endedSlow', // sessions ended because too many answers waited for them
  'endedOverloaded', // sessions ended because the shard, or their socket, held too much
  'endedSilent', // sockets on which nothing was heard for too long
  'endedOversized', // sockets that sent a message larger than a bundle may be
  // Logins and resumes that were let in, by how long they took from their proof's arrival until they were ready: at most 1 ms,
  // 2, 5, 10, and so on (LOGIN_BOUNDS_MS); the last has all beyond.
  'loginTook1',
  'loginTook2',
  'loginTook5',
  'loginTook10',
  'loginTook20',
  'loginTook50',
  'loginTook100',
  'loginTook200',
  'loginTook500',
  'loginTook1000',
  'loginTook2000',
  'loginTook5000',
  'loginTookMore',
  'loginTookMs', // how long they took in all
] as const;
export type CounterName = (typeof COUNTERS)[number];

/** Index of each counter in its shard's block. */
export const C = Object.fromEntries(COUNTERS.map((name, index) => [name, index])) as {
  readonly [K in CounterName]: number;
};

export function createCounters(shards: number): SharedArrayBuffer {
  return new SharedArrayBuffer(shards * COUNTERS.length * 8);
}

export function countersOf(all: SharedArrayBuffer, shard: number): Float64Array {
  return new Float64Array(all, shard * COUNTERS.length * 8, COUNTERS.length);
}

/** Buckets of the histogram of frames in a send, and the counter of its first. */
export const SEND_BUCKETS = 13;

/** The bucket of so many frames, at least one. PACKET PATH. */
export function sendBucket(frames: number): number {
  return Math.min(31 - Math.clz32(frames | 1), SEND_BUCKETS - 1);
}

/** Buckets of the histogram of waits, from `waited0` on. */
export const WAIT_BUCKETS = 13;

/** The bucket of so many milliseconds. */
export function waitBucket(ms: number): number {
  return ms < 1 ? 0 : Math.min(32 - Math.clz32(ms), WAIT_BUCKETS - 1);
}

/** Upper bounds of the histogram of logins, from `loginTook1` on; one bucket more has what took longer. */
export const LOGIN_BOUNDS_MS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000] as const;

export function loginBucket(ms: number): number {
  const bucket = LOGIN_BOUNDS_MS.findIndex((bound) => ms <= bound);
  return bucket < 0 ? LOGIN_BOUNDS_MS.length : bucket;
}
