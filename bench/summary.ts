/** What is said about the rounds of a benchmark: the median, and how far they lie apart. */
export interface Summary {
  median: number;
  min: number;
  max: number;
}

export function summarize(rounds: number[]): Summary {
  const sorted = [...rounds].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median, min: sorted[0]!, max: sorted.at(-1)! };
}
