import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { PresenceChange } from '../../core/threads/messages.ts';
import { CHANGES_GATHER_MS, ChangePosts, MOST_CHANGES } from '../../workers/shard/change-posts.ts';

const change = (peer: number): PresenceChange => ({ peer: Uint8Array.of(peer >> 8, peer & 255), away: true });
const numberOf = ({ peer }: PresenceChange): number => (peer[0]! << 8) | peer[1]!;

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe('changes on their way to the main thread', () => {
  test('the first goes at the end of its turn; what comes within the time after it goes together', () => {
    const posts: number[][] = [];
    const changes = new ChangePosts((list) => posts.push(list.map(numberOf)));
    changes.turnEnded();
    changes.add(change(1));
    changes.add(change(2));
    changes.turnEnded();
    expect(posts).toEqual([[1, 2]]);
    for (let k = 3; k < 10; k++) {
      changes.add(change(k));
      changes.turnEnded();
    }
    expect(posts).toHaveLength(1);
    vi.advanceTimersByTime(CHANGES_GATHER_MS);
    expect(posts).toEqual([
      [1, 2],
      [3, 4, 5, 6, 7, 8, 9],
    ]);
    vi.advanceTimersByTime(CHANGES_GATHER_MS);
    changes.add(change(10));
    changes.turnEnded();
    expect(posts.at(-1)).toEqual([10]);
  });

  test('one that cannot be posted holds up none of those after it', () => {
    const posts: number[][] = [];
    const changes = new ChangePosts((list) => {
      if (numberOf(list[0]!) === 1) throw new Error('no');
      posts.push(list.map(numberOf));
    });
    changes.add(change(1));
    expect(() => changes.turnEnded()).toThrow('no');
    changes.add(change(2));
    changes.turnEnded();
    vi.advanceTimersByTime(CHANGES_GATHER_MS);
    expect(posts).toEqual([[2]]);
  });

  test('none is lost, doubled or out of order, none waits longer than the time, and no more wait than may', () => {
    const step = fc.oneof(
      fc.record({ add: fc.integer({ min: 1, max: 700 }), flush: fc.boolean() }),
      fc.record({ wait: fc.nat(2 * CHANGES_GATHER_MS) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const got: number[] = [];
        const changes = new ChangePosts((list) => got.push(...list.map(numberOf)));
        let added = 0;
        let lastAddAt = 0;
        let now = 0;
        for (const one of steps) {
          if ('add' in one) {
            for (let k = 0; k < one.add; k++) changes.add(change(added++));
            changes.turnEnded();
            lastAddAt = now;
            if (one.flush) {
              changes.flush();
              expect(got).toHaveLength(added);
            }
          } else {
            vi.advanceTimersByTime(one.wait);
            now += one.wait;
          }
          expect(added - got.length).toBeLessThan(MOST_CHANGES);
          if (now - lastAddAt >= CHANGES_GATHER_MS) expect(got).toHaveLength(added);
        }
        changes.stop();
        expect(got).toEqual(Array.from({ length: added }, (_, k) => k));
        expect(vi.getTimerCount()).toBe(0);
      }),
    );
  });
});
