import { describe, expect, test } from 'vitest';
import * as op from '../../core/protocol/ops.ts';
import { PRESENCE_AWAY, PRESENCE_PLAIN } from '../../core/threads/presence.ts';
import { policyOf } from '../../core/threads/versions.ts';
import { type FakePeer, ShardWorld } from '../fixtures/shard-world.ts';

function flags(world: ShardWorld, { key }: FakePeer): number {
  const place = { shard: 0, slot: 0, generation: 0, flags: 0 };
  expect(world.presence.find(key, place)).toBe(true);
  return place.flags;
}

describe('a peer that arrives', () => {
  test('is not open to all until the directory has said so', () => {
    const world = new ShardWorld(true);
    const alice = world.peer();
    world.directory.arrivals.arrived(alice.session, null);
    expect(flags(world, alice)).toBe(0);
    const [ask] = world.asked();
    expect(ask!.ask).toEqual({ t: 'arrive', peer: alice.key });
    const version = world.versions.current(policyOf(alice.key));
    world.answer(ask!, { t: 'arrive', plain: true, version });
    expect(flags(world, alice)).toBe(PRESENCE_PLAIN);
  });

  test('needs no ask when the directory has said it with the login', () => {
    const world = new ShardWorld(true);
    const [open, hidden] = [world.peer(), world.peer()];
    for (const [peer, plain] of [
      [open, true],
      [hidden, false],
    ] as const) {
      const version = world.versions.current(policyOf(peer.key));
      world.directory.arrivals.arrived(peer.session, { plain, version });
    }
    expect([flags(world, open), flags(world, hidden), world.asked()]).toEqual([PRESENCE_PLAIN, 0, []]);
  });

  test('is asked about again as long as what is said of it is older than a write that is known', () => {
    const world = new ShardWorld(true);
    const alice = world.peer();
    const version = world.versions.current(policyOf(alice.key));
    world.versions.bump(policyOf(alice.key));
    world.directory.arrivals.arrived(alice.session, { plain: true, version });
    let asks = 0;
    for (let asked = world.asked(); asked.length > 0; asked = world.asked(), asks++) {
      world.answer(asked[0]!, { t: 'arrive', plain: true, version });
      expect(flags(world, alice)).toBe(0);
    }
    expect(asks, 'not for ever in one go').toBe(4);
    world.directory.sweep(performance.now());
    const current = world.versions.current(policyOf(alice.key));
    world.answer(world.asked()[0]!, { t: 'arrive', plain: true, version: current });
    expect(flags(world, alice)).toBe(PRESENCE_PLAIN);
  });

  test('stays not open to all while the directory cannot say, and is asked about again', () => {
    const world = new ShardWorld(true);
    const alice = world.peer();
    world.directory.arrivals.arrived(alice.session, null);
    const failed = { code: 'directory-unavailable' as const, message: 'The disk is gone.' };
    world.answer(world.asked()[0]!, { t: 'arrive', failed });
    expect([flags(world, alice), world.asked(), world.got(alice)]).toEqual([0, [], []]);
    world.directory.sweep(performance.now());
    expect(world.asked().length).toBe(1);
    world.directory.news({
      kind: 'plain',
      slot: alice.session.slot,
      generation: alice.session.generation,
      plain: true,
    });
    expect(flags(world, alice)).toBe(PRESENCE_PLAIN);
  });

  test('that has left is not asked about again', () => {
    const world = new ShardWorld(true);
    const alice = world.peer();
    world.directory.arrivals.arrived(alice.session, null);
    const failed = { code: 'busy' as const, message: 'Too much.' };
    world.answer(world.asked()[0]!, { t: 'arrive', failed });
    world.leave(alice);
    world.directory.sweep(performance.now());
    expect([world.asked(), world.asks.waiting]).toEqual([[], 0]);
  });
});

describe('a peer that says that it is away', () => {
  test('is so in the presence table, and keeps what else is said there', () => {
    const world = new ShardWorld(true);
    const alice = world.plainPeer();
    world.request(alice, op.OP_STATUS, 0, { away: true });
    expect(flags(world, alice)).toBe(PRESENCE_AWAY | PRESENCE_PLAIN);
    const { slot, generation } = alice.session;
    world.directory.news({ kind: 'plain', slot, generation, plain: false });
    expect(flags(world, alice)).toBe(PRESENCE_AWAY);
    world.request(alice, op.OP_STATUS, 7, { away: false });
    expect([flags(world, alice), world.got(alice)]).toEqual([0, []]);
  });

  test('is told to the main thread once a turn, and only when it is another than before', () => {
    const world = new ShardWorld(true);
    const alice = world.peer();
    for (let i = 0; i < 1_001; i++) world.request(alice, op.OP_STATUS, 0, { away: i % 2 === 0 });
    world.asked();
    expect(world.changes).toEqual([{ peer: alice.key, away: true }]);
    for (let i = 0; i < 1_000; i++) world.request(alice, op.OP_STATUS, 0, { away: i % 2 === 1 });
    world.asked();
    expect(world.changes.length).toBe(1);
    world.request(alice, op.OP_STATUS, 0, { away: false });
    world.leave(alice);
    world.asked();
    expect(world.changes.slice(1)).toMatchObject([{ peer: alice.key, came: null, reason: 'left' }]);
  });

  test('and has a newer session elsewhere changes nothing of that one', () => {
    const world = new ShardWorld(true);
    const older = world.peer();
    const newer = world.peer(older.key);
    world.request(older, op.OP_STATUS, 0, { away: true });
    world.directory.arrivals.plain(older.session, true);
    expect(flags(world, newer)).toBe(0);
  });
});
