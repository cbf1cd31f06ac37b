/** Seeded random numbers, and the distributions that the literature gives for a supernode's load. */
import { randomNumbers } from '../random.ts';

/** The standard normal's 95th percentile. */
const NORMAL_P95 = 1.644854;

/** Sigma of the lognormal distribution with this median and 95th percentile. */
export function sigmaFromP95(median: number, p95: number): number {
  return Math.log(p95 / median) / NORMAL_P95;
}

/** Sigma of the lognormal distribution with this median and mean. */
export function sigmaFromMean(median: number, mean: number): number {
  return Math.sqrt(2 * Math.log(mean / median));
}

export class Draws {
  /** From 0 up to, not including, 1. */
  readonly uniform: () => number;

  constructor(seed: number) {
    this.uniform = randomNumbers(seed);
  }

  /** A whole number from 0 up to, not including, `limit`. */
  below(limit: number): number {
    return Math.floor(this.uniform() * limit);
  }

  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  chance(share: number): boolean {
    return this.uniform() < share;
  }

  /** The gaps of a Poisson process; times that have no memory. */
  exponential(mean: number): number {
    return -mean * Math.log(1 - this.uniform());
  }

  lognormal(median: number, sigma: number): number {
    return median * Math.exp(sigma * this.#normal());
  }

  /**
   * What is left of a lognormal duration that is under way when somebody looks: long ones are met more often (their
   * lengths are lognormal with median * exp(sigma^2)), and one is met at any point of it.
   */
  lognormalRest(median: number, sigma: number): number {
    return this.uniform() * this.lognormal(median * Math.exp(sigma * sigma), sigma);
  }

  /** Box and Muller's way; 1 - uniform is never 0. */
  #normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }
}
