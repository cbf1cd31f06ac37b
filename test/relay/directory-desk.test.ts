/** The desk alone: a pool made of promises, a presence table of its own, timers by hand. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MAX_WRITES_PENDING } from '../../core/protocol/limits.ts';
import { DirectoryDesk } from '../../core/relay/directory-desk.ts';
import { LastSeen } from '../../core/relay/last-seen.ts';
import { MAX_SEEN_PENDING, SEEN_FLUSH_MS, SWEEP_MS, WRITES_PER_TASK } from '../../core/relay/limits.ts';
import type { ShardAnswer, ShardAsk, WriteAnswer, WriteAsk } from '../../core/threads/directory-messages.ts';
import { Lane } from '../../core/threads/lane.ts';
import { createPresence, PresenceTable } from '../../core/threads/presence.ts';
import { limit } from '../fixtures/limits.ts';

interface Task {
  asks: WriteAsk[];
  done(answers: WriteAnswer[], troubles?: { code: string; message: string }[]): void;
  fail(error: Error): void;
}

const key = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
const vault = (peer: number): WriteAsk => ({ t: 'vault-put', peer: key(peer), vault: new Uint8Array(1) });
const stored = (revision: number): WriteAnswer => ({ t: 'vault-put', revision });
const ask = (requestId: number, of: WriteAsk): ShardAsk => ({ requestId, ask: of });

/** What happened, in order: a line for each post to a shard. */
class World {
  readonly presence = new PresenceTable(createPresence(64, new Uint8Array(32)));
  readonly writes: Task[] = [];
  readonly posts: string[] = [];
  readonly answers: { shard: number; answers: ShardAnswer[] }[] = [];
  readonly troubles: string[] = [];
  readonly desk = new DirectoryDesk({
    presence: this.presence,
    write: (asks) =>
      new Promise((resolve, reject) => {
        this.writes.push({
          asks,
          done: (answers, troubles = []) => resolve({ answers, troubles }),
          fail: reject,
        });
      }),
    answer: (shard, answers) => {
      this.answers.push({ shard, answers });
      this.posts.push(`answers ${shard}: ${answers.map(({ requestId }) => requestId)}`);
    },
    news: (shard, news) => {
      const what = news.kind === 'plain' ? `plain ${news.plain}` : news.kind;
      this.posts.push(`${what} ${shard}${'slot' in news ? `/${news.slot}` : ''}`);
    },
    policyChanged: (peer) => this.posts.push(`policy of ${peer[0]}`),
    trouble: (code) => this.troubles.push(code),
  });

  /** The peer is logged in on this shard, in the slot of its number. */
  here(peer: number, shard: number): void {
    const none = { shard: 0, slot: 0, generation: 0, flags: 0 };
    this.presence.claim(key(peer), { shard, slot: peer, generation: 1, flags: 0 }, none);
  }
}

/** Promises that can go on, have. */
const settled = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

let world: World;
beforeEach(() => {
  vi.useFakeTimers();
  world = new World();
});
afterEach(() => vi.useRealTimers());

