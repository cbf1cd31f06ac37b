/** Latencies as HdrHistograms of microseconds: decoded, merged, and read in milliseconds. */
import {
  build,
  decodeFromCompressedBase64,
  encodeIntoCompressedBase64,
  type Histogram,
} from 'hdr-histogram-js';
import type { Distribution } from '../reporter/result.ts';
import type { Figures } from './sample.ts';

const HIGHEST_US = 3_600_000_000;
/** Shares of packets in a plot: finer towards the end, where relays differ. */
const PLOTTED = [
  0, 0.01, 0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.96, 0.97, 0.98,
  0.985, 0.99, 0.9925, 0.995, 0.9975, 0.999, 0.9995, 0.9999, 0.99999, 1,
];

export function merge(encoded: readonly string[]): Histogram {
  const merged = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: HIGHEST_US,
    numberOfSignificantValueDigits: 3,
    bitBucketSize: 64,
  });
  for (const text of encoded) merged.add(decodeFromCompressedBase64(text));
  return merged;
}

export function latencyFigures(histogram: Histogram): Figures {
  if (histogram.totalCount === 0) return {};
  return {
    latencyP50: msAt(histogram, 0.5),
    latencyP90: msAt(histogram, 0.9),
    latencyP99: msAt(histogram, 0.99),
    latencyP999: msAt(histogram, 0.999),
    latencyMax: histogram.maxValue / 1000,
  };
}

export function msAt(histogram: Histogram, share: number): number {
  return histogram.getValueAtPercentile(share * 100) / 1000;
}

/** Null when there is nothing in it. */
export function distributionOf(histogram: Histogram, from: Distribution['from']): Distribution | null {
  if (histogram.totalCount === 0) return null;
  return {
    count: histogram.totalCount,
    from,
    p50: msAt(histogram, 0.5),
    p90: msAt(histogram, 0.9),
    p99: msAt(histogram, 0.99),
    p999: msAt(histogram, 0.999),
    max: histogram.maxValue / 1000,
    percentiles: PLOTTED.map((share) => [share, msAt(histogram, share)]),
    histogram: encodeIntoCompressedBase64(histogram),
  };
}
