/**
 * Latencies of one phase in microseconds. PACKET PATH: below 131 ms a record is one increment in a plain array, which
 * is poured into an HdrHistogram (3 significant digits) at the end; what is longer goes there at once.
 */
import { build, encodeIntoCompressedBase64, type Histogram } from 'hdr-histogram-js';

const LINEAR_US = 1 << 17;
/** An hour: nothing in a run takes longer. */
const LONGEST_US = 3_600_000_000;
const SIGNIFICANT_DIGITS = 3;

export class LatencyRecorder {
  readonly #counts = new Uint32Array(LINEAR_US);
  readonly #histogram: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: LONGEST_US,
    numberOfSignificantValueDigits: SIGNIFICANT_DIGITS,
    bitBucketSize: 64,
  });

  record(latencyMs: number): void {
    const us = Math.round(latencyMs * 1000);
    if (us < LINEAR_US) this.#counts[us < 0 ? 0 : us]!++;
    else this.#histogram.recordValue(Math.min(us, LONGEST_US));
  }

  /** Ends the recording. @returns the histogram, V2 compressed, base64. */
  encode(): string {
    this.#counts.forEach((count, us) => {
      if (count > 0) this.#histogram.recordValueWithCount(us, count);
    });
    this.#counts.fill(0);
    return encodeIntoCompressedBase64(this.#histogram);
  }
}
