import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeControl } from '../../core/protocol/control.ts';
import { STATE_AWAY, STATE_OFFLINE, STATE_ONLINE } from '../../core/protocol/directory-ops.ts';
import { MAX_KEYS_PER_FRAME, MAX_WATCHES_PER_SESSION } from '../../core/protocol/limits.ts';
import * as op from '../../core/protocol/ops.ts';
import { C } from '../../core/threads/counters.ts';
import type { PresenceNews, ShardAsk, Sight } from '../../core/threads/directory-messages.ts';
import { type FakePeer, ShardWorld } from '../fixtures/shard-world.ts';

const busy = { failed: { code: 'busy' as const, message: 'Too much.', retryAfterMs: 100 } };
const online = (peer: Uint8Array, plain = true): PresenceNews => ({ peer, state: STATE_ONLINE, plain });
const gone = (peer: Uint8Array, seenMs: number, plain = true): PresenceNews => ({
  peer,
  state: STATE_OFFLINE,
  seenMs,
  plain,
});

function news(world: ShardWorld, ...changes: PresenceNews[]): void {
  world.directory.news({ kind: 'presence', changes });
}

function see(world: ShardWorld, ask: ShardAsk, ...sights: Sight[]): void {
  world.answer(ask, { t: 'see', sights });
}

function watch(world: ShardWorld, watcher: FakePeer, peers: Uint8Array[], requestId = 1): void {
  world.request(watcher, op.OP_WATCH, requestId, { peers });
}

const presence = (requestId: number, ...states: (Sight & { peer: Uint8Array })[]) => ({
  op: op.OP_PRESENCE,
  requestId,
  body: { states },
});

describe('watching', () => {
  test('is answered at once for peers that are here and open to all, in their order', () => {
    const world = new ShardWorld(true);
    const [alice, bob, carol] = [world.peer(), world.plainPeer(), world.plainPeer()];
    world.request(bob, op.OP_STATUS, 0, { away: true });
    watch(world, alice, [carol.key, bob.key, carol.key], 5);
    expect(world.asked()).toEqual([]);
    const states = [
      { peer: carol.key, state: STATE_ONLINE },
      { peer: bob.key, state: STATE_AWAY },
      { peer: carol.key, state: STATE_ONLINE },
    ];
    expect(world.got(alice)).toEqual([presence(5, ...states)]);
    expect(world.counters[C.watches]).toBe(2);
  });

  test('asks the directory what it may see of all others, and answers once', () => {
    const world = new ShardWorld(true);
    const [alice, bob, hidden] = [world.peer(), world.plainPeer(), world.peer()];
    const absent = world.newKey();
    watch(world, alice, [absent, bob.key, hidden.key], 5);
    expect(world.got(alice)).toEqual([]);
    const [ask] = world.asked();
    expect(ask!.ask).toEqual({ t: 'see', asker: alice.key, peers: [absent, hidden.key] });
    see(world, ask!, { state: STATE_OFFLINE }, { state: STATE_OFFLINE });
    const states = [
      { peer: absent, state: STATE_OFFLINE },
      { peer: bob.key, state: STATE_ONLINE },
      { peer: hidden.key, state: STATE_OFFLINE },
    ];
    expect(world.got(alice)).toEqual([presence(5, ...states)]);
  });

  test('takes as many peers as a list may have, and refuses more as a whole', () => {
    const world = new ShardWorld(true);
    const alice = world.peer();
    const keys = Array.from({ length: MAX_WATCHES_PER_SESSION + 1 }, () => world.newKey());
    for (let i = 0; i < MAX_WATCHES_PER_SESSION; i += MAX_KEYS_PER_FRAME) {
      watch(world, alice, keys.slice(i, i + MAX_KEYS_PER_FRAME));
      for (const ask of world.asked()) {
        see(world, ask, ...new Array<Sight>(MAX_KEYS_PER_FRAME).fill({ state: STATE_OFFLINE }));
      }
    }
    world.got(alice);
    watch(world, alice, [keys[0]!, keys[MAX_WATCHES_PER_SESSION]!], 99);
    expect(world.got(alice)).toMatchObject([
      { op: op.OP_ERROR, requestId: 99, body: { code: 'too-many-watches', fatal: false } },
    ]);
    expect(world.counters[C.watches]).toBe(MAX_WATCHES_PER_SESSION);
    watch(world, alice, [keys[0]!, keys[1]!], 100);
    expect(world.asked().length).toBe(1);
    world.request(alice, op.OP_UNWATCH, 0, { peers: [keys[7]!] });
    watch(world, alice, [keys[MAX_WATCHES_PER_SESSION]!], 101);
    expect(world.asked().length).toBe(1);
    world.leave(alice);
    expect(world.counters[C.watches]).toBe(0);
    news(world, online(keys[3]!));
    expect(world.asked()).toEqual([]);
  });

  test('that the directory cannot answer is undone, and the peer may ask again', () => {
    const world = new ShardWorld(true);
    const [alice, bob] = [world.peer(), world.plainPeer()];
    const other = world.newKey();
    watch(world, alice, [bob.key], 1);
    watch(world, alice, [bob.key, other], 2);
    world.answer(world.asked()[0]!, { t: 'see', ...busy });
    expect(world.got(alice)).toMatchObject([
      { op: op.OP_PRESENCE },
      { op: op.OP_ERROR, requestId: 2, body: { code: 'busy' } },
    ]);
    expect(world.counters[C.watches]).toBe(1);
    watch(world, alice, [other], 3);
    see(world, world.asked()[0]!, { state: STATE_OFFLINE, seenMs: 5 });
    expect(world.got(alice)).toEqual([presence(3, { peer: other, state: STATE_OFFLINE, seenMs: 5 })]);
  });
});

