/**
 * What this shard's peers read from the directory: straight to the thread of the directory pool that reads, and back.
 *
 *   shard --batch of asks--> reader (workers/directory/serve-reads.ts) --answers--> shard
 *
 * By way of the main thread, as writes go, a look-up took four hand-overs instead of two, and waited for that thread's garbage
 * (docs/architecture.md). The lane is bounded: an ask beyond that is told at once to come back. One batch is under way; what is
 * asked meanwhile makes up the next, and answers come in the order of their asks. When the reader dies, the batch that it had is
 * told so, and the others wait for the port of the next one.
 */
import type { MessagePort } from 'node:worker_threads';
import { MAX_READS_PENDING } from '../../core/protocol/limits.ts';
import { READS_PER_TASK } from '../../core/relay/limits.ts';
import { C } from '../../core/threads/counters.ts';
import type {
  Failure,
  ReadAnswer,
  ReadAsk,
  ShardAnswer,
  ShardAsk,
  TaskAnswers,
  Trouble,
} from '../../core/threads/directory-messages.ts';
import { busyFailure, Lane, UNAVAILABLE } from '../../core/threads/lane.ts';

export interface ReadsHost {
  readonly shards: number;
  readonly counters: Float64Array;
  answers(answers: ShardAnswer[]): void;
  /** What the operator should hear of. */
  trouble(trouble: Trouble): void;
}

/** The part of a MessagePort that is used here. */
export type ReaderPort = Pick<MessagePort, 'postMessage' | 'close'> & {
  on(event: 'message', listener: (answers: TaskAnswers<ReadAnswer>) => void): unknown;
  on(event: 'close', listener: () => void): unknown;
};

/** What one ask costs, for the time that a refused one is told to wait: docs/architecture.md. */
const READ_MS = 0.02;

interface Batch {
  asks: ShardAsk[];
  /** Whether a reader has it. */
  posted: boolean;
  done: () => void;
}

export class Reads {
  readonly #host: ReadsHost;
  readonly #lane: Lane<ShardAsk>;
  #port: ReaderPort | null = null;
  #batch: Batch | null = null;

  constructor(host: ReadsHost) {
    this.#host = host;
    this.#lane = new Lane({
      mostPending: Math.floor(MAX_READS_PENDING / host.shards),
      mostPerBatch: READS_PER_TASK,
      run: (asks) =>
        new Promise((done) => {
          this.#batch = { asks, posted: false, done };
          this.#post();
        }),
    });
  }

  /** The reader is at the other end of this port from now on. */
  connect(port: ReaderPort): void {
    this.#port?.close();
    this.#lost();
    this.#port = port;
    port.on('message', ({ answers, troubles }) => {
      if (port === this.#port) this.#answered(answers, troubles);
    });
    port.on('close', () => {
      if (port !== this.#port) return;
      this.#port = null;
      this.#lost();
    });
    this.#post();
  }

  /** The asks of a turn. */
  take(asks: ShardAsk[]): void {
    const { counters } = this.#host;
    const refused: ShardAnswer[] = [];
    for (const ask of asks) {
      if (!this.#lane.offer(ask)) refused.push(answerTo(ask, busyFailure(this.#lane.pending, READ_MS)));
    }
    this.#lane.work();
    counters[C.readsPending] = this.#lane.pending;
    if (refused.length === 0) return;
    counters[C.readsRefused]! += refused.length;
    this.#host.answers(refused);
  }

  /** No more is read: the shard is closing. */
  stop(): void {
    this.#lane.stop();
    this.#port?.close();
    this.#port = null;
  }

  #post(): void {
    if (this.#port === null || this.#batch === null || this.#batch.posted) return;
    this.#batch.posted = true;
    this.#host.counters[C.readBatches]!++;
    this.#port.postMessage(this.#batch.asks.map(({ ask }) => ask as ReadAsk));
  }

  #answered(answers: ReadAnswer[], troubles: Trouble[]): void {
    const batch = this.#batch;
    if (batch === null || !batch.posted) return;
    this.#batch = null;
    for (const trouble of troubles) this.#host.trouble(trouble);
    batch.done();
    this.#host.counters[C.readsPending] = this.#lane.pending - batch.asks.length;
    this.#host.answers(batch.asks.map((ask, index) => answerTo(ask, answers[index] ?? UNAVAILABLE)));
  }

  /** The batch that the reader had, if it had one, is not going to be answered. */
  #lost(): void {
    if (this.#batch?.posted) this.#answered([], []);
  }
}

function answerTo({ requestId, ask }: ShardAsk, answer: ReadAnswer | Failure): ShardAnswer {
  return { requestId, answer: { t: ask.t, ...answer } as ReadAnswer };
}
