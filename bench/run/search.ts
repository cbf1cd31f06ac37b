/**
 * The highest rate that meets an objective: doubled until it does not, then halved in between (by the logarithm, since
 * rates differ by factors). One set of connections, so a probe costs only its own time; and after one that was too much
 * the load waits until everything has arrived.
 */
import type { Search } from './benchmark.ts';

/** Fewer than this of the packets that were due have arrived: the rate was not reached, whatever the latency. */
export const REACHED_SHARE = 0.98;

export interface Probe<T> {
  p99Ms: number;
  lost: number;
  /** Packets that arrived, of those that were due. */
  arrivedShare: number;
  observed: T;
}

export interface Found<T> {
  /** At the highest rate that met the objective; null: none of those that were tried did. */
  best: Probe<T> | null;
  /** At the lowest rate that did not meet it; null: the limit lies above all that were tried. */
  limit: Probe<T> | null;
}

/**
 * @param probe measures at a factor of the crowd's rate.
 * @throws RangeError without at least one probe.
 */
export async function search<T>(
  { ratePerSec, fromPerSec, probes, objectiveP99Ms }: Omit<Search, 'kind' | 'probeMs'>,
  probe: (rateFactor: number) => Promise<Probe<T>>,
): Promise<Found<T>> {
  if (probes < 1) throw new RangeError('A search needs at least one probe.');
  let best: Probe<T> | null = null;
  let limit: Probe<T> | null = null;
  let low = 0;
  let high = Number.POSITIVE_INFINITY;
  let factor = fromPerSec / ratePerSec;
  for (let i = 0; i < probes; i++) {
    const result = await probe(factor);
    if (meets(result, objectiveP99Ms)) {
      low = factor;
      best = result;
    } else {
      high = factor;
      limit = result;
    }
    factor = nextFactor(low, high);
  }
  return { best, limit };
}

function nextFactor(low: number, high: number): number {
  if (high === Number.POSITIVE_INFINITY) return low * 2;
  if (low === 0) return high / 2;
  return Math.sqrt(low * high);
}

function meets({ p99Ms, lost, arrivedShare }: Probe<unknown>, objectiveP99Ms: number): boolean {
  return p99Ms <= objectiveP99Ms && lost === 0 && arrivedShare >= REACHED_SHARE;
}