describe('a change', () => {
  test('is told to everyone who watches, and to nobody else', () => {
    const world = new ShardWorld(true);
    const [alice, bob, carol] = [world.peer(), world.peer(), world.peer()];
    const peer = world.newKey();
    for (const watcher of [alice, bob]) {
      watch(world, watcher, [peer]);
      see(world, world.asked()[0]!, { state: STATE_OFFLINE });
      world.got(watcher);
    }
    const dave = world.peer(peer);
    world.directory.arrivals.plain(dave.session, true);
    news(world, online(peer));
    const told = presence(0, { peer, state: STATE_ONLINE });
    expect([world.got(alice), bob.socket.sends.length, world.got(carol)]).toEqual([[told], 1, []]);
    expect(world.counters[C.presencePushed]).toBe(2);
    world.got(bob);
    world.leave(dave);
    news(world, gone(peer, 77));
    expect(world.got(bob)).toEqual([presence(0, { peer, state: STATE_OFFLINE, seenMs: 77 })]);
    expect(world.asked()).toEqual([]);
  });

  test('to the state that was told last is not told again', () => {
    const world = new ShardWorld(true);
    const [alice, bob] = [world.peer(), world.plainPeer()];
    watch(world, alice, [bob.key]);
    world.got(alice);
    news(world, online(bob.key), online(bob.key));
    expect(world.got(alice)).toEqual([]);
  });

  test('of a peer that not everyone may see is asked about for each watcher: who may not see it is told nothing', () => {
    const world = new ShardWorld(true);
    const [friend, stranger] = [world.peer(), world.peer()];
    const bob = world.peer();
    for (const watcher of [friend, stranger]) {
      watch(world, watcher, [bob.key]);
      see(world, world.asked()[0]!, { state: STATE_OFFLINE });
      world.got(watcher);
    }
    news(world, online(bob.key, false));
    const [first, second] = world.asked();
    expect([first!.ask, second!.ask]).toEqual([
      { t: 'see', asker: friend.key, peers: [bob.key] },
      { t: 'see', asker: stranger.key, peers: [bob.key] },
    ]);
    see(world, first!, { state: STATE_ONLINE });
    see(world, second!, { state: STATE_OFFLINE });
    expect(world.got(friend)).toEqual([presence(0, { peer: bob.key, state: STATE_ONLINE })]);
    expect(world.got(stranger)).toEqual([]);
  });

  test('that says open to all of a peer that is so no more is not believed', () => {
    const world = new ShardWorld(true);
    const [alice, bob] = [world.peer(), world.plainPeer()];
    watch(world, alice, [bob.key]);
    world.got(alice);
    world.directory.news({
      kind: 'plain',
      slot: bob.session.slot,
      generation: bob.session.generation,
      plain: false,
    });
    news(world, online(bob.key, true));
    expect(world.asked().map(({ ask }) => ask.t)).toEqual(['see']);
    expect(world.got(alice)).toEqual([]);
  });

  test('before the first answer waits for it', () => {
    const world = new ShardWorld(true);
    const alice = world.peer();
    const key = world.newKey();
    watch(world, alice, [key], 4);
    const [ask] = world.asked();
    const bob = world.peer(key);
    world.directory.arrivals.plain(bob.session, true);
    news(world, online(key));
    expect(world.got(alice)).toEqual([]);
    see(world, ask!, { state: STATE_OFFLINE });
    expect(world.got(alice)).toEqual([
      presence(4, { peer: key, state: STATE_OFFLINE }),
      presence(0, { peer: key, state: STATE_ONLINE }),
    ]);
  });

  test('waits while the watcher does not read, and only the last of each peer is told then', () => {
    const world = new ShardWorld(true);
    const [alice, bob, carol] = [world.peer(), world.plainPeer(), world.plainPeer()];
    watch(world, alice, [bob.key, carol.key]);
    world.got(alice);
    alice.socket.full = true;
    world.outboxes.appendControl(alice.session, encodeControl(op.OP_PONG, 1, {}), 0);
    world.got(alice);
    for (let i = 0; i < 1_000; i++) {
      world.request(bob, op.OP_STATUS, 0, { away: i % 2 === 0 });
      world.request(carol, op.OP_STATUS, 0, { away: i % 2 === 1 });
      news(world, online(bob.key), online(carol.key));
      world.asked();
      world.directory.sweep(performance.now());
    }
    expect(world.got(alice)).toEqual([]);
    alice.socket.take();
    world.outboxes.drained(alice.session);
    world.got(alice);
    world.directory.sweep(performance.now());
    expect(world.got(alice)).toEqual([presence(0, { peer: carol.key, state: STATE_AWAY })]);
  });

  test('of many peers is told 32 a frame and a frame a turn, until all are told', () => {
    const world = new ShardWorld(true);
    const alice = world.peer();
    const others = Array.from({ length: 80 }, () => world.plainPeer());
    for (let i = 0; i < 80; i += 20)
      watch(
        world,
        alice,
        others.slice(i, i + 20).map(({ key }) => key),
      );
    world.got(alice);
    for (const other of others) world.request(other, op.OP_STATUS, 0, { away: true });
    news(world, ...others.map(({ key }) => online(key)));
    const frames = [world.got(alice), world.got(alice), world.got(alice), world.got(alice)];
    expect(
      frames.map((all) => all.map((frame) => 'op' in frame && (frame.body as { states: [] }).states.length)),
    ).toEqual([[32], [32], [16], []]);
  });

  test('is asked about again when the directory could not say', () => {
    const world = new ShardWorld(true);
    const [alice, bob] = [world.peer(), world.peer()];
    watch(world, alice, [bob.key]);
    see(world, world.asked()[0]!, { state: STATE_OFFLINE });
    world.got(alice);
    news(world, online(bob.key, false));
    world.answer(world.asked()[0]!, { t: 'see', ...busy });
    expect(world.asked()).toEqual([]);
    world.directory.sweep(performance.now());
    see(world, world.asked()[0]!, { state: STATE_ONLINE });
    expect(world.got(alice)).toEqual([presence(0, { peer: bob.key, state: STATE_ONLINE })]);
  });
});

