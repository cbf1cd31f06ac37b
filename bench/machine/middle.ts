/** Middles of samples that outliers do not move. Both throw RangeError when there are none. */

export function median(samples: readonly number[]): number {
  const sorted = rising(samples);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/**
 * The mean of the middle half. Where samples fall into two groups, as on a core whose neighbour comes and goes, it moves
 * smoothly with the share of each, and a median would jump from one to the other.
 */
export function midmean(samples: readonly number[]): number {
  const sorted = rising(samples);
  const quarter = Math.floor(sorted.length / 4);
  const middle = sorted.slice(quarter, sorted.length - quarter);
  return middle.reduce((sum, sample) => sum + sample, 0) / middle.length;
}

function rising(samples: readonly number[]): number[] {
  if (samples.length === 0) throw new RangeError('There is no middle of no samples.');
  return samples.toSorted((a, b) => a - b);
}
