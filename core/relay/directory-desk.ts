/**
 * What peers write to the directory, on its way through the main thread: from a shard to the directory pool and back. Reads
 * go their own way (workers/shard/reads.ts), and so do logins (login-desk.ts). The lane is bounded (core/threads/lane.ts): an ask beyond that
 * is told at once to come back. Of one session, the answers come in the order of its asks.
 *
 * What a write changed is told before it is acknowledged: whom a policy opens or closes, and who has mail.
 */
import { MAX_WRITES_PENDING } from '../protocol/limits.ts';
import type {
  DirectoryNews,
  ShardAnswer,
  ShardAsk,
  TaskAnswers,
  WriteAnswer,
  WriteAsk,
} from '../threads/directory-messages.ts';
import { keyText } from '../threads/key-text.ts';
import { busyFailure, Lane, UNAVAILABLE } from '../threads/lane.ts';
import type { Place, PresenceTable } from '../threads/presence.ts';
import { LastSeen } from './last-seen.ts';
import { MAX_SWEPT, SEEN_FLUSH_MS, SWEEP_MS, WRITES_PER_TASK } from './limits.ts';

export interface DirectoryDeskHost {
  readonly presence: PresenceTable;
  /** Rejects when the pool could not do it. */
  write(asks: WriteAsk[]): Promise<TaskAnswers<WriteAnswer>>;
  answer(shard: number, answers: ShardAnswer[]): void;
  news(shard: number, news: DirectoryNews): void;
  /** A peer changed who may see it. */
  policyChanged(peer: Uint8Array): void;
  trouble(code: string, message: string): void;
}

export interface DeskNumbers {
  pending: number;
  refused: number;
  writes: number;
  batches: number;
  seenDropped: number;
  receiptsDropped: number;
}

/** An ask of a shard, or of the desk itself (`from` is null). */
interface Waiting {
  from: { shard: number; ask: ShardAsk } | null;
  ask: WriteAsk;
}
interface Done extends Waiting {
  answer: WriteAnswer;
}

/** What one ask costs, for the time that a refused one is told to wait: docs/architecture.md. */
const WRITE_MS = 0.2;

export class DirectoryDesk {
  readonly #host: DirectoryDeskHost;
  readonly #writes: Lane<Waiting>;
  readonly #seen = new LastSeen();
  readonly #place: Place = { shard: 0, slot: 0, generation: 0, flags: 0 };
  readonly #timers: NodeJS.Timeout[];
  /** Moments are written about once a second, not with every batch. */
  #seenDue = false;
  #sweeping = false;
  #refused = 0;
  #written = 0;
  #receiptsDropped = 0;

