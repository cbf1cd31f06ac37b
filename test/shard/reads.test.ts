/** Reads of one shard, with readers that a test plays: ports without threads. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_READS_PENDING } from '../../core/protocol/limits.ts';
import { READS_PER_TASK } from '../../core/relay/limits.ts';
import { C, countersOf, createCounters } from '../../core/threads/counters.ts';
import type {
  ReadAnswer,
  ReadAsk,
  ShardAnswer,
  ShardAsk,
  TaskAnswers,
} from '../../core/threads/directory-messages.ts';
import { type ReaderPort, Reads } from '../../workers/shard/reads.ts';

const ask = (requestId: number): ShardAsk => ({
  requestId,
  ask: { t: 'see', asker: new Uint8Array(new Uint32Array([requestId]).buffer), peers: [] },
});
/** As a reader answers: the state tells which ask it was. */
const answerOf = (one: ReadAsk): ReadAnswer => {
  const [state] = new Uint32Array((one as { asker: Uint8Array }).asker.slice().buffer);
  return { t: 'see', sights: [{ state: state! }] };
};

/** A port whose other end the test holds. */
class FakePort implements ReaderPort {
  readonly batches: ReadAsk[][] = [];
  closed = false;
  #message: ((answers: TaskAnswers<ReadAnswer>) => void) | undefined;
  #close: (() => void) | undefined;

  on(event: string, listener: never): void {
    if (event === 'message') this.#message = listener;
    else this.#close = listener;
  }

  postMessage(asks: ReadAsk[]): void {
    this.batches.push(asks);
  }

  close(): void {
    this.closed = true;
  }

  answer(troubles: { code: string; message: string }[] = []): void {
    this.#message!({ answers: this.batches.shift()!.map(answerOf), troubles });
  }

  die(): void {
    this.closed = true;
    this.#close!();
  }
}

class World {
  readonly counters = countersOf(createCounters(1), 0);
  readonly got: ShardAnswer[] = [];
  readonly troubles: string[] = [];
  readonly reads: Reads;

  constructor(shards = 1) {
    this.reads = new Reads({
      shards,
      counters: this.counters,
      answers: (answers) => this.got.push(...answers),
      trouble: ({ code }) => this.troubles.push(code),
    });
  }

  get ids(): number[] {
    return this.got.map(({ requestId }) => requestId);
  }
}

/** Promises that can go on, have. */
const settled = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};
const many = (from: number, count: number) => Array.from({ length: count }, (_, i) => ask(from + i));

