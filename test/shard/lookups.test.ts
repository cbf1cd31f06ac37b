import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeControl } from '../../core/protocol/control.ts';
import { STATE_AWAY, STATE_OFFLINE, STATE_ONLINE } from '../../core/protocol/directory-ops.ts';
import * as op from '../../core/protocol/ops.ts';
import { C } from '../../core/threads/counters.ts';
import type { ReadAnswers } from '../../core/threads/directory-messages.ts';
import { type FakePeer, ShardWorld } from '../fixtures/shard-world.ts';

const NOT_FOUND = {
  failed: { code: 'not-found' as const, message: 'There is nobody of that name or key.' },
};

/** What the directory says of a peer that everyone may see, as of now. */
function found(
  world: ShardWorld,
  peer: Uint8Array,
  more: Partial<ReadAnswers['lookup']> & { name?: string } = {},
): { t: 'lookup' } & ReadAnswers['lookup'] {
  const { name, ...rest } = more;
  return {
    t: 'lookup',
    peer,
    state: STATE_OFFLINE,
    seenMs: 1_700_000_000_000,
    cacheable: true,
    version: world.versions.current(peer),
    ...(name === undefined ? {} : { nameVersion: world.versions.current(name) }),
    ...rest,
  };
}

/** Every encoding of a requestId that msgpack has for it. */
function encodings(id: number): number[][] {
  const be = (bytes: number): number[] =>
    Array.from({ length: bytes }, (_, i) => Math.floor(id / 256 ** (bytes - 1 - i)) % 256);
  return [
    ...(id < 0x80 ? [[id]] : []),
    ...(id < 0x100 ? [[0xcc, id]] : []),
    ...(id < 0x1_0000 ? [[0xcd, ...be(2)]] : []),
    [0xce, ...be(4)],
    [0xcf, 0, 0, 0, 0, ...be(4)],
  ];
}

const lookupFrame = (id: number[], key: Uint8Array): Uint8Array =>
  Uint8Array.of(0x93, 0x40, ...id, 0x81, 0xa4, 0x70, 0x65, 0x65, 0x72, 0xc4, 0x20, ...key);

/** What a peer's socket was given, as bytes. */
function sent(world: ShardWorld, peer: FakePeer): string {
  world.outboxes.flush();
  return Buffer.concat(peer.socket.sends.splice(0)).toString('hex');
}

