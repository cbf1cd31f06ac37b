/** What a look-up in the presence table costs, at rest and while another shard logs peers in and out. */
import { createPresence, type Place, PresenceTable } from '../../core/threads/presence.ts';
import { consume } from './blackhole.ts';
import { numbersFrom } from './numbers.ts';
import { SecondThread } from './second-thread.ts';
import { defineSuite, type MicroTask, type Placement, sync, type Work } from './task.ts';
import type { Churn } from './threads/presence-churner.ts';

const LOOK_UPS = 256;
/**
 * Keys that are looked up, drawn from all, in no order. As many as a slice of the benchmark goes through several times:
 * with more, a figure would tell how long the slice was, for the first look-up of a key misses every cache.
 */
const PROBED_KEYS = 4_096;
const CHURNING_PEERS = 64;

const sizes = { '1k': 1_000, '100k': 100_000 } as const;
type Size = keyof typeof sizes;

export const presenceSuite = defineSuite<string>({
  suite: 'presence',
  tasks: { ...tasksOf('1k'), ...tasksOf('100k') },
  async open(placement) {
    const small = await openTable('1k', placement);
    const large = await openTable('100k', placement);
    return {
      work: { ...small.work, ...large.work },
      close: async () => {
        await small.close();
        await large.close();
      },
    };
  },
});

function tasksOf(size: Size): Record<string, MicroTask> {
  const among = `among ${sizes[size].toLocaleString('en-US')}`;
  const alone = { operations: LOOK_UPS, parameters: { peers: sizes[size], probed: PROBED_KEYS, threads: 1 } };
  return {
    [`hit-${size}`]: { title: `Find a peer that is there, ${among}`, ...alone },
    [`miss-${size}`]: { title: `Look for a peer that is not there, ${among}`, ...alone },
    [`contended-${size}`]: {
      title: `Find a peer while another thread logs peers in and out, ${among}`,
      operations: LOOK_UPS,
      parameters: { peers: sizes[size], probed: PROBED_KEYS, threads: 2 },
    },
    [`claim-${size}`]: {
      title: `Log a peer in and out, ${among}`,
      operations: CHURNING_PEERS,
      parameters: { peers: sizes[size], threads: 1 },
    },
  };
}

async function openTable(size: Size, { loadCore }: Placement) {
  const peers = sizes[size];
  const numbers = numbersFrom(peers);
  const memory = createPresence(peers + CHURNING_PEERS, numbers.bytes(32));
  const table = new PresenceTable(memory);
  const former: Place = { shard: 0, slot: 0, generation: 0, flags: 0 };
  const present = Array.from({ length: peers }, (_, slot) => {
    const key = numbers.bytes(32);
    table.claim(key, { shard: 0, slot, generation: 1, flags: 0 }, former);
    return key;
  });
  const draw = (keys: Uint8Array[]): Uint8Array[] =>
    Array.from({ length: PROBED_KEYS }, () => keys[numbers.next() % keys.length]!);
  const absent = Array.from({ length: Math.min(peers, PROBED_KEYS) }, () => numbers.bytes(32));
  const churning = Array.from({ length: CHURNING_PEERS }, () => numbers.bytes(32));
  const churn: Churn = { table: memory, keys: churning };
  const thread = await SecondThread.start('presence-churner', loadCore, churn);

  const probed = draw(present);
  const hit = lookUps(table, probed, true);
  const work: Record<string, Work> = {
    [`hit-${size}`]: sync(hit),
    [`miss-${size}`]: sync(lookUps(table, draw(absent), false)),
    [`contended-${size}`]: {
      async: false,
      iterate: lookUps(table, probed, true),
      begin: () => thread.busy(),
      end: () => thread.rest(),
    },
    [`claim-${size}`]: sync(comeAndGo(table, churning)),
  };
  return { work, close: () => thread.close() };
}

/** Looks up the next LOOK_UPS of the keys, each of which must be there, or must not. */
function lookUps(table: PresenceTable, keys: readonly Uint8Array[], there: boolean): () => void {
  const place: Place = { shard: 0, slot: 0, generation: 0, flags: 0 };
  let next = 0;
  return () => {
    for (let i = 0; i < LOOK_UPS; i++) {
      if (table.find(keys[next]!, place) !== there) throw new Error('The presence table is wrong.');
      consume(place.slot);
      next = (next + 1) % PROBED_KEYS;
    }
  };
}

function comeAndGo(table: PresenceTable, keys: readonly Uint8Array[]): () => void {
  const place: Place = { shard: 0, slot: 0, generation: 1, flags: 0 };
  const former: Place = { shard: 0, slot: 0, generation: 0, flags: 0 };
  return () => {
    for (const key of keys) {
      consume(table.claim(key, place, former).length);
      if (!table.release(key, place)) throw new Error('The presence table has lost a peer.');
    }
  };
}
