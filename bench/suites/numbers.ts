/** Numbers that are the same in every run: the tables of two rounds must have the same shape. */

export interface Numbers {
  /** The next one, 0..2^32-1. */
  next(): number;
  bytes(length: number): Uint8Array;
}

/** Mulberry32 (Tommy Ettinger, public domain). */
export function numbersFrom(seed: number): Numbers {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  return {
    next,
    bytes: (length) => Uint8Array.from({ length }, () => next() & 0xff),
  };
}
