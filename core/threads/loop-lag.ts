/**
 * How late a thread's event loop is: what every packet, timer and answer of it waits. libuv measures it, with no JavaScript;
 * `sample` is called now and then.
 */
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';

/** How often it is measured. A measurement is this long when the loop is not late at all. */
const EVERY_MS = 10;
const WINDOW_MS = 10_000;

export class LoopLag {
  readonly #histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: EVERY_MS });
  #windowAt = performance.now();
  #max = 0;
  #maxBefore = 0;
  /** Over the time between the last two samples, microseconds. */
  meanUs = 0;
  /** The most between the last two samples, microseconds. */
  lastMaxUs = 0;

  constructor() {
    this.#histogram.enable();
  }

  /** The most of the last 10 to 20 seconds, microseconds. */
  get maxUs(): number {
    return Math.max(this.#max, this.#maxBefore);
  }

  sample(now: number): void {
    const histogram = this.#histogram;
    if (histogram.count > 0) {
      this.meanUs = late(histogram.mean);
      this.lastMaxUs = late(histogram.max);
      this.#max = Math.max(this.#max, this.lastMaxUs);
      histogram.reset();
    }
    if (now - this.#windowAt < WINDOW_MS) return;
    this.#windowAt = now;
    this.#maxBefore = this.#max;
    this.#max = 0;
  }

  stop(): void {
    this.#histogram.disable();
  }
}

function late(measuredNs: number): number {
  return Math.max(0, Math.round(measuredNs / 1_000 - EVERY_MS * 1_000));
}