test('in the end every watcher was told the state that is so, and never the same twice', () => {
  const PEERS = 5;
  const peer = fc.nat(PEERS - 1);
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ do: fc.constant('come' as const), peer, plain: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('leave' as const), peer }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('away' as const), peer, away: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('policy' as const), peer, plain: fc.boolean() }) },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('watch' as const),
        peers: fc.uniqueArray(peer, { minLength: 1 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('unwatch' as const), peer }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('answer' as const), fails: fc.nat(5) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('pressure' as const), on: fc.boolean() }) },
    { weight: 2, arbitrary: fc.constant({ do: 'news' as const }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const world = new ShardWorld(true);
      const alice = world.peer();
      const keys = Array.from({ length: PEERS }, () => world.newKey());
      const here: (FakePeer | null)[] = keys.map(() => null);
      /** What the watcher may see: one that is not open to all is hidden from it when its number is odd. */
      const plain = keys.map(() => true);
      const truth = (i: number): number => {
        const one = here[i];
        if (!one || (!plain[i] && i % 2 === 1)) return STATE_OFFLINE;
        return (one.session.presenceFlags & 1) === 0 ? STATE_ONLINE : STATE_AWAY;
      };
      const told = new Map<number, number>();
      const asks: ShardAsk[] = [];
      let changed = new Set<number>();
      const number = (key: Uint8Array): number => keys.findIndex((one) => Buffer.compare(one, key) === 0);
      const read = (): void => {
        asks.push(...world.asked());
        for (const frame of world.got(alice)) {
          if (!('op' in frame) || frame.op === op.OP_PONG) continue;
          if (frame.op === op.OP_ERROR) continue;
          for (const { peer: key, state } of (frame.body as { states: { peer: Uint8Array; state: number }[] })
            .states) {
            if (frame.requestId === 0) expect(state, 'told twice').not.toBe(told.get(number(key)));
            told.set(number(key), state);
          }
        }
      };
      const answer = (ask: ShardAsk, fails: boolean): void => {
        const { peers } = ask.ask as { peers: Uint8Array[] };
        if (fails) world.answer(ask, { t: 'see', ...busy });
        else see(world, ask, ...peers.map((key) => ({ state: truth(number(key)) })));
      };
      const tellNews = (): void => {
        const changes = [...changed].map((i) => {
          const one = here[i];
          return one ? online(keys[i]!, plain[i]!) : gone(keys[i]!, 5, plain[i]!);
        });
        changed = new Set();
        if (changes.length > 0) news(world, ...changes);
      };
      for (const one of steps) {
        if (one.do === 'come' && here[one.peer] === null) {
          const came = world.peer(keys[one.peer]!);
          here[one.peer] = came;
          plain[one.peer] = one.plain;
          world.directory.arrivals.plain(came.session, one.plain);
          changed.add(one.peer);
        } else if (one.do === 'leave' && here[one.peer]) {
          world.leave(here[one.peer]!);
          here[one.peer] = null;
          changed.add(one.peer);
        } else if (one.do === 'away' && here[one.peer]) {
          world.request(here[one.peer]!, op.OP_STATUS, 0, { away: one.away });
          changed.add(one.peer);
        } else if (one.do === 'policy') {
          plain[one.peer] = one.plain;
          const session = here[one.peer]?.session;
          if (session) world.directory.arrivals.plain(session, one.plain);
          changed.add(one.peer);
        } else if (one.do === 'watch') {
          watch(
            world,
            alice,
            one.peers.map((i) => keys[i]!),
            9,
          );
        } else if (one.do === 'unwatch') {
          world.request(alice, op.OP_UNWATCH, 0, { peers: [keys[one.peer]!] });
        } else if (one.do === 'answer') {
          asks.push(...world.asked());
          const ask = asks.shift();
          if (ask) answer(ask, one.fails === 0);
        } else if (one.do === 'pressure') {
          if (one.on) {
            alice.socket.full = true;
            world.outboxes.appendControl(alice.session, encodeControl(op.OP_PONG, 1, {}), 0);
          } else {
            alice.socket.take();
            world.outboxes.drained(alice.session);
          }
        } else if (one.do === 'news') tellNews();
        read();
      }
      alice.socket.take();
      world.outboxes.drained(alice.session);
      tellNews();
      for (let round = 0; round < 20; round++) {
        read();
        for (const ask of asks.splice(0)) answer(ask, false);
        world.directory.sweep(performance.now());
      }
      // A watch that the directory could not answer was undone: only those that are on the list are compared.
      const list = alice.session.watches?.watches ?? new Map();
      for (const watch of list.values()) {
        expect(told.get(number(watch.key))).toBe(truth(number(watch.key)));
        expect(watch.told).toBe(truth(number(watch.key)));
      }
      expect(alice.session.watches?.due.size ?? 0).toBe(0);
      expect(world.counters[C.watches]).toBe(list.size);
      expect(alice.session.requestsPending).toBe(0);
    }),
    { numRuns: 400 },
  );
});