describe('a look-up of a peer that is here and open to all', () => {
  test('is answered from the presence table, with nobody asked', () => {
    const world = new ShardWorld(true);
    const [alice, bob] = [world.peer(), world.plainPeer()];
    world.request(alice, op.OP_LOOKUP, 9, { peer: bob.key });
    expect(world.got(alice)).toEqual([{ op: op.OP_FOUND, requestId: 9, body: { state: STATE_ONLINE } }]);
    world.request(bob, op.OP_STATUS, 0, { away: true });
    world.request(alice, op.OP_LOOKUP, 10, { peer: bob.key, record: false });
    expect(world.got(alice)).toEqual([{ op: op.OP_FOUND, requestId: 10, body: { state: STATE_AWAY } }]);
    expect(world.asked()).toEqual([]);
    expect([world.counters[C.lookups], world.counters[C.lookupsOnShard]]).toEqual([2, 2]);
  });

  test('gives the same bytes by the fast way and by the general one, in any mix of frames', () => {
    const requestId = fc.oneof(
      fc.constantFrom(1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff),
      fc.integer({ min: 1, max: 0xffff_ffff }),
    );
    const look = fc.record({
      requestId,
      form: fc.nat(4),
      who: fc.constantFrom('plain' as const, 'away' as const, 'hidden' as const, 'absent' as const),
    });
    fc.assert(
      fc.property(fc.array(look, { minLength: 1, maxLength: 40 }), fc.boolean(), (looks, slow) => {
        const fast = new ShardWorld(true);
        const general = new ShardWorld(true);
        general.directory.lookup = () => 0;
        const answers = [fast, general].map((world) => {
          const alice = world.peer();
          const away = world.plainPeer();
          world.request(away, op.OP_STATUS, 0, { away: true });
          const keys = {
            plain: world.plainPeer().key,
            away: away.key,
            hidden: world.peer().key,
            absent: world.newKey(),
          };
          if (slow) {
            alice.socket.full = true;
            world.request(alice, op.OP_INBOX, 1, {});
            world.got(alice);
          }
          const frames = looks.map(({ requestId: id, form, who }) => {
            const forms = encodings(id);
            return lookupFrame(forms[form % forms.length]!, keys[who]);
          });
          world.bundle(alice, Buffer.concat(frames));
          const asked = world.asked().map(({ ask }) => ask);
          alice.socket.take();
          world.outboxes.drained(alice.session);
          return { asked, sent: sent(world, alice), lookups: world.counters[C.lookups] };
        });
        expect(answers[0]).toEqual(answers[1]);
        expect(general.counters[C.lookupsOnShard]).toBe(fast.counters[C.lookupsOnShard]);
      }),
      { numRuns: 200 },
    );
  });

  test('that is cut off, has no requestId or comes before the login is left to the general way', () => {
    const world = new ShardWorld(true);
    const [alice, bob] = [world.peer(), world.plainPeer()];
    const frame = lookupFrame([5], bob.key);
    for (let end = 0; end < frame.length; end++) {
      expect(world.directory.lookup(alice.session, frame, 0, end)).toBe(0);
      if (end > 0) expect(() => world.bundle(alice, frame.slice(0, end))).toThrow(/truncated/);
    }
    expect(world.directory.lookup(alice.session, lookupFrame([0], bob.key), 0, frame.length)).toBe(0);
    expect(() => world.bundle(alice, lookupFrame([0], bob.key))).toThrow(/needs a requestId/);
    alice.session.state = 0;
    expect(world.directory.lookup(alice.session, frame, 0, frame.length)).toBe(0);
  });

  test('with bytes that are nearly those of a look-up is never answered as one', () => {
    const world = new ShardWorld(true);
    const [alice, bob] = [world.peer(), world.plainPeer()];
    const frame = lookupFrame([5], bob.key);
    for (let at = 0; at < 11; at++) {
      for (const bit of [1, 2, 4, 8, 16, 32, 64, 128]) {
        const bent = frame.slice();
        bent[at]! ^= bit;
        const after = world.directory.lookup(alice.session, bent, 0, bent.length);
        const other = at === 2 && bent[2]! < 0x80 && bent[2] !== 0;
        expect(after > 0, `byte ${at}, bit ${bit}`).toBe(other);
      }
    }
  });
});

