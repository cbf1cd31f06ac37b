/**
 * The Mann-Whitney U test (Wilcoxon rank sum): are the values of one sample larger than those of the other? It assumes
 * nothing about the distribution, so a round that another program disturbed counts for its rank only.
 */

/** Up to this size of both samples the distribution is exact, with ties too. */
export const EXACT_LIMIT = 20;

export interface RankSum {
  /** Pairs in which the value of the first sample is the larger; a tie counts one half. */
  u: number;
  /** Two-sided. */
  p: number;
  exact: boolean;
}

/** Ranks times two, so that the mid-ranks of ties are integers; and the sizes of the groups of ties. */
function doubledRanks(values: readonly number[]): { ranks: number[]; ties: number[] } {
  const order = values.map((_, index) => index).sort((a, b) => values[a]! - values[b]!);
  const ranks = new Array<number>(values.length);
  const ties: number[] = [];
  for (let from = 0; from < order.length; ) {
    let to = from;
    while (to + 1 < order.length && values[order[to + 1]!] === values[order[from]!]) to++;
    for (let at = from; at <= to; at++) ranks[order[at]!] = from + to + 2;
    ties.push(to - from + 1);
    from = to + 1;
  }
  return { ranks, ties };
}

/**
 * `counts[s]`: in how many ways `size` of these ranks add up to `s`. Every count stays below 2^53: C(40, 20) is 1.4e11.
 * This is the permutation distribution itself, so ties need no correction.
 */
function waysToSum(ranks: readonly number[], size: number): Float64Array {
  const total = ranks.reduce((sum, rank) => sum + rank, 0);
  const ways = Array.from({ length: size + 1 }, () => new Float64Array(total + 1));
  ways[0]![0] = 1;
  for (const rank of ranks) {
    for (let chosen = size; chosen >= 1; chosen--) {
      const with_ = ways[chosen]!;
      const without = ways[chosen - 1]!;
      for (let sum = total; sum >= rank; sum--) with_[sum]! += without[sum - rank]!;
    }
  }
  return ways[size]!;
}

/** By sizes, for samples without ties: a comparison asks for the same two sizes again and again. */
const withoutTies = new Map<string, Float64Array>();

function distribution(ranks: readonly number[], size: number, tied: boolean): Float64Array {
  if (tied) return waysToSum(ranks, size);
  const key = `${size}/${ranks.length}`;
  const known = withoutTies.get(key);
  if (known) return known;
  const fresh = waysToSum(
    ranks.map((_, index) => 2 * (index + 1)),
    size,
  );
  withoutTies.set(key, fresh);
  return fresh;
}

/** Share of all divisions of the ranks whose sum is at least as far from its expectation as `observed`. */
function exactP(counts: Float64Array, observed: number, expected: number): number {
  const distance = Math.abs(observed - expected);
  let all = 0;
  let asFar = 0;
  for (let sum = 0; sum < counts.length; sum++) {
    const count = counts[sum]!;
    if (count === 0) continue;
    all += count;
    if (Math.abs(sum - expected) >= distance - 1e-9) asFar += count;
  }
  return Math.min(1, asFar / all);
}

/** Upper tail of the standard normal: Abramowitz and Stegun 7.1.26 is too coarse, so a continued fraction (Lentz). */
export function normalTail(z: number): number {
  if (z < 0) return 1 - normalTail(-z);
  if (z < 3) {
    let term = z;
    let sum = z;
    for (let k = 1; k < 200; k++) {
      term *= (z * z) / (2 * k + 1);
      sum += term;
      if (term < sum * 1e-17) break;
    }
    return 0.5 - (sum * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI);
  }
  let fraction = z;
  for (let k = 60; k >= 1; k--) fraction = z + k / fraction;
  return Math.exp((-z * z) / 2) / (Math.sqrt(2 * Math.PI) * fraction);
}

/**
 * Two-sided test that neither sample tends to be the larger. Exact where both have at most {@link EXACT_LIMIT} values;
 * beyond that by the normal approximation, corrected for ties and continuity.
 *
 * Source: Mann and Whitney 1947; for ties Lehmann, Nonparametrics, 1975, section 1.4.
 *
 * @throws RangeError for an empty sample.
 */
export function mannWhitney(a: readonly number[], b: readonly number[]): RankSum {
  const [n, m] = [a.length, b.length];
  if (n === 0 || m === 0) throw new RangeError('A rank-sum test needs values in both samples.');
  const { ranks, ties } = doubledRanks([...a, ...b]);
  let sum = 0;
  for (let index = 0; index < n; index++) sum += ranks[index]!;
  const u = sum / 2 - (n * (n + 1)) / 2;
  const tied = ties.some((size) => size > 1);
  if (n <= EXACT_LIMIT && m <= EXACT_LIMIT) {
    return { u, p: exactP(distribution(ranks, n, tied), sum, n * (n + m + 1)), exact: true };
  }
  const all = n + m;
  const tieTerm = ties.reduce((total, size) => total + size ** 3 - size, 0);
  const variance = ((n * m) / 12) * (all + 1 - tieTerm / (all * (all - 1)));
  const distance = Math.max(0, Math.abs(u - (n * m) / 2) - 0.5);
  const p = variance === 0 ? 1 : Math.min(1, 2 * normalTail(distance / Math.sqrt(variance)));
  return { u, p, exact: false };
}

/** The most extreme p that samples of these sizes can give: 2 / C(n + m, n). */
export function smallestP(n: number, m: number): number {
  let ways = 1;
  for (let k = 1; k <= n; k++) ways *= (m + k) / k;
  return Math.min(1, 2 / ways);
}

/**
 * Largest `k` such that U is below `k` with probability at most `tail`, for samples without ties; 0 when there is none.
 * The interval from the k-th smallest to the k-th largest pairwise difference then covers the shift.
 */
export function criticalU(n: number, m: number, tail: number): number {
  if (n > EXACT_LIMIT || m > EXACT_LIMIT) {
    const sd = Math.sqrt((n * m * (n + m + 1)) / 12);
    let [low, high] = [0, Math.floor((n * m) / 2)];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      // P(U <= middle - 1), with continuity.
      if (normalTail(((n * m) / 2 - (middle - 1) - 0.5) / sd) <= tail) low = middle;
      else high = middle - 1;
    }
    return low;
  }
  const ranks = Array.from({ length: n + m }, (_, index) => 2 * (index + 1));
  const counts = distribution(ranks, n, false);
  const all = counts.reduce((total, count) => total + count, 0);
  let below = 0;
  for (let k = 0; ; k++) {
    // U = k has the doubled rank sum n(n+1) + 2k.
    below += counts[n * (n + 1) + 2 * k] ?? 0;
    if (below / all > tail || k > n * m) return k;
  }
}
