import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  MAIL_WINDOW_BYTES,
  MAIL_WINDOW_MESSAGES,
  MAX_MESSAGE_BYTES,
  MAX_REQUESTS_PENDING,
} from '../../core/protocol/limits.ts';
import * as op from '../../core/protocol/ops.ts';
import { C } from '../../core/threads/counters.ts';
import type { Mail, ShardAsk } from '../../core/threads/directory-messages.ts';
import { limit } from '../fixtures/limits.ts';
import { type FakePeer, ShardWorld } from '../fixtures/shard-world.ts';

const busy = { failed: { code: 'busy' as const, message: 'Too much.', retryAfterMs: 100 } };
const FROM = new Uint8Array(32).fill(1);
const ID = new Uint8Array(16).fill(2);
const mail = (seq: number, bytes = 10): Mail => ({
  seq,
  from: FROM,
  id: ID,
  sentMs: 5,
  bytes: new Uint8Array(bytes),
});
const stored = (requestId: number) => ({ op: op.OP_STORED, requestId, body: { revision: 0 } });

/** A mailbox as the store keeps it, and the directory pool that reads it. */
class Mailbox {
  items: Mail[] = [];
  #next = 1;

  put(bytes: number): void {
    this.items.push(mail(this.#next++, bytes));
  }

  answer(world: ShardWorld, ask: ShardAsk): void {
    if (ask.ask.t === 'mail-ack') {
      const { seq } = ask.ask;
      this.items = this.items.filter((item) => item.seq > seq);
      world.answer(ask, { t: 'mail-ack', told: [] });
      return;
    }
    if (ask.ask.t !== 'mail') throw new Error(`Nobody should ask ${ask.ask.t}.`);
    const { after } = ask.ask;
    const rest = this.items.filter((item) => item.seq > after);
    const read: Mail[] = [];
    let bytes = 0;
    for (const item of rest) {
      bytes += item.bytes!.length;
      if (read.length === MAIL_WINDOW_MESSAGES || (read.length > 0 && bytes > MAIL_WINDOW_BYTES)) break;
      read.push(item);
    }
    world.answer(ask, { t: 'mail', mail: read, more: read.length < rest.length });
  }
}

function seqs(world: ShardWorld, peer: FakePeer): number[] {
  return world
    .got(peer)
    .flatMap((frame) => ('op' in frame && frame.op === op.OP_MAIL ? [frame.body.seq] : []));
}

function news(world: ShardWorld, { session }: FakePeer): void {
  world.directory.news({ kind: 'mail', slot: session.slot, generation: session.generation });
}

describe('an inbox', () => {
  test('is opened by a request; then comes what is there, messages and receipts', () => {
    const world = new ShardWorld(true);
    const alice = world.peer();
    world.request(alice, op.OP_INBOX, 4, {});
    expect(world.got(alice)).toEqual([stored(4)]);
    const [ask] = world.asked();
    expect(ask!.ask).toEqual({ t: 'mail', peer: alice.key, after: 0 });
    const receipt: Mail = { seq: 9, from: FROM, id: ID, sentMs: 5, receipt: 'expired' };
    world.answer(ask!, { t: 'mail', mail: [mail(7), receipt], more: false });
    expect(world.got(alice)).toEqual([
      { op: op.OP_MAIL, requestId: 0, body: mail(7) },
      { op: op.OP_MAIL, requestId: 0, body: receipt },
    ]);
    expect(world.counters[C.mailPushed]).toBe(2);
    world.request(alice, op.OP_INBOX, 5, {});
    expect([world.got(alice), world.asked()]).toEqual([[stored(5)], []]);
  });

  test('that is not open is not looked into, whatever comes', () => {
    const world = new ShardWorld(true);
    const alice = world.peer();
    news(world, alice);
    expect(world.asked()).toEqual([]);
  });

  test('has one read under way, and news that comes meanwhile makes another', () => {
    const world = new ShardWorld(true);
    const alice = world.peer();
    world.request(alice, op.OP_INBOX, 4, {});
    for (let i = 0; i < 5; i++) news(world, alice);
    const asked = world.asked();
    expect(asked.length).toBe(1);
    world.answer(asked[0]!, { t: 'mail', mail: [mail(1)], more: false });
    const [again] = world.asked();
    expect(again!.ask).toEqual({ t: 'mail', peer: alice.key, after: 1 });
    world.answer(again!, { t: 'mail', mail: [], more: false });
    expect(world.asked()).toEqual([]);
  });

  test('that could not be read is read again', () => {
    const world = new ShardWorld(true);
    const alice = world.peer();
    world.request(alice, op.OP_INBOX, 4, {});
    world.answer(world.asked()[0]!, { t: 'mail', ...busy });
    expect(world.got(alice)).toEqual([stored(4)]);
    expect(world.asked()).toEqual([]);
    world.directory.sweep(performance.now());
    world.answer(world.asked()[0]!, { t: 'mail', mail: [mail(1)], more: false });
    expect(seqs(world, alice)).toEqual([1]);
  });

  test('has a window in messages and one in bytes', () => {
    for (const bytes of [10, MAX_MESSAGE_BYTES]) {
      const world = new ShardWorld(true);
      const alice = world.peer();
      const box = new Mailbox();
      for (let i = 0; i < 100; i++) box.put(bytes);
      world.request(alice, op.OP_INBOX, 4, {});
      for (let asked = world.asked(); asked.length > 0; asked = world.asked()) {
        for (const ask of asked) box.answer(world, ask);
      }
      const most = bytes === 10 ? MAIL_WINDOW_MESSAGES : MAIL_WINDOW_BYTES / MAX_MESSAGE_BYTES;
      expect(seqs(world, alice).length).toBe(most);
      expect(alice.session.queue, 'a window never makes a slow reader').toBeNull();
    }
    limit('mail under way to a session').sees();
  });
});

describe('an acknowledgement', () => {
  test('deletes, and is answered when it has a requestId', () => {
    const world = new ShardWorld(true);
    const alice = world.peer();
    world.request(alice, op.OP_MAIL_ACK, 8, { seq: 12 });
    world.request(alice, op.OP_MAIL_ACK, 0, { seq: 11 });
    const [ask] = world.asked();
    expect(ask!.ask).toEqual({ t: 'mail-ack', peer: alice.key, seq: 12 });
    expect(world.got(alice)).toEqual([]);
    world.answer(ask!, { t: 'mail-ack', told: [] });
    expect(world.got(alice)).toEqual([stored(8)]);
  });

  test('of what was not sent goes no further than what was', () => {
    const world = new ShardWorld(true);
    const alice = world.peer();
    world.request(alice, op.OP_INBOX, 4, {});
    world.request(alice, op.OP_MAIL_ACK, 5, { seq: 99 });
    world.answer(world.asked()[0]!, { t: 'mail', mail: [mail(1), mail(2)], more: false });
    expect(world.got(alice).slice(0, 2)).toEqual([stored(4), stored(5)]);
    world.request(alice, op.OP_MAIL_ACK, 6, { seq: 99 });
    expect(world.asked().map(({ ask }) => ask)).toEqual([{ t: 'mail-ack', peer: alice.key, seq: 2 }]);
  });

  test('that fails says so, and those that came meanwhile go together', () => {
    const world = new ShardWorld(true);
    const alice = world.peer();
    for (let i = 1; i <= 4; i++) world.request(alice, op.OP_MAIL_ACK, i, { seq: i });
    const [first] = world.asked();
    world.answer(first!, { t: 'mail-ack', ...busy });
    const [second] = world.asked();
    expect(second!.ask).toMatchObject({ seq: 4 });
    world.answer(second!, { t: 'mail-ack', told: [] });
    expect(world.got(alice)).toMatchObject([
      { op: op.OP_ERROR, requestId: 1, body: { code: 'busy', fatal: false } },
      ...[2, 3, 4].map(stored),
    ]);
  });

  test('waits with at most 64 others', () => {
    const world = new ShardWorld(true);
    const alice = world.peer();
    for (let i = 1; i <= MAX_REQUESTS_PENDING + 2; i++) world.request(alice, op.OP_MAIL_ACK, i, { seq: i });
    expect(world.got(alice)).toMatchObject([
      { requestId: MAX_REQUESTS_PENDING + 2, body: { code: 'too-many-requests' } },
    ]);
    expect(world.asked().length).toBe(1);
  });
});

test('whatever comes, is acknowledged and is lost on the way: each message once, in order, never more than a window', () => {
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant('put' as const), bytes: fc.constantFrom(0, 10, 9_000, 16_384) }),
    },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('ack' as const), upTo: fc.nat(40), id: fc.nat(1) }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('answer' as const), fails: fc.nat(5) }) },
    { weight: 1, arbitrary: fc.constant({ do: 'sweep' as const }) },
  );
  fc.assert(
    fc.property(fc.nat(60), fc.array(step, { maxLength: 120 }), (before, steps) => {
      const world = new ShardWorld(true);
      const alice = world.peer();
      const box = new Mailbox();
      for (let i = 0; i < before; i++) box.put(100);
      const taken: number[] = [];
      let unacked: { seq: number; bytes: number }[] = [];
      const asks: ShardAsk[] = [];
      let put = before;
      const read = (): void => {
        asks.push(...world.asked());
        for (const frame of world.got(alice)) {
          if (!('op' in frame) || frame.op !== op.OP_MAIL) continue;
          taken.push(frame.body.seq);
          unacked.push({ seq: frame.body.seq, bytes: frame.body.bytes!.length });
          const bytes = unacked.reduce((sum, item) => sum + item.bytes, 0);
          expect(unacked.length).toBeLessThanOrEqual(MAIL_WINDOW_MESSAGES);
          expect(unacked.length === 1 || bytes <= MAIL_WINDOW_BYTES).toBe(true);
        }
        expect(asks.filter(({ ask }) => ask.t === 'mail').length).toBeLessThanOrEqual(1);
        expect(asks.filter(({ ask }) => ask.t === 'mail-ack').length).toBeLessThanOrEqual(1);
      };
      const ack = (seq: number, id: number): void => {
        unacked = unacked.filter((item) => item.seq > seq);
        world.request(alice, op.OP_MAIL_ACK, id, { seq });
      };
      world.request(alice, op.OP_INBOX, 1, {});
      for (const one of steps) {
        read();
        if (one.do === 'put') {
          box.put(one.bytes);
          put++;
          news(world, alice);
        } else if (one.do === 'ack') ack(Math.min(taken.length, one.upTo), one.id);
        else if (one.do === 'sweep') world.directory.sweep(performance.now());
        else {
          const ask = asks.shift();
          if (!ask) continue;
          if (one.fails === 0) world.answer(ask, { t: ask.ask.t as 'mail', ...busy });
          else box.answer(world, ask);
        }
      }
      for (let round = 0; round < 200; round++) {
        read();
        for (const ask of asks.splice(0)) box.answer(world, ask);
        ack(taken.length, 0);
        world.directory.sweep(performance.now());
      }
      read();
      expect(taken).toEqual(Array.from({ length: put }, (_, i) => i + 1));
      expect(box.items).toEqual([]);
    }),
    { numRuns: 150 },
  );
});
