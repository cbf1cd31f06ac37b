/** Where a sample lies, and how far it spreads. None of these changes its argument. */

function sorted(values: readonly number[]): number[] {
  if (values.length === 0) throw new RangeError('A statistic of no values is not defined.');
  return [...values].sort((a, b) => a - b);
}

/**
 * The value below which a share `q` of the sample lies, by linear interpolation (Hyndman and Fan 1996, type 7: the
 * default of R and NumPy).
 *
 * @throws RangeError for an empty sample, or `q` outside 0..1.
 */
export function quantile(values: readonly number[], q: number): number {
  if (!(q >= 0 && q <= 1)) throw new RangeError(`A quantile is between 0 and 1, not ${q}.`);
  const inOrder = sorted(values);
  const at = (inOrder.length - 1) * q;
  const below = inOrder[Math.floor(at)]!;
  const above = inOrder[Math.ceil(at)]!;
  return below === above ? below : below + (above - below) * (at - Math.floor(at));
}

/** @throws RangeError for an empty sample. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Median distance from the median, not scaled to a standard deviation. */
export function medianAbsoluteDeviation(values: readonly number[]): number {
  const middle = median(values);
  return median(values.map((value) => Math.abs(value - middle)));
}

/**
 * The right mean of ratios: that of `x` and `1/x` is 1.
 *
 * @throws RangeError for an empty sample, or a value that is not above 0.
 */
export function geometricMean(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('A statistic of no values is not defined.');
  let sum = 0;
  for (const value of values) {
    if (!(value > 0)) throw new RangeError(`A geometric mean takes values above 0, not ${value}.`);
    sum += Math.log(value);
  }
  return Math.exp(sum / values.length);
}
