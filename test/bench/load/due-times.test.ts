import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DueTimes } from '../../../bench/load/due-times.ts';
import type { Outgoing, Schedule } from '../../../bench/load/outgoing.ts';

/** Of an Outgoing the schedule is all that matters here. */
function lanesOf(schedules: Schedule[]): Outgoing[] {
  return schedules.map((schedule) => ({ schedule }) as Outgoing);
}

const EVERY_MS = 20;
const schedules = fc.array(
  fc.record({
    firstMs: fc.double({ min: 1_000, max: 1_000 + EVERY_MS, maxExcluded: true, noNaN: true }),
    everyMs: fc.constant(EVERY_MS),
    burst: fc.integer({ min: 1, max: 4 }),
  }),
  { minLength: 1, maxLength: 20 },
);

describe('the times at which packets are due', () => {
  it('come in order, each lane once in every interval', () => {
    fc.assert(
      fc.property(schedules, (all) => {
        const lanes = lanesOf(all);
        const times = new DueTimes(lanes);
        const taken: number[] = [];
        for (let turn = 0; turn < 3; turn++) {
          const seen = new Set<Outgoing>();
          for (let i = 0; i < lanes.length; i++) {
            taken.push(times.nextMs);
            seen.add(times.take());
          }
          expect(seen.size).toBe(lanes.length);
        }
        expect(taken).toEqual([...taken].sort((a, b) => a - b));
      }),
    );
  });

  it('are counted as a plain loop over them counts', () => {
    const span = fc.tuple(
      fc.double({ min: 900, max: 1_300, noNaN: true }),
      fc.double({ min: 0, max: 200, noNaN: true }),
    );
    fc.assert(
      fc.property(schedules, span, (all, [from, length]) => {
        let expected = 0;
        for (const { firstMs, everyMs, burst } of all) {
          for (let turn = 0; turn < 100; turn++) {
            const due = firstMs + turn * everyMs;
            if (due >= from && due < from + length) expected += burst;
          }
        }
        expect(new DueTimes(lanesOf(all)).between(from, from + length)).toBe(expected);
      }),
    );
  });
});
