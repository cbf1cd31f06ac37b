import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  channelNumber,
  type DrainTimes,
  type LeavingSessions,
  MOST_TOGETHER,
  planDrain,
  RESTART_MS,
} from '../../core/overload/drain-plan.ts';

type Place = [shard: number, order: number];

/** What the shards say when these sessions have these channels. */
function leaving(counts: number[], channels: [Place, Place][]): LeavingSessions[] {
  const lists = counts.map((count) => ({ count, channels: [] as number[], owners: [] as number[] }));
  channels.forEach(([[aShard, a], [bShard, b]], index) => {
    const [near, far] = [65_536 + 2 * index, 65_537 + 2 * index];
    lists[aShard]!.channels.push(channelNumber(aShard, near, bShard, far));
    lists[aShard]!.owners.push(a);
    lists[bShard]!.channels.push(channelNumber(bShard, far, aShard, near));
    lists[bShard]!.owners.push(b);
  });
  return lists.map(({ count, channels: numbers, owners }) => ({
    count,
    channels: Float64Array.from(numbers),
    owners: Uint32Array.from(owners),
  }));
}

const times: DrainTimes = { graceMs: 1_000, spreadMs: 10_000, retryAfterMs: null, successors: 2 };

describe('the plan of a drain', () => {
  test('2,500 calls over 4 shards: no tenth of the spread has more than its share and one call', () => {
    const calls = Array.from({ length: 2_500 }, (_, i): [Place, Place] => {
      const [a, b] = [2 * i, 2 * i + 1].map((n) => (n * 7_919) % 5_000) as [number, number];
      return [
        [a % 4, Math.floor(a / 4)],
        [b % 4, Math.floor(b / 4)],
      ];
    });
    const orders = planDrain(leaving([1_250, 1_250, 1_250, 1_250], calls), times);
    const tenths = new Array<number>(10).fill(0);
    const loads = [0, 0];
    for (const { inMs, successor } of orders) {
      for (const at of inMs) tenths[Math.min(9, Math.floor((at - 1_000) / 1_000))]!++;
      for (const index of successor) loads[index]!++;
    }
    expect(Math.max(...tenths)).toBeLessThanOrEqual(502);
    expect(Math.min(...tenths)).toBeGreaterThanOrEqual(498);
    expect(loads).toEqual([2_500, 2_500]);
    for (const [[aShard, a], [bShard, b]] of calls) {
      expect(orders[aShard]!.inMs[a]).toBe(orders[bShard]!.inMs[b]);
      expect(orders[aShard]!.successor[a]).toBe(orders[bShard]!.successor[b]);
    }
  });

  test('without successors each stays away until the last has left and another process is up', () => {
    const [{ inMs, retryAfterMs }] = planDrain(
      leaving(
        [4],
        [
          [
            [0, 0],
            [0, 1],
          ],
        ],
      ),
      { ...times, successors: 0 },
    ) as [ReturnType<typeof planDrain>[0]];
    expect([...inMs]).toEqual([1_000, 1_000, 0, 10_000]);
    const back = inMs.map((at, order) => at + retryAfterMs[order]!);
    // The last leaves at 11,000 ms at the latest; they come back over the spread from then on.
    expect([...back]).toEqual([
      11_000 + RESTART_MS,
      11_000 + RESTART_MS,
      11_000 + RESTART_MS,
      21_000 + RESTART_MS,
    ]);
  });

  test('a service with many callers has one successor, and is spread out', () => {
    const calls = Array.from({ length: 999 }, (_, i): [Place, Place] => [
      [0, 0],
      [0, i + 1],
    ]);
    const [{ inMs, successor }] = planDrain(leaving([1_000], calls), times) as [
      ReturnType<typeof planDrain>[0],
    ];
    expect(new Set(successor).size).toBe(1);
    expect(Math.max(...inMs)).toBe(11_000);
    const counts = new Map<number, number>();
    for (const at of inMs) counts.set(at, (counts.get(at) ?? 0) + 1);
    expect(Math.max(...counts.values())).toBeLessThanOrEqual(MOST_TOGETHER);
  });

  test('whatever the channels are: groups stay together as a plain search finds them, times stay within bounds', () => {
    const world = fc
      .tuple(
        fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 4 }),
        fc.infiniteStream(fc.nat()),
      )
      .chain(([counts, numbers]) => {
        const places = counts.flatMap((count, shard) =>
          Array.from({ length: count }, (_, order): Place => [shard, order]),
        );
        const place = (): Place => places[numbers.next().value! % places.length]!;
        const most = places.length === 0 ? 0 : 20;
        return fc.integer({ min: 0, max: most }).map((length) => ({
          counts,
          calls: Array.from({ length }, (): [Place, Place] => [place(), place()]),
        }));
      });
    fc.assert(
      fc.property(
        world,
        fc.integer({ min: 0, max: 5_000 }),
        fc.integer({ min: 0, max: 5_000 }),
        fc.integer({ min: 0, max: 8 }),
        ({ counts, calls }, graceMs, spreadMs, successors) => {
          const orders = planDrain(leaving(counts, calls), {
            graceMs,
            spreadMs,
            retryAfterMs: 7,
            successors,
          });
          const id = ([shard, order]: Place): string => `${shard}/${order}`;
          const near = new Map<string, Set<string>>();
          for (const [a, b] of calls) {
            for (const [one, two] of [
              [a, b],
              [b, a],
            ] as const) {
              near.set(id(one), (near.get(id(one)) ?? new Set()).add(id(two)));
            }
          }
          counts.forEach((count, shard) => {
            for (let order = 0; order < count; order++) {
              const group = new Set([id([shard, order])]);
              for (const member of group) for (const next of near.get(member) ?? []) group.add(next);
              const inMs = orders[shard]!.inMs[order]!;
              const fromMs = near.has(id([shard, order])) ? graceMs : 0;
              expect(inMs).toBeGreaterThanOrEqual(fromMs);
              expect(inMs).toBeLessThanOrEqual(fromMs + spreadMs);
              expect(orders[shard]!.retryAfterMs[order]).toBe(7);
              expect(orders[shard]!.successor[order]).toBeLessThan(Math.max(1, successors));
              for (const member of group) {
                const [itsShard, itsOrder] = member.split('/').map(Number) as Place;
                expect(orders[itsShard]!.successor[itsOrder]).toBe(orders[shard]!.successor[order]);
                if (group.size <= MOST_TOGETHER) expect(orders[itsShard]!.inMs[itsOrder]).toBe(inMs);
              }
            }
          });
        },
      ),
    );
  });
});
