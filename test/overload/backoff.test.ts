import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fullJitterMs } from '../../core/overload/backoff.ts';

const bounds = { baseMs: 250, capMs: 30_000 };

describe('full jitter', () => {
  it('doubles the most that it waits, up to the cap', () => {
    const most = [0, 1, 2, 6, 7, 100, 10_000].map((attempt) => fullJitterMs(attempt, bounds, () => 1));
    expect(most).toEqual([250, 500, 1000, 16_000, 30_000, 30_000, 30_000]);
  });

  it('may not wait at all', () => {
    expect(fullJitterMs(5, bounds, () => 0)).toBe(0);
  });

  it('is spread evenly below the most', () => {
    fc.assert(
      fc.property(
        fc.nat(50),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (attempt, random) => {
          const most = Math.min(bounds.capMs, bounds.baseMs * 2 ** attempt);
          expect(fullJitterMs(attempt, bounds, () => random)).toBeCloseTo(random * most);
        },
      ),
    );
  });
});
