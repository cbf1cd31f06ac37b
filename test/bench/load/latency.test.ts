import { decodeFromCompressedBase64 } from 'hdr-histogram-js';
import { expect, it } from 'vitest';
import { LatencyRecorder } from '../../../bench/load/latency.ts';

it('keeps every latency to three digits, the longest ones too', () => {
  const recorder = new LatencyRecorder();
  const microseconds = [0, 1, 999, 50_000, 131_071, 131_072, 5_000_000, 3_000_000_000];
  for (const us of microseconds) recorder.record(us / 1000);
  const histogram = decodeFromCompressedBase64(recorder.encode());
  expect(histogram.totalCount).toBe(microseconds.length);
  microseconds.forEach((us, i) => {
    const read = histogram.getValueAtPercentile((100 * (i + 1)) / microseconds.length);
    expect(Math.abs(read - us)).toBeLessThanOrEqual(us / 1000);
  });
});