  constructor(host: DirectoryDeskHost) {
    this.#host = host;
    this.#writes = new Lane({
      mostPending: MAX_WRITES_PENDING,
      mostPerBatch: WRITES_PER_TASK,
      run: (batch) => this.#run(batch),
      spare: (most) => this.#spare(most),
    });
    this.#timers = [
      setInterval(() => this.#flushSeen(), SEEN_FLUSH_MS).unref(),
      setInterval(() => this.#sweep(), SWEEP_MS).unref(),
    ];
  }

  take(shard: number, asks: ShardAsk[]): void {
    const lane = this.#writes;
    const refused: ShardAnswer[] = [];
    for (const ask of asks) {
      const write = ask.ask as WriteAsk;
      if (lane.offer({ from: { shard, ask }, ask: write })) this.#written++;
      else refused.push(answerTo(ask, { t: write.t, ...busyFailure(lane.pending, WRITE_MS) } as WriteAnswer));
    }
    this.#refused += refused.length;
    if (refused.length > 0) {
      this.#host.answer(shard, refused);
      const message = `${lane.pending} writes wait for the directory, as many as may: more are told to come back.`;
      this.#host.trouble('directory-busy', message);
    }
    lane.work();
  }

  /** The peer is, or was until now, here. */
  seen(peer: Uint8Array): void {
    this.#seen.note(peer, Date.now());
  }

  get numbers(): DeskNumbers {
    return {
      pending: this.#writes.pending,
      refused: this.#refused,
      writes: this.#written,
      batches: this.#writes.batches,
      seenDropped: this.#seen.dropped,
      receiptsDropped: this.#receiptsDropped,
    };
  }

  /**
   * Once the shards have ended: asks that nobody has begun with are dropped with the sessions that asked, what is under
   * way is waited for, and the last moments are written.
   */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.#writes.stop().idle;
    try {
      while (this.#seen.pending > 0) await this.#host.write(this.#seen.take(WRITES_PER_TASK));
    } catch (error) {
      this.#host.trouble(
        'directory-unavailable',
        `Not every last moment was written: ${(error as Error).message}`,
      );
    }
  }

  async #run(batch: Waiting[]): Promise<void> {
    let answers: WriteAnswer[] = [];
    try {
      const result = await this.#host.write(batch.map(({ ask }) => ask));
      answers = result.answers;
      for (const { code, message } of result.troubles) this.#host.trouble(code, message);
    } catch (error) {
      const why = (error as Error)?.message ?? String(error);
      this.#host.trouble('directory-unavailable', `A task of the directory failed: ${why}`);
    }
    const done: Done[] = batch.map(({ from, ask }, index) => {
      return { from, ask, answer: answers[index] ?? ({ t: ask.t, ...UNAVAILABLE } as WriteAnswer) };
    });
    this.#tellNews(done);
    this.#answer(done);
  }

  /** What the writes of a batch changed, to the shards of those whom it is about. */
  #tellNews(batch: Done[]): void {
    const mailboxes = new Map<string, Uint8Array>();
    for (const { ask, answer } of batch) {
      if ('failed' in answer) continue;
      if (ask.t === 'policy-set' && answer.t === 'policy-set') this.#tellPlain(ask.peer, answer.plain);
      else if (ask.t === 'send') mailboxes.set(keyText(ask.to), ask.to);
      else if (answer.t === 'mail-ack' || answer.t === 'sweep') {
        for (const peer of answer.told) mailboxes.set(keyText(peer), peer);
        this.#receiptsDropped += answer.receiptsDropped ?? 0;
      }
    }
    for (const peer of mailboxes.values()) {
      if (!this.#host.presence.find(peer, this.#place)) continue;
      const { shard, slot, generation } = this.#place;
      this.#host.news(shard, { kind: 'mail', slot, generation });
    }
  }

  #tellPlain(peer: Uint8Array, plain: boolean): void {
    if (this.#host.presence.find(peer, this.#place)) {
      const { shard, slot, generation } = this.#place;
      this.#host.news(shard, { kind: 'plain', slot, generation, plain });
    }
    this.#host.policyChanged(peer);
  }

  /** One post for each shard. */
  #answer(batch: Done[]): void {
    const byShard = new Map<number, ShardAnswer[]>();
    for (const { from, ask, answer } of batch) {
      if (from === null) this.#ownAnswer(ask, answer);
      else {
        const list = byShard.get(from.shard);
        if (list) list.push(answerTo(from.ask, answer));
        else byShard.set(from.shard, [answerTo(from.ask, answer)]);
      }
    }
    for (const [shard, list] of byShard) this.#host.answer(shard, list);
  }

  // --- the desk's own asks ---------------------------------------------------------------------------------------

  #flushSeen(): void {
    this.#seenDue = true;
    this.#writes.work();
  }

  #spare(most: number): Waiting[] {
    if (!this.#seenDue) return [];
    const asks = this.#seen.take(most);
    this.#seenDue = this.#seen.pending > 0;
    return asks.map((ask) => ({ from: null, ask }));
  }

  #sweep(): void {
    if (this.#sweeping) return;
    const ask = { t: 'sweep', nowMs: Date.now(), most: MAX_SWEPT } as const;
    this.#sweeping = this.#writes.offer({ from: null, ask });
    this.#writes.work();
  }

  #ownAnswer(ask: WriteAsk, answer: WriteAnswer): void {
    if (ask.t === 'seen' && 'failed' in answer) this.#seen.lost();
    if (ask.t !== 'sweep') return;
    this.#sweeping = false;
    // Behind what has come meanwhile: a large sweep holds nobody up for more than one transaction.
    if (answer.t === 'sweep' && !('failed' in answer) && answer.more) this.#sweep();
  }
}

function answerTo({ requestId }: ShardAsk, answer: WriteAnswer): ShardAnswer {
  return { requestId, answer };
}
