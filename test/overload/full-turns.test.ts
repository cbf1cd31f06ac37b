import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FullTurns } from '../../core/overload/full-turns.ts';

const loginsPerSec = fc.integer({ min: 1, max: 10_000 });
const gaps = fc.array(fc.integer({ min: 0, max: 2_000 }), { minLength: 1, maxLength: 500 });

describe('when those come back who found the relay full', () => {
  it('is after 5 s at the earliest and 60 s at the latest, whoever came before', () => {
    fc.assert(
      fc.property(loginsPerSec, gaps, (rate, waits) => {
        const turns = new FullTurns();
        let now = 0;
        for (const wait of waits) {
          now += wait;
          const retryAfterMs = turns.retryAfterMs(now, rate);
          expect(retryAfterMs).toBeGreaterThanOrEqual(5_000);
          expect(retryAfterMs).toBeLessThanOrEqual(60_000);
        }
      }),
    );
  });

  it('spreads those who come in one moment over a tenth of the logins', () => {
    const turns = new FullTurns();
    // A tenth of 1,000 a second: one every 10 ms.
    const told = Array.from({ length: 1_000 }, () => turns.retryAfterMs(0, 1_000));
    expect(told).toEqual(told.map((_, at) => 5_000 + 10 * at));
  });

  it('is not pushed away by keys made for it: the next is told a minute, and the one after a pause 5 s', () => {
    const turns = new FullTurns();
    for (let at = 0; at < 100_000; at++) turns.retryAfterMs(at / 100, 1_000);
    expect(turns.retryAfterMs(1_000, 1_000)).toBe(60_000);
    expect(turns.retryAfterMs(61_000, 1_000)).toBe(5_000);
  });
});
