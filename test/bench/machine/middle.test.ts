import * as fc from 'fast-check';
import * as statistics from 'simple-statistics';
import { describe, expect, test } from 'vitest';
import { median, midmean } from '../../../bench/machine/middle.ts';

const samples = fc.array(fc.double({ min: -1e9, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 50 });

describe('middles of samples', () => {
  test('the median is that of simple-statistics', () => {
    fc.assert(
      fc.property(samples, (given) => {
        expect(median(given)).toBeCloseTo(statistics.median(given), 3);
      }),
    );
  });

  test('the midmean is the mean of the middle half', () => {
    expect(midmean([100, 1, 2, 3, 4, 5, 6, -100])).toBe(3.5);
    expect(midmean([1, 3])).toBe(2);
    expect(midmean([7])).toBe(7);
  });

  test('neither changes what it is given', () => {
    const given = [3, 1, 2];
    median(given);
    midmean(given);
    expect(given).toEqual([3, 1, 2]);
  });

  test('there is none of nothing', () => {
    expect(() => median([])).toThrow(RangeError);
    expect(() => midmean([])).toThrow(RangeError);
  });
});
