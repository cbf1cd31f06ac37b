import fc from 'fast-check';
import { mean, median, quantile, standardDeviation } from 'simple-statistics';
import { describe, expect, it } from 'vitest';
import { Draws, sigmaFromMean, sigmaFromP95 } from '../../../bench/load/scenarios/draws.ts';

const COUNT = 40_000;

function sample(draw: (draws: Draws) => number, seed = 7): number[] {
  const draws = new Draws(seed);
  return Array.from({ length: COUNT }, () => draw(draws));
}

describe('draws', () => {
  it('are the same for the same seed, and others for another', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), (one, other) => {
        const take = (seed: number): number[] => {
          const draws = new Draws(seed);
          return [draws.uniform(), draws.exponential(3), draws.lognormal(2, 1), draws.below(1000)];
        };
        expect(take(one)).toEqual(take(one));
        if (one !== other) expect(take(one)).not.toEqual(take(other));
      }),
    );
  });

  it('keep whole numbers within their bounds, both ends included', () => {
    const draws = new Draws(1);
    const seen = new Set(Array.from({ length: 1000 }, () => draws.between(4, 8)));
    expect([...seen].sort()).toEqual([4, 5, 6, 7, 8]);
  });

  it('have the mean and the deviation of an exponential distribution', () => {
    const drawn = sample((draws) => draws.exponential(20));
    expect(mean(drawn) / 20).toBeCloseTo(1, 1);
    expect(standardDeviation(drawn) / 20).toBeCloseTo(1, 1);
    expect(Math.min(...drawn.slice(0, 10_000))).toBeGreaterThanOrEqual(0);
  });

  it('have the median and the 95th percentile that a lognormal distribution was asked for', () => {
    const drawn = sample((draws) => draws.lognormal(200, sigmaFromP95(200, 1024)));
    expect(median(drawn) / 200).toBeCloseTo(1, 1);
    expect(quantile(drawn, 0.95) / 1024).toBeCloseTo(1, 1);
  });

  it('have the mean that a lognormal distribution was asked for', () => {
    const drawn = sample((draws) => draws.lognormal(100, sigmaFromMean(100, 150)));
    expect(mean(drawn) / 150).toBeCloseTo(1, 1);
  });

  it('meet long durations more often than short ones, at any point of them', () => {
    const sigma = 0.5;
    const rest = sample((draws) => draws.lognormalRest(100, sigma));
    // Of the inspection paradox: E[rest] = E[D^2] / 2 E[D] = median * exp(1.5 sigma^2) / 2.
    expect(mean(rest) / ((100 * Math.exp(1.5 * sigma * sigma)) / 2)).toBeCloseTo(1, 1);
  });
});