describe('a lane', () => {
  test('has one batch under way, of at most so many asks; the rest follow in their order', async () => {
    const { desk, writes, posts } = world;
    desk.take(0, [ask(0, vault(1))]);
    desk.take(
      0,
      Array.from({ length: WRITES_PER_TASK + 1 }, (_, i) => ask(i + 1, vault(1))),
    );
    expect(writes.map(({ asks }) => asks.length)).toEqual([1]);
    writes[0]!.done([stored(1)]);
    await settled();
    expect(writes.map(({ asks }) => asks.length)).toEqual([1, WRITES_PER_TASK]);
    writes[1]!.done(writes[1]!.asks.map(() => stored(1)));
    await settled();
    expect(writes.map(({ asks }) => asks.length)).toEqual([1, WRITES_PER_TASK, 1]);
    writes[2]!.done([stored(1)]);
    await settled();
    const told = world.answers.flatMap(({ answers }) => answers.map(({ requestId }) => requestId));
    expect(told).toEqual(Array.from({ length: WRITES_PER_TASK + 2 }, (_, i) => i));
    expect(posts).toHaveLength(3);
    expect(desk.numbers).toMatchObject({ pending: 0, writes: WRITES_PER_TASK + 2, batches: 3 });
    limit('batch of the pool: logins, reads, writes').sees();
  });

  test('answers each shard with one post, to the sessions that asked', async () => {
    const { desk, writes, posts } = world;
    desk.take(2, [ask(9, vault(1))]);
    desk.take(0, [ask(1, vault(1)), ask(2, vault(1))]);
    desk.take(2, [ask(3, vault(1))]);
    writes[0]!.done([stored(1)]);
    await settled();
    writes[1]!.done([stored(1), stored(2), stored(3)]);
    await settled();
    expect(posts).toEqual(['answers 2: 9', 'answers 0: 1,2', 'answers 2: 3']);
    expect(world.answers[0]!.answers[0]).toEqual({ requestId: 9, answer: stored(1) });
  });

  test('that is full refuses at once, says when to come back, and takes more once there is room', async () => {
    const { desk, writes } = world;
    desk.take(
      0,
      Array.from({ length: MAX_WRITES_PENDING + 2 }, (_, i) => ask(i, vault(1))),
    );
    expect(world.answers).toHaveLength(1);
    const refused = world.answers[0]!.answers;
    expect(refused.map(({ requestId }) => requestId)).toEqual([MAX_WRITES_PENDING, MAX_WRITES_PENDING + 1]);
    const failed = { code: 'busy', retryAfterMs: expect.any(Number) };
    expect(refused[0]!.answer).toMatchObject({ t: 'vault-put', failed });
    expect(desk.numbers).toMatchObject({ pending: MAX_WRITES_PENDING, refused: 2 });
    writes[0]!.fail(new Error('gone'));
    await settled();
    desk.take(0, [ask(MAX_WRITES_PENDING + 2, vault(1))]);
    expect(desk.numbers).toMatchObject({ pending: MAX_WRITES_PENDING - WRITES_PER_TASK + 1, refused: 2 });
  });

  test('whose pool fails tells each ask of the batch so, and the operator, and goes on', async () => {
    const { desk, writes } = world;
    desk.take(0, [ask(1, vault(1))]);
    desk.take(1, [ask(2, vault(1))]);
    writes[0]!.fail(new Error('worker exited with code: 1'));
    await settled();
    expect(world.answers[0]!.answers[0]!.answer).toMatchObject({ failed: { code: 'directory-unavailable' } });
    expect(world.troubles).toEqual(['directory-unavailable']);
    writes[1]!.done([stored(1)], [{ code: 'directory-corrupt', message: 'damaged' }]);
    await settled();
    expect(world.answers[1]!.answers[0]!.answer).toEqual(stored(1));
    expect(world.troubles).toEqual(['directory-unavailable', 'directory-corrupt']);
  });

  test('never works on two batches, loses or reorders an ask, whatever the order of events', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.record({ offer: fc.integer({ min: 1, max: 9 }) }), fc.constant('done'))),
        async (events) => {
          const runs: { batch: number[]; done: () => void }[] = [];
          let most = 0;
          let underWay = 0;
          const lane = new Lane<number>({
            mostPending: 12,
            mostPerBatch: 4,
            run: (batch) => {
              most = Math.max(most, ++underWay);
              return new Promise((resolve) => {
                const done = (): void => {
                  underWay--;
                  resolve();
                };
                runs.push({ batch, done });
              });
            },
          });
          const taken: number[] = [];
          let next = 0;
          let finished = 0;
          for (const event of events) {
            if (event === 'done') {
              if (finished === runs.length) continue;
              runs[finished++]!.done();
              await settled();
              continue;
            }
            for (let i = 0; i < event.offer; i++) if (lane.offer(next++)) taken.push(next - 1);
            lane.work();
            const done = runs.slice(0, finished).flatMap(({ batch }) => batch).length;
            expect(lane.pending).toBe(taken.length - done);
            expect(lane.pending).toBeLessThanOrEqual(12);
          }
          const begun = runs.flatMap(({ batch }) => batch);
          const { left, idle } = lane.stop();
          expect([...begun, ...left]).toEqual(taken);
          expect(most).toBeLessThanOrEqual(1);
          expect(lane.offer(0)).toBe(false);
          if (finished < runs.length) runs[finished]!.done();
          await idle;
        },
      ),
    );
  });
});

