/**
 * The hash of tables that are keyed by 32-bit words that strangers choose: a seeded multiply-and-rotate step after
 * MurmurHash3's. The secret seed, a word for each word, keeps them from choosing buckets.
 */
export function mix(hash: number, word: number, seed: number): number {
  let k = Math.imul(word ^ seed, 0xcc9e2d51);
  k = (k << 15) | (k >>> 17);
  const h = hash ^ Math.imul(k, 0x1b873593 ^ seed);
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

/** After the last word. @returns an unsigned number. */
export function finish(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
