/** Who talks to whom. The kernel spreads sockets over the shards, so pairs at random are split over shards at random. */
import type { LoadPlan } from './plan.ts';
import { randomNumbers } from './random.ts';

/** Fixed, so that two runs load a system alike; this one splits 48 of 100 pairs over two shards, near the mean. */
const SEED = 42;

function shuffled(count: number): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  const random = randomNumbers(SEED);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

/** Caller and callee of each call, as indices of peers. */
export function pairUp({ peers, shape }: Pick<LoadPlan, 'peers' | 'shape'>): [number, number][] {
  if (shape === 'fan-in') return Array.from({ length: peers - 1 }, (_, i) => [i + 1, 0]);
  const order = shuffled(peers);
  const pairs: [number, number][] = [];
  for (let i = 0; i + 1 < peers; i += 2) pairs.push([order[i]!, order[i + 1]!]);
  return pairs;
}