describe('what a write changed', () => {
  const policySet = (peer: number): WriteAsk => {
    return { t: 'policy-set', peer: key(peer), allow: [], disallow: [], block: [], unblock: [] };
  };
  const send = (to: number): WriteAsk => {
    const [id, bytes] = [new Uint8Array(16), new Uint8Array(1)];
    return { t: 'send', from: key(9), to: key(to), id, bytes, sentMs: 0, lifeMs: 1 };
  };

  test('is told to the shard of whom it is about before it is acknowledged', async () => {
    world.here(5, 3);
    world.desk.take(1, [ask(1, policySet(5))]);
    world.writes[0]!.done([{ t: 'policy-set', plain: false }]);
    await settled();
    expect(world.posts).toEqual(['plain false 3/5', 'policy of 5', 'answers 1: 1']);
  });

  test('wakes each mailbox that got something once, if its peer is here', async () => {
    world.here(5, 3);
    world.here(6, 0);
    const sweep: WriteAsk = { t: 'mail-ack', peer: key(9), seq: 4 };
    world.desk.take(
      1,
      [vault(1), send(5), send(5), send(7), sweep].map((of, i) => ask(i, of)),
    );
    const answer: WriteAnswer = { t: 'send', duplicate: false };
    const acked = { t: 'mail-ack' as const, told: [key(6), key(5)], receiptsDropped: 3 };
    world.writes[0]!.done([stored(1), answer, answer, answer, acked]);
    await settled();
    expect(world.posts).toEqual(['mail 3/5', 'mail 0/6', 'answers 1: 0,1,2,3,4']);
    expect(world.desk.numbers.receiptsDropped).toBe(3);
  });

  test('is not told of a write that failed', async () => {
    world.here(5, 3);
    world.desk.take(1, [ask(1, policySet(5)), ask(2, send(5))]);
    const failed = { code: 'directory-full', message: 'Full.' } as const;
    world.writes[0]!.done([
      { t: 'policy-set', failed },
      { t: 'send', failed },
    ]);
    await settled();
    expect(world.posts).toEqual(['answers 1: 1,2']);
  });
});

describe('the sweep', () => {
  test('comes every minute, goes on while there is more, and wakes those that have receipts', async () => {
    const { desk, writes } = world;
    world.here(5, 3);
    vi.advanceTimersByTime(SWEEP_MS);
    expect(writes.map(({ asks }) => asks.map(({ t }) => t))).toEqual([['sweep']]);
    desk.take(0, [ask(1, vault(1))]);
    writes[0]!.done([{ t: 'sweep', records: 9, messages: 9, told: [key(5)], more: true }]);
    await settled();
    writes[1]!.done([stored(1), { t: 'sweep', records: 0, messages: 0, told: [], more: false }]);
    await settled();
    expect(writes.map(({ asks }) => asks.map(({ t }) => t))).toEqual([['sweep'], ['vault-put', 'sweep']]);
    expect(world.posts).toEqual(['mail 3/5', 'answers 0: 1']);
    vi.advanceTimersByTime(SWEEP_MS);
    expect(writes).toHaveLength(3);
  });

  test('does not pile up behind a store that does not answer', async () => {
    vi.advanceTimersByTime(5 * SWEEP_MS);
    expect(world.writes).toHaveLength(1);
    expect(world.desk.numbers.pending).toBe(1);
    world.writes[0]!.fail(new Error('gone'));
    await settled();
    vi.advanceTimersByTime(SWEEP_MS);
    expect(world.writes).toHaveLength(2);
  });
});

