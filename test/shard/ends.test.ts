import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Ends, INDEX_MASK } from '../../workers/shard/ends.ts';

describe('the table of channel ends', () => {
  test('agrees with a Map of live labels, and no freed label ever names an end again', () => {
    fc.assert(
      fc.property(
        // Above 0: allocate so many; below: free so many, chosen by the number.
        fc.array(fc.integer({ min: -300, max: 300 }), { minLength: 1, maxLength: 40 }),
        fc.nat(),
        (steps, salt) => {
          const ends = new Ends();
          const live = new Map<number, { index: number; owner: number }>();
          const dead = new Set<number>();
          let owner = 0;
          for (const count of steps) {
            for (let i = 0; i < count; i++) {
              const index = ends.allocate(++owner);
              const label = ends.label[index]!;
              expect(live.has(label) || dead.has(label)).toBe(false);
              expect(label).toBeGreaterThanOrEqual(65_536);
              expect(label & INDEX_MASK).toBe(index);
              live.set(label, { index, owner });
              // Dirt that the next owner of this place must not find.
              expect([
                ends.credit[index],
                ends.creditDue[index],
                ends.owed[index],
                ends.ended[index],
              ]).toEqual([0, 0, 0, 0]);
              expect([ends.next[index], ends.prev[index], ends.peerLabel[index]]).toEqual([0, 0, 0]);
              ends.credit[index] = ends.creditDue[index] = ends.owed[index] = ends.next[index] = 9;
              ends.ended[index] = ends.prev[index] = ends.peerLabel[index] = 9;
            }
            const labels = [...live.keys()];
            for (let i = 0; i < -count && live.size > 0; i++) {
              const label = labels.splice((salt + i * 7919) % labels.length, 1)[0]!;
              ends.free(live.get(label)!.index);
              live.delete(label);
              dead.add(label);
            }
            expect(ends.count).toBe(live.size);
          }
          for (const [label, { index, owner: mine }] of live) {
            expect(ends.indexOf(label)).toBe(index);
            expect(ends.owner[index]).toBe(mine);
          }
          for (const label of dead) expect(ends.indexOf(label)).toBe(-1);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('knows no label that was never given: not 0, not a neighbour, not one beyond the table', () => {
    const ends = new Ends();
    const label = ends.label[ends.allocate(1)]!;
    for (const other of [0, 1, label + 1, label ^ (1 << 20), 0xffff_ffff, INDEX_MASK, (label | 0) - 1]) {
      expect(ends.indexOf(other >>> 0)).toBe(-1);
    }
  });

  test('keeps every field when it grows', () => {
    const ends = new Ends();
    const columns = Object.entries(ends).filter(([name]) => name !== 'label' && name !== 'state');
    expect(columns.length).toBeGreaterThan(10);
    const before = ends.label.length;
    const labels: number[] = [];
    for (let i = 0; i < before * 4 + 1; i++) {
      const index = ends.allocate(i);
      for (const [name] of columns) {
        if (name !== 'owner') (ends[name as 'credit'] as Uint32Array)[index] = (i * 31) & 0xff;
      }
      labels.push(ends.label[index]!);
    }
    expect(ends.label.length).toBeGreaterThan(before);
    labels.forEach((label, i) => {
      const index = ends.indexOf(label);
      expect(ends.owner[index]).toBe(i);
      for (const [name] of columns) {
        if (name !== 'owner') expect((ends[name as 'credit'] as Uint32Array)[index]).toBe((i * 31) & 0xff);
      }
    });
  });

  test('gives a label again only after thousands of other ends, however few are in use', () => {
    const ends = new Ends();
    const first = ends.label[ends.allocate(1)]!;
    ends.free(ends.indexOf(first));
    let others = 0;
    for (; others < 1_000_000; others++) {
      const index = ends.allocate(1);
      if (ends.label[index] === first) break;
      ends.free(index);
    }
    expect(others).toBeGreaterThan(1_000_000 - 1);
  });

  test('says -1 when all 2^20 ends are in use, and goes on when one is free', { timeout: 30_000 }, () => {
    const ends = new Ends();
    let last = -1;
    for (let i = 0; i < 1 << 20; i++) last = ends.allocate(i);
    expect(ends.count).toBe(1 << 20);
    expect(ends.allocate(1)).toBe(-1);
    const label = ends.label[last]!;
    ends.free(last);
    const again = ends.allocate(2);
    expect(again).toBe(last);
    expect(ends.label[again]).not.toBe(label);
    expect(ends.indexOf(label)).toBe(-1);
    expect(ends.allocate(1)).toBe(-1);
  });
});
