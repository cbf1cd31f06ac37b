/** Who talks to whom. The relay deals sockets to its shards round-robin, so a peer's index tells its shard. */
import type { Pairing } from './messages.ts';

/** Fixed, so that two runs load a relay alike; this one splits 48 of 100 pairs over two shards, near the mean. */
const SEED = 42;

/** mulberry32: 32 bits of state are plenty to shuffle a few thousand peers. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function shuffled(count: number): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  const random = randomNumbers(SEED);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

/**
 * @param peers an even number.
 * @returns `random`: shuffled with a fixed seed, so about (shards-1)/shards of the pairs are split; `cross`: all are
 *   split (with two shards or more); `same`: none but what an uneven deal leaves over.
 */
export function pairUp(peers: number, shards: number, pairing: Pairing): [number, number][] {
  const order = shuffled(peers);
  if (pairing === 'same') order.sort((a, b) => (a % shards) - (b % shards) || a - b);
  if (pairing === 'cross') order.sort((a, b) => a - b);
  const pairs: [number, number][] = [];
  for (let i = 0; i + 1 < peers; i += 2) pairs.push([order[i]!, order[i + 1]!]);
  return pairs;
}

/** Share of pairs whose ends are on different shards, 0 to 1. */
export function crossShare(pairs: [number, number][], shards: number): number {
  return pairs.filter(([a, b]) => a % shards !== b % shards).length / pairs.length;
}