describe('the last moments', () => {
  test('are written about once a second, one for each peer, behind what peers asked for', async () => {
    const { desk, writes } = world;
    desk.seen(key(1));
    desk.seen(key(2));
    vi.advanceTimersByTime(500);
    desk.seen(key(1));
    expect(writes).toHaveLength(0);
    desk.take(0, [ask(1, vault(1))]);
    vi.advanceTimersByTime(SEEN_FLUSH_MS - 500);
    desk.take(0, [ask(2, vault(1))]);
    writes[0]!.done([stored(1)]);
    await settled();
    expect(writes[1]!.asks.map(({ t }) => t)).toEqual(['vault-put', 'seen', 'seen']);
    expect(writes[1]!.asks[1]).toEqual({ t: 'seen', peer: key(1), seenMs: Date.now() - SEEN_FLUSH_MS + 500 });
  });

  test('leave the batches of a busy lane alone', async () => {
    const { desk, writes } = world;
    desk.seen(key(1));
    desk.take(
      0,
      Array.from({ length: 3 * WRITES_PER_TASK }, (_, i) => ask(i, vault(1))),
    );
    vi.advanceTimersByTime(SEEN_FLUSH_MS);
    for (let task = 0; task < 3; task++) {
      writes[task]!.done(writes[task]!.asks.map(() => stored(1)));
      await settled();
    }
    expect(writes.map(({ asks }) => asks.length)).toEqual([256, 256, 256, 1]);
    expect(writes[3]!.asks[0]).toMatchObject({ t: 'seen' });
  });

  test('that could not be written are counted', async () => {
    world.desk.seen(key(1));
    vi.advanceTimersByTime(SEEN_FLUSH_MS);
    world.writes[0]!.fail(new Error('gone'));
    await settled();
    expect(world.desk.numbers.seenDropped).toBe(1);
  });

  test('are the latest of each peer, and of so many peers only', () => {
    const moments = fc.array(fc.tuple(fc.nat(7), fc.nat(100)));
    fc.assert(
      fc.property(moments, fc.nat(9), (noted, most) => {
        const gathered = new LastSeen();
        const model = new Map<number, number>();
        for (const [peer, seenMs] of noted) {
          gathered.note(key(peer), seenMs);
          model.set(peer, Math.max(model.get(peer) ?? 0, seenMs));
        }
        const taken = gathered.take(most);
        expect(taken.map(({ peer, seenMs }) => [peer[0], seenMs])).toEqual([...model].slice(0, most));
        expect(gathered.pending).toBe(Math.max(0, model.size - most));
      }),
    );
    const full = new LastSeen();
    for (let i = 0; i < MAX_SEEN_PENDING + 5; i++) {
      full.note(new Uint8Array(new Uint32Array([i, 0, 0, 0, 0, 0, 0, 0]).buffer), i);
    }
    expect([full.pending, full.dropped]).toEqual([MAX_SEEN_PENDING, 5]);
    limit('moments "last seen" not yet written').sees({
      stats: { directory: { seenDropped: full.dropped } },
    });
  });
});

describe('closing the desk', () => {
  test('waits for what is under way, drops what nobody has begun with, and writes the last moments', async () => {
    const { desk, writes } = world;
    desk.take(
      0,
      Array.from({ length: WRITES_PER_TASK + 1 }, (_, i) => ask(i, vault(1))),
    );
    for (let peer = 0; peer < 3; peer++) desk.seen(key(peer));
    let closed = false;
    const closing = desk.close().then(() => {
      closed = true;
    });
    await settled();
    expect(closed).toBe(false);
    writes[0]!.done(writes[0]!.asks.map(() => stored(1)));
    await settled();
    expect(writes.map(({ asks }) => asks.length)).toEqual([WRITES_PER_TASK, 3]);
    writes[1]!.done([]);
    await closing;
    desk.take(0, [ask(1, vault(1))]);
    vi.advanceTimersByTime(SWEEP_MS);
    expect(writes).toHaveLength(2);
  });

  test('ends when the pool is gone', async () => {
    world.desk.seen(key(1));
    const closing = world.desk.close();
    await settled();
    world.writes[0]!.fail(new Error('gone'));
    await closing;
    expect(world.troubles).toEqual(['directory-unavailable']);
  });
});