describe('a look-up of anybody else', () => {
  test('asks the directory, and is answered with what it says', () => {
    const world = new ShardWorld(true);
    const alice = world.peer();
    const key = world.newKey();
    world.request(alice, op.OP_LOOKUP, 3, { peer: key, record: true });
    world.request(alice, op.OP_LOOKUP, 4, { name: 'bob' });
    const [byKey, byName] = world.asked();
    expect(byKey!.ask).toEqual({ t: 'lookup', asker: alice.key, peer: key, record: true });
    expect(byName!.ask).toEqual({ t: 'lookup', asker: alice.key, name: 'bob', record: false });
    const record = new Uint8Array(117).fill(4);
    world.answer(byName!, found(world, key, { name: 'bob' }));
    world.answer(byKey!, found(world, key, { record }));
    expect(world.got(alice)).toEqual([
      {
        op: op.OP_FOUND,
        requestId: 4,
        body: { peer: key, state: STATE_OFFLINE, seenMs: 1_700_000_000_000 },
      },
      { op: op.OP_FOUND, requestId: 3, body: { state: STATE_OFFLINE, seenMs: 1_700_000_000_000, record } },
    ]);
  });

  test('who hides and who does not exist: the same asks, the same bytes', () => {
    const answers = ['hidden', 'absent'].map((who) => {
      const world = new ShardWorld(true);
      const alice = world.peer();
      const bob = world.peer();
      if (who === 'absent') world.leave(bob);
      world.request(alice, op.OP_LOOKUP, 7, { peer: bob.key });
      world.request(alice, op.OP_LOOKUP, 8, { peer: bob.key, record: true });
      const asked = world.asked();
      for (const ask of asked) world.answer(ask, { t: 'lookup', ...NOT_FOUND });
      const again = world.asked();
      return { asked, again, sent: sent(world, alice), on: world.counters[C.lookupsOnShard] };
    });
    expect(answers[0]).toEqual(answers[1]);
    expect(answers[0]!.asked.length).toBe(2);
    expect(answers[0]!.on).toBe(0);
  });

  test('is answered from the cache the second time, with who is online as of now', () => {
    const world = new ShardWorld(true);
    const alice = world.peer();
    const key = world.newKey();
    const record = new Uint8Array(117).fill(4);
    const ask = (): unknown[] => {
      world.request(alice, op.OP_LOOKUP, 3, { name: 'bob', record: true });
      return world.asked().map((asked) => {
        world.answer(asked, found(world, key, { name: 'bob', record }));
        return asked.ask;
      });
    };
    expect(ask().length).toBe(1);
    const [first] = world.got(alice);
    expect(ask().length).toBe(0);
    expect(world.got(alice)).toEqual([first]);
    expect(world.counters[C.lookupsCached]).toBe(1);

    const bob = world.peer(key);
    expect(ask().length, 'here, and not known to be open to all').toBe(1);
    world.got(alice);
    world.directory.arrivals.plain(bob.session, true);
    expect(ask().length).toBe(0);
    expect(world.got(alice)).toEqual([
      { op: op.OP_FOUND, requestId: 3, body: { peer: key, state: STATE_ONLINE, record } },
    ]);
    world.leave(bob);
    expect(ask().length, 'gone, and the cache does not know since when').toBe(1);
  });

  test('does not come from the cache once the peer or the name was written', () => {
    const world = new ShardWorld(true);
    const alice = world.peer();
    const key = world.newKey();
    const asks = (): number => {
      world.request(alice, op.OP_LOOKUP, 3, { name: 'bob' });
      const asked = world.asked();
      for (const one of asked) world.answer(one, found(world, key, { name: 'bob' }));
      return asked.length;
    };
    expect([asks(), asks()]).toEqual([1, 0]);
    world.versions.bump(key);
    expect([asks(), asks()]).toEqual([1, 0]);
    world.versions.bump('bob');
    expect([asks(), asks()]).toEqual([1, 0]);
  });

  test('is not kept when it was read before a write that is known by now, or when not everyone may see it', () => {
    const world = new ShardWorld(true);
    const alice = world.peer();
    const key = world.newKey();
    const asks = (more: Partial<ReadAnswers['lookup']>): number => {
      world.request(alice, op.OP_LOOKUP, 3, { peer: key });
      const asked = world.asked();
      for (const one of asked) world.answer(one, found(world, key, more));
      return asked.length;
    };
    const before = world.versions.current(key);
    world.versions.bump(key);
    expect([asks({ version: before }), asks({ cacheable: false }), asks({}), asks({})]).toEqual([1, 1, 1, 0]);
  });

  test('that the directory cannot answer costs the request, not the session', () => {
    const world = new ShardWorld(true);
    const alice = world.peer();
    world.request(alice, op.OP_LOOKUP, 3, { name: 'bob' });
    const failed = { code: 'busy' as const, message: 'Too much.', retryAfterMs: 500 };
    world.answer(world.asked()[0]!, { t: 'lookup', failed });
    expect(world.got(alice)).toEqual([{ op: op.OP_ERROR, requestId: 3, body: { ...failed, fatal: false } }]);
    expect([alice.session.requestsPending, world.refused]).toEqual([0, []]);
  });

  test('of a session that has ended is answered to nobody', () => {
    const world = new ShardWorld(true);
    const alice = world.peer();
    world.request(alice, op.OP_LOOKUP, 3, { name: 'bob' });
    const [ask] = world.asked();
    world.leave(alice);
    const next = world.peer();
    expect(next.session.slot).toBe(alice.session.slot);
    world.answer(ask!, { t: 'lookup', ...NOT_FOUND });
    expect(world.got(next)).toEqual([]);
    expect(world.asks.waiting).toBe(0);
  });
});

test('two requests with one requestId are both answered', () => {
  const world = new ShardWorld(true);
  const alice = world.peer();
  const frame = encodeControl(op.OP_LOOKUP, 3, { name: 'bob' });
  world.bundle(alice, Buffer.concat([frame, frame]));
  for (const ask of world.asked()) world.answer(ask, { t: 'lookup', ...NOT_FOUND });
  expect(world.got(alice).length).toBe(2);
});
