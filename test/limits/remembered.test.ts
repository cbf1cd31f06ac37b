/** Bounded memories: what falls out of them begins anew, and nobody is refused anything. */
import { expect, test } from 'vitest';
import { Inbox, type Mail, MAX_REMEMBERED as MESSAGES } from '../../core/client/directory/inbox.ts';
import { FORGET_MS, MAX_REMEMBERED as METERS, Meters } from '../../workers/shard/meters.ts';
import { limit } from '../fixtures/limits.ts';
import { ShardWorld } from '../fixtures/shard-world.ts';

test('a shard remembers the budgets of so many peers that left, the last ones, for a while', () => {
  const world = new ShardWorld();
  const rate = { bytesPerSec: 1_000, framesPerSec: Number.POSITIVE_INFINITY };
  const { accounts } = world;
  const budgets = { session: null, peer: { in: rate, out: rate } };
  const meters = new Meters({ index: 0, accounts, budgets, tenants: false, refilled: () => {} }, 0);
  const visit = (key: Uint8Array, now: number): unknown => {
    const { session } = world.peer(key);
    meters.open(session, 0, null, now);
    const meter = session.meter!.in;
    meters.close(session);
    world.leave({ session } as never);
    return meter;
  };
  const [first, second] = [world.newKey(), world.newKey()];
  const [ofFirst, ofSecond] = [visit(first, 0), visit(second, 0)];
  expect(visit(first, 1)).toBe(ofFirst);
  for (let i = 0; i < METERS - 1; i++) visit(world.newKey(), 2);
  expect(visit(second, 3)).toBe(ofSecond);
  expect(visit(first, 3)).not.toBe(ofFirst);
  meters.tick(FORGET_MS + 10);
  expect(visit(second, FORGET_MS + 20)).not.toBe(ofSecond);
  meters.stop();
  limit('peers whose budget a shard remembers').sees();
});

test('a client remembers so many messages that it gave out, the last ones', () => {
  const given: number[] = [];
  const inbox = new Inbox({
    deliver: (mail, settle) => {
      given.push(new DataView(mail.id.buffer).getUint32(0));
      settle('done');
    },
    receipt: () => {},
    ackDue: () => inbox.takeAck(),
  });
  let seq = 0;
  const come = (number: number): void => {
    const id = new Uint8Array(16);
    new DataView(id.buffer).setUint32(0, number);
    inbox.add({ seq: ++seq, from: new Uint8Array(32), id, sentMs: 0, bytes: new Uint8Array(1) } as Mail);
  };
  for (let number = 0; number <= MESSAGES; number++) come(number);
  // The last MESSAGES are known, and the first is not any more.
  for (const number of [MESSAGES, 1, 0]) come(number);
  expect(given).toEqual([...Array(MESSAGES + 1).keys(), 0]);
  limit('messages remembered, so that none is given out twice').sees();
});
