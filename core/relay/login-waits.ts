/** How long logins waited for their turn with the pool: a histogram of the last 10 to 20 seconds. */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

export interface LoginWaits {
  count: number;
  mean: number;
  p50: number;
  p99: number;
  max: number;
}

const WINDOW_MS = 10_000;
const MOST_MS = 60_000;
const NOTHING: LoginWaits = { count: 0, mean: 0, p50: 0, p99: 0, max: 0 };

export class Waits {
  #now: RecordableHistogram | null = null;
  #before: RecordableHistogram | null = null;
  /** Both together; made once, since making one costs more than reading it. */
  #both: RecordableHistogram | null = null;
  #startedAt = 0;

  /** In hundredths of a millisecond: a histogram takes whole numbers from 1. */
  add(ms: number, now: number): void {
    this.#roll(now);
    this.#now ??= create();
    this.#now.record(Math.min(MOST_MS * 100, Math.max(1, Math.round(ms * 100))));
  }

  read(now: number): LoginWaits {
    this.#roll(now);
    const all = this.#all();
    if (all === null || all.count === 0) return NOTHING;
    const ms = (value: number): number => value / 100;
    return {
      count: all.count,
      mean: ms(all.mean),
      p50: ms(all.percentile(50)),
      p99: ms(all.percentile(99)),
      max: ms(all.max),
    };
  }

  #all(): RecordableHistogram | null {
    if (this.#before === null || this.#now === null) return this.#before ?? this.#now;
    this.#both ??= create();
    this.#both.reset();
    this.#both.add(this.#before);
    this.#both.add(this.#now);
    return this.#both;
  }

  #roll(now: number): void {
    if (now - this.#startedAt < WINDOW_MS) return;
    this.#before = now - this.#startedAt < 2 * WINDOW_MS ? this.#now : null;
    this.#now = null;
    this.#startedAt = now;
  }
}

function create(): RecordableHistogram {
  return createHistogram({ lowest: 1, highest: MOST_MS * 100, figures: 2 });
}
