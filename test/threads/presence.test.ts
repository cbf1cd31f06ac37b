import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createPresence,
  type Place,
  PRESENCE_AWAY,
  PRESENCE_PLAIN,
  PresenceTable,
} from '../../core/threads/presence.ts';

const SEED = Uint8Array.from({ length: 32 }, (_, i) => i * 11 + 3);
const nowhere = (): Place => ({ shard: -1, slot: -1, generation: -1, flags: -1 });

function key(number: number): Uint8Array {
  const bytes = new Uint8Array(32);
  new DataView(bytes.buffer).setUint32(28, number);
  return bytes;
}

const place = fc.record({
  shard: fc.integer({ min: 0, max: 63 }),
  slot: fc.integer({ min: 0, max: 0x7fff_ffff }),
  generation: fc.integer({ min: 0, max: 0x7fff_ffff }),
  flags: fc.integer({ min: 0, max: 3 }),
});
const keyNumber = fc.integer({ min: 0, max: 23 });
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('claim' as const), key: keyNumber, place }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('release' as const), key: keyNumber }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('release wrongly' as const), key: keyNumber, place }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('set flags' as const), key: keyNumber, place }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('set flags wrongly' as const), key: keyNumber, place }),
  },
);

function samePlace(a: Place, b: Place): boolean {
  return a.shard === b.shard && a.slot === b.slot && a.generation === b.generation;
}

describe('the presence table', () => {
  // 24 keys in a table with room for 8 or 16: collisions, wrap-around and `full` are the rule, not the exception.
  test.each([8, 16])('agrees with a Map, with room for %i peers', (room) => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 200 }),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        (steps, seed) => {
          const table = new PresenceTable(createPresence(room, seed));
          const model = new Map<number, Place>();
          for (const one of steps) {
            if (one.do === 'claim') {
              const former = nowhere();
              const had = model.get(one.key);
              const result = table.claim(key(one.key), one.place, former);
              if (had) {
                expect(result).toBe('replaced');
                expect(former).toEqual(had);
              } else expect(result).toBe(model.size < room ? 'new' : 'full');
              if (result !== 'full') model.set(one.key, { ...one.place });
            } else if (one.do === 'set flags' || one.do === 'set flags wrongly') {
              const had = model.get(one.key);
              const given = one.do === 'set flags' ? (had ?? nowhere()) : one.place;
              const same = had !== undefined && samePlace(had, given);
              expect(table.setFlags(key(one.key), given, one.place.flags)).toBe(same);
              if (same) had.flags = one.place.flags;
            } else {
              const had = model.get(one.key);
              const given = one.do === 'release' ? (had ?? nowhere()) : one.place;
              const same = had !== undefined && samePlace(had, given);
              expect(table.release(key(one.key), given)).toBe(same);
              if (same) model.delete(one.key);
            }
            expect(table.size).toBe(model.size);
            for (let number = 0; number < 24; number++) {
              const found = nowhere();
              const expected = model.get(number);
              expect(table.find(key(number), found)).toBe(expected !== undefined);
              if (expected) expect(found).toEqual(expected);
              // The same for a key in the midst of other bytes.
              const within = nowhere();
              const bytes = Uint8Array.from([9, 9, 9, ...key(number), 9]);
              expect(table.findAt(bytes, 3, within)).toBe(expected !== undefined);
              expect(within).toEqual(found);
            }
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  test('is full at the number of peers that it was made for, not at its next power of two', () => {
    for (const room of [1, 2, 3, 10, 100]) {
      const table = new PresenceTable(createPresence(room, SEED));
      const results = Array.from({ length: room + 1 }, (_, number) =>
        table.claim(key(number), { shard: 0, slot: number, generation: 1, flags: 0 }, nowhere()),
      );
      expect(results).toEqual([...new Array<string>(room).fill('new'), 'full']);
      expect(table.capacity).toBe(room);
    }
  });

  test('still lets a peer that is in it log in again when it is full', () => {
    const table = new PresenceTable(createPresence(1, SEED));
    table.claim(key(1), { shard: 0, slot: 5, generation: 1, flags: 0 }, nowhere());
    const former = nowhere();
    expect(table.claim(key(1), { shard: 1, slot: 6, generation: 2, flags: 0 }, former)).toBe('replaced');
    expect(former).toEqual({ shard: 0, slot: 5, generation: 1, flags: 0 });
  });

  test('keeps the place of a newer session when the older one leaves', () => {
    const table = new PresenceTable(createPresence(4, SEED));
    const older = { shard: 0, slot: 5, generation: 1, flags: 0 };
    const newer = { shard: 0, slot: 5, generation: 2, flags: 0 };
    table.claim(key(1), older, nowhere());
    table.claim(key(1), newer, nowhere());
    expect(table.release(key(1), older)).toBe(false);
    const found = nowhere();
    expect(table.find(key(1), found)).toBe(true);
    expect(found).toEqual(newer);
  });

  test('keeps the flags of a newer session when an older one sets its own', () => {
    const table = new PresenceTable(createPresence(4, SEED));
    const older = { shard: 0, slot: 5, generation: 1, flags: 0 };
    const newer = { shard: 0, slot: 5, generation: 2, flags: PRESENCE_AWAY };
    table.claim(key(1), older, nowhere());
    table.claim(key(1), newer, nowhere());
    expect(table.setFlags(key(1), older, PRESENCE_PLAIN)).toBe(false);
    const found = nowhere();
    table.find(key(1), found);
    expect(found).toEqual(newer);
  });

  test('takes keys of 32 bytes only', () => {
    const table = new PresenceTable(createPresence(4, SEED));
    expect(() => table.find(new Uint8Array(31), nowhere())).toThrow(RangeError);
    expect(() => table.findAt(new Uint8Array(40), 9, nowhere())).toThrow(RangeError);
  });

  test('puts keys elsewhere under another seed', () => {
    const used = (seed: Uint8Array): string => {
      const memory = createPresence(64, seed);
      const table = new PresenceTable(memory);
      for (let number = 0; number < 32; number++) {
        table.claim(key(number), { shard: 0, slot: number, generation: 1, flags: 0 }, nowhere());
      }
      const words = new Int32Array(memory);
      return Array.from({ length: 128 }, (_, bucket) => words[16 + bucket * 12 + 1]).join('');
    };
    expect(used(SEED)).not.toBe(used(SEED.map((byte) => byte ^ 0x55)));
  });
});
