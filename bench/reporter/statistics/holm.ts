/**
 * p-values adjusted for their number, in the order given: with 25 questions at 5% one would be answered wrongly for
 * certain. Holm 1979: keeps the chance of any false answer below the level, whatever the dependence between them.
 */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, index) => index).sort((a, b) => pValues[a]! - pValues[b]!);
  const adjusted = new Array<number>(pValues.length);
  let largest = 0;
  order.forEach((index, rank) => {
    largest = Math.max(largest, Math.min(1, pValues[index]! * (pValues.length - rank)));
    adjusted[index] = largest;
  });
  return adjusted;
}
