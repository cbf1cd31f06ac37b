/**
 * The presence table with a million peers, all of them looked up in turn and in no order, so that most look-ups miss the
 * processor's caches. Beside it a Map with a million texts: the table that one writes first.
 */
import { KEY_BYTES, peerIdOf } from '../../core/protocol/peer-id.ts';
import { createPresence, type Place, PresenceTable } from '../../core/threads/presence.ts';
import { consume } from './blackhole.ts';
import { numbersFrom } from './numbers.ts';
import { defineSuite, sync, type Work } from './task.ts';

/** Tests have no time for a million: they set fewer, and the result's parameters say so. */
const PEERS = Number(process.env['SUPERNODE_BENCH_PEERS'] ?? 1_000_000);
const COUNT = PEERS.toLocaleString('en-US');
const LOOK_UPS = 1_024;
const parameters = { peers: PEERS, probed: PEERS, threads: 1 };

export const presenceMillionSuite = defineSuite({
  suite: 'presence-million',
  tasks: {
    hit: { title: `Find a peer that is there, among ${COUNT}`, operations: LOOK_UPS, parameters },
    miss: { title: `Look for a peer that is not there, among ${COUNT}`, operations: LOOK_UPS, parameters },
    map: { title: 'The same in a Map keyed by text', operations: LOOK_UPS, parameters },
  },
  async open() {
    const numbers = numbersFrom(7);
    const present = randomKeys(numbers);
    const absent = randomKeys(numbers);
    const table = new PresenceTable(createPresence(PEERS, numbers.bytes(KEY_BYTES)));
    const map = new Map<string, Place>();
    const texts: string[] = [];
    const former: Place = { shard: 0, slot: 0, generation: 0, flags: 0 };
    for (let slot = 0; slot < PEERS; slot++) {
      const key = present.subarray(slot * KEY_BYTES, (slot + 1) * KEY_BYTES);
      const place = { shard: 0, slot, generation: 1, flags: 0 };
      table.claim(key, place, former);
      const text = peerIdOf(key);
      map.set(text, place);
      texts.push(text);
    }
    // Neither table keeps the order of the keys, but a Map keeps that of its entries in memory.
    for (let i = PEERS - 1; i > 0; i--) swap(present, texts, i, numbers.next() % (i + 1));
    return {
      work: {
        hit: lookUps(table, present, true),
        miss: lookUps(table, absent, false),
        map: mapLookUps(map, texts),
      },
      close: async () => {},
    };
  },
});

function randomKeys({ next }: { next(): number }): Uint8Array {
  return new Uint8Array(Uint32Array.from({ length: (PEERS * KEY_BYTES) / 4 }, next).buffer);
}

function swap(keys: Uint8Array, texts: string[], a: number, b: number): void {
  const key = keys.slice(a * KEY_BYTES, (a + 1) * KEY_BYTES);
  keys.copyWithin(a * KEY_BYTES, b * KEY_BYTES, (b + 1) * KEY_BYTES);
  keys.set(key, b * KEY_BYTES);
  [texts[a], texts[b]] = [texts[b]!, texts[a]!];
}

function lookUps(table: PresenceTable, keys: Uint8Array, there: boolean): Work {
  const place: Place = { shard: 0, slot: 0, generation: 0, flags: 0 };
  let next = 0;
  return sync(() => {
    for (let i = 0; i < LOOK_UPS; i++) {
      if (table.findAt(keys, next, place) !== there) throw new Error('The presence table is wrong.');
      consume(place.slot);
      next += KEY_BYTES;
      if (next === keys.length) next = 0;
    }
  });
}

function mapLookUps(map: ReadonlyMap<string, Place>, texts: readonly string[]): Work {
  let next = 0;
  return sync(() => {
    for (let i = 0; i < LOOK_UPS; i++) {
      consume(map.get(texts[next]!)!.slot);
      next = (next + 1) % PEERS;
    }
  });
}
