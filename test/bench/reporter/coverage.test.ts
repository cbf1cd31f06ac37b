import { describe, expect, it } from 'vitest';
import { median, quantile } from '../../../bench/reporter/statistics/location.ts';
import { ratioOf } from '../../../bench/reporter/statistics/ratio.ts';
import { Random } from './fixtures/random.ts';

const TRIALS = 4000;
const TRUTH = 1.1;

/** A round's figure: usually a few percent off, sometimes slowed down by another program. */
function rounds(random: Random, count: number, around: number): number[] {
  return Array.from({ length: count }, () => around * random.factor(0.03) * (random.next() < 0.1 ? 0.85 : 1));
}

function bootstrap(random: Random, a: number[], b: number[]): { low: number; high: number } {
  const draw = (from: number[]) => from.map(() => from[Math.floor(random.next() * from.length)]!);
  const ratios = Array.from({ length: 200 }, () => median(draw(a)) / median(draw(b)));
  return { low: quantile(ratios, 0.025), high: quantile(ratios, 0.975) };
}

type Interval = (random: Random, a: number[], b: number[]) => { low: number; high: number };

/** Share of trials in which the interval holds the true ratio, and how wide it is: mean logarithm of high over low. */
function coverage(count: number, trials: number, interval: Interval): { share: number; width: number } {
  const random = new Random(count);
  let [held, width] = [0, 0];
  for (let trial = 0; trial < trials; trial++) {
    const { low, high } = interval(random, rounds(random, count, TRUTH), rounds(random, count, 1));
    width += Math.log(high / low) / trials;
    if (low <= TRUTH && TRUTH <= high) held++;
  }
  return { share: held / trials, width };
}

describe('the interval of a ratio', () => {
  it.each([5, 8, 12])('holds the truth in 95 of 100 cases and more, with %i rounds', (count) => {
    const { share } = coverage(count, TRIALS, (_, a, b) => ratioOf(a, b)!);
    // It is exact, so it misses by the noise of the trials alone: 3 standard errors are 0.01.
    expect(share).toBeGreaterThan(0.94);
    expect(share).toBeLessThan(0.985);
  });

  it('is narrower than that of a bootstrap, which holds it no more often', () => {
    const own = coverage(12, 600, (_, a, b) => ratioOf(a, b)!);
    const resampled = coverage(12, 600, bootstrap);
    expect(own.width).toBeLessThan(0.97 * resampled.width);
    expect(own.share).toBeGreaterThan(resampled.share - 0.02);
  });
});
