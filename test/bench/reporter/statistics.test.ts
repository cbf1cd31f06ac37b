import fc from 'fast-check';
import * as oracle from 'simple-statistics';
import { describe, expect, it } from 'vitest';
import { holm } from '../../../bench/reporter/statistics/holm.ts';
import {
  geometricMean,
  median,
  medianAbsoluteDeviation,
  quantile,
} from '../../../bench/reporter/statistics/location.ts';
import {
  criticalU,
  mannWhitney,
  normalTail,
  smallestP,
} from '../../../bench/reporter/statistics/rank-sum.ts';
import { ratioOf } from '../../../bench/reporter/statistics/ratio.ts';

const value = fc.double({ min: 0.01, max: 1e6, noNaN: true });
const sample = fc.array(value, { minLength: 1, maxLength: 15 });

/** Slow and plain: the share of all ways to divide the values whose U is at least as far from the middle. */
function pByEnumeration(a: number[], b: number[]): number {
  const all = [...a, ...b];
  const uOf = (first: number[], second: number[]) =>
    first.reduce((sum, x) => sum + second.reduce((part, y) => part + (x > y ? 1 : x === y ? 0.5 : 0), 0), 0);
  const middle = (a.length * b.length) / 2;
  const distance = Math.abs(uOf(a, b) - middle);
  let [ways, asFar] = [0, 0];
  for (let mask = 0; mask < 2 ** all.length; mask++) {
    const first = all.filter((_, index) => mask & (1 << index));
    if (first.length !== a.length) continue;
    ways++;
    const second = all.filter((_, index) => !(mask & (1 << index)));
    if (Math.abs(uOf(first, second) - middle) >= distance) asFar++;
  }
  return asFar / ways;
}

describe('location', () => {
  it('agrees with simple-statistics', () => {
    fc.assert(
      fc.property(sample, (values) => {
        expect(median(values)).toBeCloseTo(oracle.median(values), 6);
        expect(medianAbsoluteDeviation(values)).toBeCloseTo(oracle.medianAbsoluteDeviation(values), 6);
        expect(geometricMean(values) / oracle.logAverage(values)).toBeCloseTo(1, 9);
      }),
    );
  });

  it('interpolates quantiles as R does by default', () => {
    // quantile(c(1, 2, 4, 8, 16), c(0.1, 0.25, 0.9)) in R.
    const values = [16, 1, 8, 2, 4];
    expect([0.1, 0.25, 0.9].map((q) => quantile(values, q))).toEqual([1.4, 2, 12.8]);
    expect(values).toEqual([16, 1, 8, 2, 4]);
  });

  it('refuses what has no answer', () => {
    expect(() => median([])).toThrow(RangeError);
    expect(() => quantile([1], 1.5)).toThrow('1.5');
    expect(() => geometricMean([1, 0])).toThrow('above 0, not 0');
  });
});

describe('the Mann-Whitney test', () => {
  it('gives the published p of samples in textbooks', () => {
    // Hollander and Wolfe 1973, p. 69 (example of wilcox.test in R): W = 35, one-sided p 0.1272, two-sided 0.2544.
    const atTerm = [0.8, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
    const early = [1.15, 0.88, 0.9, 0.74, 1.21];
    expect(mannWhitney(atTerm, early)).toMatchObject({ u: 35, exact: true });
    expect(mannWhitney(atTerm, early).p).toBeCloseTo(0.2544, 4);
    // The example of scipy.stats.mannwhitneyu: U = 17, exact p 0.1111.
    expect(mannWhitney([19, 22, 16, 29, 24], [20, 11, 17, 12])).toMatchObject({ u: 17 });
    expect(mannWhitney([19, 22, 16, 29, 24], [20, 11, 17, 12]).p).toBeCloseTo(0.1111, 4);
  });

  it('is exact with ties and without', () => {
    const few = fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(few, few, (a, b) => {
        expect(mannWhitney(a, b).p).toBeCloseTo(pByEnumeration(a, b), 10);
      }),
    );
  });

  it('approximates what is too large to be exact', () => {
    const a = Array.from({ length: 20 }, (_, index) => index * 2);
    const b = Array.from({ length: 20 }, (_, index) => index * 2 + 7.5);
    const exact = mannWhitney(a, b);
    expect(exact.exact).toBe(true);
    const larger = mannWhitney([...a, 19.25], b);
    expect(larger.exact).toBe(false);
    expect(Math.abs(larger.p - exact.p)).toBeLessThan(0.02);
    expect(mannWhitney(new Array<number>(30).fill(1), new Array<number>(30).fill(1)).p).toBe(1);
  });

  it('has the same U as simple-statistics has rank sums', () => {
    fc.assert(
      fc.property(sample, sample, (a, b) => {
        const rankSum = oracle.wilcoxonRankSum(a, b);
        expect(mannWhitney(a, b).u).toBeCloseTo(rankSum - (a.length * (a.length + 1)) / 2, 9);
      }),
    );
  });

  it('does not mind the order of samples, nor their unit', () => {
    fc.assert(
      fc.property(sample, sample, fc.integer({ min: -6, max: 6 }), (a, b, power) => {
        const { p, u } = mannWhitney(a, b);
        expect(mannWhitney(b, a).p).toBeCloseTo(p, 12);
        expect(mannWhitney(b, a).u).toBe(a.length * b.length - u);
        const scaled = (values: number[]) => values.map((each) => each * 2 ** power);
        expect(mannWhitney(scaled(a), scaled(b)).p).toBe(p);
      }),
    );
  });

  it('knows the least p of so many rounds, and the tail of the normal distribution', () => {
    expect(mannWhitney([1, 2, 3], [4, 5, 6]).p).toBeCloseTo(smallestP(3, 3), 12);
    expect(smallestP(8, 8)).toBeCloseTo(2 / 12_870, 12);
    for (const z of [-3, -1, 0, 0.5, 1, 2, 2.99]) {
      expect(normalTail(z)).toBeCloseTo(1 - oracle.cumulativeStdNormalProbability(z), 3);
    }
    expect(normalTail(1.959963985)).toBeCloseTo(0.025, 9);
    expect(normalTail(5) / 2.866515719e-7).toBeCloseTo(1, 7);
  });

  it('finds the critical values of published tables', () => {
    // Two-sided 5%: the tables give the largest U that is significant, one less than this.
    const table: [number, number, number][] = [
      [4, 4, 0],
      [5, 5, 2],
      [8, 8, 13],
      [10, 10, 23],
      [20, 20, 127],
    ];
    for (const [n, m, largest] of table) expect(criticalU(n, m, 0.025)).toBe(largest + 1);
    expect(criticalU(3, 3, 0.025)).toBe(0);
    expect(Math.abs(criticalU(21, 21, 0.025) - 143)).toBeLessThanOrEqual(1);
  });
});