describe('reads of a shard', () => {
  test('go to the reader in batches, one at a time, and come back in their order', async () => {
    const { reads, counters, got } = new World();
    const port = new FakePort();
    reads.connect(port);
    reads.take([ask(1)]);
    reads.take(many(2, READS_PER_TASK + 1));
    expect(port.batches.map((batch) => batch.length)).toEqual([1]);
    expect(counters[C.readsPending]).toBe(READS_PER_TASK + 2);
    port.answer();
    await settled();
    expect(port.batches.map((batch) => batch.length)).toEqual([READS_PER_TASK]);
    port.answer();
    await settled();
    port.answer();
    await settled();
    expect(got.map(({ requestId }) => requestId)).toEqual(
      many(1, READS_PER_TASK + 2).map((a) => a.requestId),
    );
    for (const { requestId, answer } of got) expect(answer).toEqual(answerOf(ask(requestId).ask as ReadAsk));
    expect(counters[C.readsPending]).toBe(0);
    expect(counters[C.readBatches]).toBe(3);
  });

  test('wait for a reader, and tell the operator what it says', async () => {
    const { reads, got, troubles } = new World();
    reads.take([ask(1), ask(2)]);
    expect(got).toEqual([]);
    const port = new FakePort();
    reads.connect(port);
    port.answer([{ code: 'directory-corrupt', message: 'damaged' }]);
    expect(got).toHaveLength(2);
    expect(troubles).toEqual(['directory-corrupt']);
  });

  test('beyond what may wait are told to come back: each shard has its part', async () => {
    const { reads, counters, got } = new World(4);
    const port = new FakePort();
    reads.connect(port);
    reads.take(many(0, MAX_READS_PENDING / 4 + 2));
    expect(got.map(({ requestId }) => requestId)).toEqual([MAX_READS_PENDING / 4, MAX_READS_PENDING / 4 + 1]);
    const failed = { code: 'busy', retryAfterMs: expect.any(Number) };
    expect(got[0]!.answer).toMatchObject({ t: 'see', failed });
    expect(counters[C.readsRefused]).toBe(2);
    port.answer();
    await settled();
    got.length = 0;
    reads.take([ask(9)]);
    expect(got).toEqual([]);
  });

  test('that a reader had when it died fail; the others are read by the next one', async () => {
    const { reads, got } = new World();
    const [first, second] = [new FakePort(), new FakePort()];
    reads.connect(first);
    reads.take([ask(1)]);
    reads.take([ask(2)]);
    first.die();
    await settled();
    expect(got).toEqual([{ requestId: 1, answer: { t: 'see', failed: expect.anything() } }]);
    expect(got[0]!.answer).toMatchObject({ failed: { code: 'directory-unavailable' } });
    reads.take([ask(3)]);
    reads.connect(second);
    expect(second.batches.map((batch) => batch.length)).toEqual([1]);
    second.answer();
    await settled();
    second.answer();
    expect(got.slice(1).map(({ requestId }) => requestId)).toEqual([2, 3]);
  });

  test('go on when the news of the next reader comes before that of the death of the one before', async () => {
    const { reads, got } = new World();
    const [first, second] = [new FakePort(), new FakePort()];
    reads.connect(first);
    reads.take([ask(1)]);
    reads.connect(second);
    expect(first.closed).toBe(true);
    expect(got).toMatchObject([{ requestId: 1, answer: { failed: { code: 'directory-unavailable' } } }]);
    await settled();
    reads.take([ask(2)]);
    first.die();
    first.answer();
    expect(got).toHaveLength(1);
    second.answer();
    expect(got.slice(1).map(({ requestId }) => requestId)).toEqual([2]);
  });

  test('of a shard that is closing are not begun with', () => {
    const { reads, got } = new World();
    const port = new FakePort();
    reads.connect(port);
    reads.stop();
    expect(port.closed).toBe(true);
    reads.take([ask(1)]);
    expect(port.batches).toEqual([]);
    expect(got).toHaveLength(1);
  });

  test('each get one answer, in order but for refusals, whoever dies when', async () => {
    const event = fc.oneof(
      fc.record({ take: fc.integer({ min: 1, max: 300 }) }),
      fc.constantFrom('answer', 'die', 'connect'),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 30 }), async (events) => {
        const world = new World(128);
        let port: FakePort | null = null;
        let next = 0;
        const connect = (): void => {
          port = new FakePort();
          world.reads.connect(port);
        };
        for (const one of events) {
          if (typeof one === 'object') {
            world.reads.take(many(next, one.take));
            next += one.take;
          } else if (one === 'connect') connect();
          else if (one === 'die') {
            (port as FakePort | null)?.die();
            port = null;
          } else if ((port as FakePort | null)?.batches.length) port!.answer();
          await settled();
        }
        connect();
        await settled();
        for (let guard = 0; port!.batches.length > 0; guard++) {
          expect(guard).toBeLessThan(1_000);
          port!.answer();
          await settled();
        }
        expect([...world.ids].sort((a, b) => a - b)).toEqual(Array.from({ length: next }, (_, i) => i));
        const read = world.got.filter(
          ({ answer }) => !('failed' in answer) || answer.failed.code === 'directory-unavailable',
        );
        for (let i = 1; i < read.length; i++)
          expect(read[i]!.requestId).toBeGreaterThan(read[i - 1]!.requestId);
        for (const { requestId, answer } of read) {
          if (!('failed' in answer)) expect(answer).toEqual(answerOf(ask(requestId).ask as ReadAsk));
        }
        expect(world.counters[C.readsPending]).toBe(0);
      }),
      { numRuns: 200 },
    );
  });
});
