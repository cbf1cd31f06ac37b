import { describe, expect, test } from 'vitest';
import { encodeControl } from '../../core/protocol/control.ts';
import { MAX_OFFERS_PENDING, OFFER_TIMEOUT_MS } from '../../core/protocol/limits.ts';
import * as op from '../../core/protocol/ops.ts';
import { limit } from '../fixtures/limits.ts';
import { type FakePeer, ShardWorld } from '../fixtures/shard-world.ts';

const KIND = { reliable: true, priority: 2, lifeMs: 0, credit: 65_536, protocol: '' };

function offered(world: ShardWorld, from: FakePeer, to: FakePeer, requestId = 1): number {
  world.channels.open(from.session, requestId, { to: to.key, ...KIND });
  const offer = world.got(to).find((frame) => 'op' in frame && frame.op === op.OP_OFFER);
  return (offer as { body: { label: number } }).body.label;
}

describe('an offer', () => {
  test('that nobody answers ends for both after its time, and not before', () => {
    const world = new ShardWorld();
    const [alice, bob] = [world.peer(), world.peer()];
    const label = offered(world, alice, bob, 77);
    const now = performance.now();
    world.channels.expireOffers(now + OFFER_TIMEOUT_MS - 1_000);
    expect([world.got(alice), world.got(bob)]).toEqual([[], []]);
    world.channels.expireOffers(now + OFFER_TIMEOUT_MS + 1_000);
    const closed = world.got(alice);
    expect(closed).toEqual([{ op: op.OP_CLOSED, requestId: 77, body: { label: 0, reason: 'timeout' } }]);
    limit('an unanswered offer').sees({
      answers: closed.map((frame) => (frame as { body: { reason: string } }).body.reason),
      stats: world.stats(),
      why: world.reasons(alice),
    });
    expect(world.got(bob)).toEqual([{ op: op.OP_CLOSED, requestId: 0, body: { label, reason: 'timeout' } }]);
    expect(world.ends.count).toBe(0);
    expect(bob.session.offersPending).toBe(0);
    world.channels.accept(bob.session, { label, credit: 1 });
    expect([world.got(alice), world.drops()]).toEqual([[], { dropControl: 1 }]);
  });

  test('that was answered does not end with time, nor keeps a later one from ending', () => {
    const world = new ShardWorld();
    const [alice, bob] = [world.peer(), world.peer()];
    world.channels.accept(bob.session, { label: offered(world, alice, bob, 1), credit: 9 });
    const rejected = offered(world, alice, bob, 2);
    world.channels.reject(bob.session, { label: rejected });
    offered(world, alice, bob, 3);
    world.got(alice);
    world.channels.expireOffers(performance.now() + OFFER_TIMEOUT_MS + 1_000);
    expect(world.got(alice)).toEqual([
      { op: op.OP_CLOSED, requestId: 3, body: { label: 0, reason: 'timeout' } },
    ]);
    expect(world.ends.count).toBe(2);
  });

  test('cannot be taken back by an opener who guesses the label', () => {
    const world = new ShardWorld();
    const [alice, bob] = [world.peer(), world.peer()];
    offered(world, alice, bob);
    const openers = alice.session.firstEnd - 1;
    const label = world.ends.label[openers]!;
    for (const state of ['close', 'accept', 'reject', 'credit'] as const) {
      if (state === 'close') world.channels.close(alice.session, 1, { label });
      if (state === 'accept') world.channels.accept(alice.session, { label, credit: 1 });
      if (state === 'reject') world.channels.reject(alice.session, { label });
      if (state === 'credit') world.channels.credit(alice.session, { label, bytes: 1 });
    }
    expect([world.got(alice), world.got(bob)]).toEqual([[], []]);
    expect(world.drops()).toEqual({ dropControl: 4 });
    expect(world.ends.count).toBe(2);
  });

  test('counts as pending until it is answered, in every way in which that can happen', () => {
    const world = new ShardWorld();
    const [alice, bob] = [world.peer(), world.peer()];
    const labels = Array.from({ length: MAX_OFFERS_PENDING }, (_, i) => offered(world, alice, bob, i + 1));
    world.channels.open(alice.session, 99, { to: bob.key, ...KIND });
    expect(world.got(bob)).toEqual([]);
    expect(world.got(alice)).toEqual([
      { op: op.OP_CLOSED, requestId: 99, body: { label: 0, reason: 'busy' } },
    ]);
    world.channels.accept(bob.session, { label: labels[0]!, credit: 1 });
    world.channels.reject(bob.session, { label: labels[1]! });
    world.channels.close(bob.session, 0, { label: labels[2]! });
    expect(bob.session.offersPending).toBe(MAX_OFFERS_PENDING - 3);
    world.channels.abandon(alice.session, 'peer-gone');
    expect([bob.session.offersPending, bob.session.channels, bob.session.liabilityBytes]).toEqual([0, 0, 0]);
    expect(world.ends.count).toBe(0);
  });
});

