import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Behind } from '../../core/overload/behind.ts';
import { PRIORITIES } from '../../core/protocol/ops.ts';

const classOf = (name: (typeof PRIORITIES)[number]): number => PRIORITIES.indexOf(name);
const LATE_MS = 50;
const LOTS = Array.from({ length: 100 }, (_, k) => k / 100);

/** What share of a hundred senders passes, of each class; every one is asked once. */
function share(behind: Behind): Record<string, number> {
  return Object.fromEntries(
    PRIORITIES.map((name) => [
      name,
      LOTS.filter((lot) => !behind.active || behind.passes(classOf(name), lot)).length / LOTS.length,
    ]),
  );
}

describe('a shard that is behind', () => {
  test('asks nobody while it is on time', () => {
    const behind = new Behind();
    for (let k = 0; k < 100; k++) behind.look(20, 0.5);
    expect(behind.active).toBe(false);
    expect(behind.level).toBe(1);
  });

  test.each([
    ['late', LATE_MS, 0],
    ['full', 0, 0.6],
  ])(
    'that is %s sheds bulk first, then video, then messages, and neither audio nor signal',
    (_, lateMs, queued) => {
      const behind = new Behind();
      const order: string[] = [];
      for (let k = 0; k < 1_000; k++) {
        behind.look(lateMs, queued);
        for (const [name, passing] of Object.entries(share(behind))) {
          if (passing === 0 && !order.includes(name)) order.push(name);
        }
      }
      expect(order).toEqual(['bulk', 'video', 'message']);
      expect(share(behind)).toMatchObject({ signal: 1, audio: 1 });
    },
  );

  test('keeps those whom it kept: a sender that passes at a lower level passes at a higher one', () => {
    const behind = new Behind();
    let before = new Set(LOTS);
    for (let k = 0; k < 40; k++) {
      behind.look(LATE_MS, 0);
      const passing = new Set(LOTS.filter((lot) => behind.passes(classOf('bulk'), lot)));
      expect([...passing].every((lot) => before.has(lot))).toBe(true);
      before = passing;
    }
  });

  test('lets everything pass again, whatever came before, once it is on time', () => {
    const look = fc.record({
      lateMs: fc.integer({ min: 0, max: 500 }),
      queued: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(look, { maxLength: 60 }), (looks) => {
        const behind = new Behind();
        for (const { lateMs, queued } of looks) {
          behind.look(lateMs, queued);
          expect(share(behind)).toMatchObject({ signal: 1, audio: 1 });
        }
        for (let k = 0; k < 1_000 && behind.active; k++) {
          share(behind);
          behind.look(0, 0);
        }
        expect(behind.active).toBe(false);
        expect(share(behind)).toEqual({ signal: 1, audio: 1, message: 1, video: 1, bulk: 1 });
      }),
      { numRuns: 100 },
    );
  });
});