describe('the ratio', () => {
  it('is that of Hodges and Lehmann, on logarithms', () => {
    // wilcox.test(log(a), log(b), conf.int = TRUE) in R has the median of all differences as its estimate.
    const [a, b] = [
      [10, 12, 11, 13, 12.5],
      [5, 6, 5.5, 6.2, 5.9],
    ] as const;
    const all = a.flatMap((x) => b.map((y) => x / y)).sort((x, y) => x - y);
    const estimate = ratioOf(a, b)!;
    expect(estimate.ratio).toBeCloseTo(all[12]!, 12);
    // k = 3 for 5 and 5: the third from each end.
    expect(estimate.low).toBeCloseTo(all[2]!, 12);
    expect(estimate.high).toBeCloseTo(all[22]!, 12);
    expect(estimate.confidence).toBe(0.95);
  });

  it('turns around with its samples, and follows their unit', () => {
    fc.assert(
      fc.property(sample, sample, (a, b) => {
        const [there, back] = [ratioOf(a, b)!, ratioOf(b, a)!];
        expect(there.ratio * back.ratio).toBeCloseTo(1, 9);
        expect(there.low * back.high).toBeCloseTo(1, 9);
        expect(there.low).toBeLessThanOrEqual(there.ratio * (1 + 1e-12));
        expect(there.high).toBeGreaterThanOrEqual(there.ratio * (1 - 1e-12));
        const tenfold = ratioOf(
          a.map((each) => each * 10),
          b,
        )!;
        expect(tenfold.ratio / there.ratio).toBeCloseTo(10, 9);
      }),
    );
  });

  it('excludes 1 exactly where the test is significant', () => {
    // Apart from each other by more than the rounding of a ratio.
    const hundredths = fc.integer({ min: 1, max: 1e8 }).map((n) => n / 100);
    const apart = fc.uniqueArray(hundredths, { minLength: 8, maxLength: 20 });
    fc.assert(
      fc.property(apart, fc.integer({ min: 4, max: 7 }), (values, cut) => {
        const [a, b] = [values.slice(0, cut), values.slice(cut)];
        const { low, high, confidence } = ratioOf(a, b)!;
        fc.pre(confidence === 0.95);
        expect(low > 1 || high < 1).toBe(mannWhitney(a, b).p <= 0.05);
      }),
    );
  });

  it('says how sure it is where rounds are few, and has no answer without a ratio', () => {
    expect(ratioOf([2], [1])).toEqual({ ratio: 2, low: 2, high: 2, confidence: 0 });
    expect(ratioOf([2, 2.1, 2.2], [1, 1.1, 1.2])!.confidence).toBeCloseTo(0.9, 12);
    expect(ratioOf([0, 1], [1, 2])).toBeNull();
    expect(ratioOf([1, -1], [1, 2])).toBeNull();
    expect(() => ratioOf([], [1])).toThrow(RangeError);
  });
});

describe('the correction of Holm', () => {
  it('gives what p.adjust gives in R', () => {
    // p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")
    expect(holm([0.01, 0.04, 0.03, 0.005])).toEqual([0.03, 0.06, 0.06, 0.02]);
    expect(holm([])).toEqual([]);
  });

  it('never lowers a p, keeps their order, and stays at most 1', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true })), (pValues) => {
        const adjusted = holm(pValues);
        adjusted.forEach((p, index) => {
          expect(p).toBeGreaterThanOrEqual(pValues[index]!);
          expect(p).toBeLessThanOrEqual(1);
          adjusted.forEach((other, at) => {
            if (pValues[at]! > pValues[index]!) expect(other).toBeGreaterThanOrEqual(p);
          });
        });
      }),
    );
  });
});
