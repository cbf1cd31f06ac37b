/**
 * A lane of the directory pool: a bounded queue, worked off in batches, one batch at a time. So what one lane waits for
 * never holds up another, and asks are done in the order in which they came.
 */
import { Fifo } from '../fifo.ts';
import type { Failure } from './directory-messages.ts';

const LEAST_RETRY_MS = 1_000;

/** What an ask is told that a full lane did not take. @param costMs what each of those before it takes. */
export function busyFailure(pending: number, costMs: number): Failure {
  const retryAfterMs = Math.ceil(LEAST_RETRY_MS + pending * costMs);
  return { failed: { code: 'busy', message: 'Too many requests wait for the directory.', retryAfterMs } };
}

/** What the asks of a batch are told that nobody could work on. */
export const UNAVAILABLE: Failure = {
  failed: { code: 'directory-unavailable', message: 'The directory could not be asked.' },
};

export interface LaneHost<W> {
  /** Asks that may wait or be worked on; more are refused. */
  mostPending: number;
  mostPerBatch: number;
  /** Works on a batch and sees to its answers, whatever happens: it never rejects. */
  run(batch: W[]): Promise<void>;
  /** Asks of the lowest priority, at most so many: they fill up a batch that has room. */
  spare?(most: number): W[];
}

export class Lane<W> {
  readonly #host: LaneHost<W>;
  readonly #queue = new Fifo<W>();
  #underWay: Promise<void> | null = null;
  #inBatch = 0;
  #batches = 0;
  #stopped = false;

  constructor(host: LaneHost<W>) {
    this.#host = host;
  }

  /** Asks that wait or are worked on. */
  get pending(): number {
    return this.#queue.length + this.#inBatch;
  }

  /** Batches since the start. */
  get batches(): number {
    return this.#batches;
  }

  /** @returns false when the lane is full or has stopped: the ask was not taken. */
  offer(ask: W): boolean {
    if (this.#stopped || this.pending >= this.#host.mostPending) return false;
    this.#queue.push(ask);
    return true;
  }

  /** Starts the next batch unless one is under way. To be called after a round of offers. */
  work(): void {
    if (this.#underWay !== null || this.#stopped) return;
    const batch = this.#next();
    if (batch.length > 0) this.#underWay = this.#run(batch);
  }

  /** Begins with no more batches, and gives back the asks of those. `idle` says when the batch under way is done. */
  stop(): { left: W[]; idle: Promise<void> } {
    this.#stopped = true;
    const left: W[] = [];
    while (this.#queue.length > 0) left.push(this.#queue.shift()!);
    return { left, idle: this.#underWay ?? Promise.resolve() };
  }

  #next(): W[] {
    const { mostPerBatch } = this.#host;
    const batch: W[] = [];
    while (batch.length < mostPerBatch && this.#queue.length > 0) batch.push(this.#queue.shift()!);
    if (batch.length < mostPerBatch) batch.push(...(this.#host.spare?.(mostPerBatch - batch.length) ?? []));
    return batch;
  }

  async #run(batch: W[]): Promise<void> {
    this.#inBatch = batch.length;
    this.#batches++;
    await this.#host.run(batch);
    this.#inBatch = 0;
    this.#underWay = null;
    this.work();
  }
}