describe('credit', () => {
  test('of a realtime channel is dropped and counted; of zero bytes it is nothing', () => {
    const world = new ShardWorld();
    const [alice, bob] = [world.peer(), world.peer()];
    world.channels.open(alice.session, 1, { to: bob.key, ...KIND, reliable: false });
    const label = (world.got(bob)[0] as { body: { label: number } }).body.label;
    world.channels.accept(bob.session, { label, credit: 5 });
    world.got(alice);
    world.channels.credit(bob.session, { label, bytes: 5 });
    expect(world.drops()).toEqual({ dropControl: 1 });
    const reliable = offered(world, alice, bob);
    world.channels.accept(bob.session, { label: reliable, credit: 5 });
    world.got(alice);
    world.channels.credit(bob.session, { label: reliable, bytes: 0 });
    expect(world.got(alice)).toEqual([]);
  });

  test('in small pieces does not cost a receiver under pressure its session: it comes in one frame', () => {
    const world = new ShardWorld();
    const [alice, bob] = [world.peer(), world.peer()];
    const label = offered(world, alice, bob);
    world.channels.accept(bob.session, { label, credit: 5 });
    const opened = world.got(alice)[0] as { body: { label: number } };
    alice.socket.full = true;
    world.outboxes.appendControl(alice.session, encodeControl(op.OP_PONG, 1, {}), 0);
    world.got(alice);
    for (let i = 0; i < 100_000; i++) world.channels.credit(bob.session, { label, bytes: 1 });
    expect(world.refused).toEqual([]);
    alice.socket.take();
    world.outboxes.drained(alice.session);
    expect(world.got(alice)).toEqual([
      { op: op.OP_CREDIT, requestId: 0, body: { label: opened.body.label, bytes: 100_000 } },
    ]);
  });
});

test('`closed` does not overtake the realtime data that waits for a slow receiver', () => {
  const world = new ShardWorld();
  const [alice, bob] = [world.peer(), world.peer()];
  world.channels.open(alice.session, 1, { to: bob.key, ...KIND, reliable: false, lifeMs: 60_000 });
  const label = (world.got(bob)[0] as { body: { label: number } }).body.label;
  world.channels.accept(bob.session, { label, credit: 0 });
  const mine = (world.got(alice)[0] as { body: { label: number } }).body.label;
  bob.socket.full = true;
  const frame = (payload: number): Uint8Array =>
    Uint8Array.of(0x93, 0x12, 0xce, mine >>> 24, mine >>> 16, mine >>> 8, mine, 0xc4, 1, payload);
  for (const number of [1, 2, 3]) {
    world.bundle(alice, frame(number));
    world.outboxes.flush();
  }
  world.channels.close(alice.session, 0, { label: mine });
  bob.socket.take();
  world.outboxes.drained(bob.session);
  expect(world.got(bob)).toEqual([
    ...[1, 2, 3].map((number) => ({ label, payload: Uint8Array.of(number) })),
    { op: op.OP_CLOSED, requestId: 0, body: { label, reason: 'closed' } },
  ]);
});
