/**
 * Where results of benchmarked code go, so that the optimiser cannot leave that code out. Each value changes one number
 * that depends on all values before it; the micro process sends that number to its parent at the end, so nobody can
 * prove that it is not needed.
 */
let swallowed = 1;

/** Integers only: their low 32 bits count. About a nanosecond. */
export function consume(value: number): void {
  swallowed = (Math.imul(swallowed, 31) + value) | 0;
}

export function swallowedSoFar(): number {
  return swallowed;
}
