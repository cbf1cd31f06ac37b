/**
 * How late a thread's event loop is: what every packet, timer and answer of it waits. `sample` is called at an interval, and
 * is as late as the loop was then. A thread that has much to do also lets libuv look every 10 ms, with no JavaScript: a thread
 * that has nothing to do would be woken a hundred times a second, for 1% of a core.
 */
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';

/** How often libuv looks. A measurement is this long when the loop is not late at all. */
const EVERY_MS = 10;
const WINDOW_MS = 10_000;
/** Timers of Node are whole milliseconds: so late is on time. */
const TIMER_MS = 1;

export class LoopLag {
  readonly #sampleMs: number;
  /** Made when the thread is busy first: one that was never started counts as a handle of the process. */
  #histogram: IntervalHistogram | null = null;
  #sampledAt = Number.POSITIVE_INFINITY;
  #windowAt = performance.now();
  #max = 0;
  #maxBefore = 0;
  /** Over the time between the last two samples, microseconds. */
  meanUs = 0;
  /** The most between the last two samples, microseconds. */
  lastMaxUs = 0;

  /** @param sampleMs the interval at which `sample` will be called. */
  constructor(sampleMs: number) {
    this.#sampleMs = sampleMs;
  }

  /** The most of the last 10 to 20 seconds, microseconds. */
  get maxUs(): number {
    return Math.max(this.#max, this.#maxBefore);
  }

  /** @param busy whether libuv is to look until the next sample. */
  sample(now: number, busy = false): void {
    const histogram = this.#histogram;
    const sampleUs = Math.max(0, Math.round((now - this.#sampledAt - this.#sampleMs - TIMER_MS) * 1_000));
    this.#sampledAt = now;
    if (histogram !== null && histogram.count > 0) {
      this.meanUs = late(histogram.mean);
      this.lastMaxUs = late(histogram.max);
      histogram.reset();
    } else {
      this.meanUs = sampleUs;
      this.lastMaxUs = sampleUs;
    }
    this.#max = Math.max(this.#max, this.lastMaxUs);
    if (busy) {
      this.#histogram ??= monitorEventLoopDelay({ resolution: EVERY_MS });
      this.#histogram.enable();
    } else {
      histogram?.disable();
    }
    if (now - this.#windowAt < WINDOW_MS) return;
    this.#windowAt = now;
    this.#maxBefore = this.#max;
    this.#max = 0;
  }

  stop(): void {
    this.#histogram?.disable();
  }
}

function late(measuredNs: number): number {
  return Math.max(0, Math.round(measuredNs / 1_000 - EVERY_MS * 1_000));
}
