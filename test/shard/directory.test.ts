import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeControl } from '../../core/protocol/control.ts';
import { ProtocolError } from '../../core/protocol/errors.ts';
import * as limits from '../../core/protocol/limits.ts';
import * as op from '../../core/protocol/ops.ts';
import { C } from '../../core/threads/counters.ts';
import type { ReadAnswer, ShardAsk, WriteAnswer } from '../../core/threads/directory-messages.ts';
import { limit } from '../fixtures/limits.ts';
import { type FakePeer, ShardWorld } from '../fixtures/shard-world.ts';
import { BODIES, CONTROL_OPS } from '../protocol/arbitraries.ts';

const failed = { code: 'busy' as const, message: 'Too much.', retryAfterMs: 100 };
const OPEN = { reliable: true, priority: 2, lifeMs: 0, credit: 1_024, protocol: '' };
const ID = new Uint8Array(16).fill(3);
const KEY = new Uint8Array(32).fill(9);

/** A request of each kind that the directory pool answers, what is asked, and what comes of the answer. */
const REQUESTS: {
  name: string;
  request: [number, object];
  ask: object;
  answer: object;
  reply: [number, object];
}[] = [
  {
    name: 'search',
    request: [op.OP_SEARCH, { prefix: 'ali' }],
    ask: { t: 'search', prefix: 'ali', most: 32 },
    answer: { t: 'search', found: [{ peer: KEY, name: 'alice' }], more: true },
    reply: [op.OP_RESULTS, { found: [{ peer: KEY, name: 'alice' }], more: true }],
  },
  {
    name: 'publish',
    request: [op.OP_PUBLISH, { record: new Uint8Array(117) }],
    ask: { t: 'publish', record: new Uint8Array(117), former: null },
    answer: { t: 'publish', revision: 2 ** 40 },
    reply: [op.OP_STORED, { revision: 2 ** 40 }],
  },
  {
    name: 'vault_get of a vault',
    request: [op.OP_VAULT_GET, {}],
    ask: { t: 'vault' },
    answer: { t: 'vault', revision: 4, vault: new Uint8Array(65_536) },
    reply: [op.OP_VAULT, { revision: 4, vault: new Uint8Array(65_536) }],
  },
  {
    name: 'vault_get of none',
    request: [op.OP_VAULT_GET, {}],
    ask: { t: 'vault' },
    answer: { t: 'vault', revision: 0, vault: null },
    reply: [op.OP_VAULT, { revision: 0 }],
  },
  {
    name: 'vault_put',
    request: [op.OP_VAULT_PUT, { vault: new Uint8Array(65_536) }],
    ask: { t: 'vault-put', vault: new Uint8Array(65_536) },
    answer: { t: 'vault-put', revision: 5 },
    reply: [op.OP_STORED, { revision: 5 }],
  },
  {
    name: 'policy_get',
    request: [op.OP_POLICY_GET, { list: 'blocked', after: KEY }],
    ask: { t: 'policy', list: 'blocked', after: KEY },
    answer: { t: 'policy', visibility: 'nobody', reach: 'contacts', keys: [KEY], more: false },
    reply: [op.OP_POLICY, { visibility: 'nobody', reach: 'contacts', keys: [KEY], more: false }],
  },
  {
    name: 'policy_set',
    request: [op.OP_POLICY_SET, { reach: 'nobody', block: [KEY] }],
    ask: { t: 'policy-set', reach: 'nobody', allow: [], disallow: [], block: [KEY], unblock: [] },
    answer: { t: 'policy-set', plain: false },
    reply: [op.OP_STORED, { revision: 0 }],
  },
  {
    name: 'send',
    request: [op.OP_SEND, { to: KEY, id: ID, bytes: new Uint8Array(5) }],
    ask: { t: 'send', to: KEY, id: ID, bytes: new Uint8Array(5), lifeMs: limits.MAX_MESSAGE_LIFE_MS },
    answer: { t: 'send', duplicate: false },
    reply: [op.OP_RECEIPT, { id: ID, state: 'stored' }],
  },
];

const ask = (world: ShardWorld, peer: FakePeer, [code, body]: [number, object], id = 5): void =>
  world.bundle(peer, encodeControl(code as never, id, body as never));

describe('a request of the directory', () => {
  test.each(REQUESTS)(
    '$name is asked, and answered with its requestId',
    ({ request, ask: asked, answer, reply }) => {
      const world = new ShardWorld(true);
      const alice = world.peer();
      ask(world, alice, request);
      const [one, ...others] = world.asked();
      expect(others).toEqual([]);
      expect(one!.ask).toMatchObject(asked);
      const named = Object.entries(one!.ask).find(
        ([key]) => key === 'peer' || key === 'asker' || key === 'from',
      );
      expect(named![1], 'in the name of its session').toEqual(alice.key);
      expect(world.got(alice)).toEqual([]);
      world.answer(one!, answer as ReadAnswer | WriteAnswer);
      expect(world.got(alice)).toEqual([{ op: reply[0], requestId: 5, body: reply[1] }]);
    },
  );

  test.each(REQUESTS)('$name that fails is an error of that request alone', ({ request, answer }) => {
    const world = new ShardWorld(true);
    const alice = world.peer();
    ask(world, alice, request);
    world.answer(world.asked()[0]!, { t: (answer as { t: 'vault' }).t, failed });
    expect(world.got(alice)).toEqual([{ op: op.OP_ERROR, requestId: 5, body: { ...failed, fatal: false } }]);
    expect([world.refused, alice.session.requestsPending]).toEqual([[], 0]);
    expect(world.counters[C.directoryRefused]).toBe(1);
  });

  test.each(REQUESTS)(
    '$name needs a requestId, and gets `no-directory` where there is none',
    ({ request }) => {
      const world = new ShardWorld(true);
      expect(() => ask(world, world.peer(), request, 0)).toThrow(/needs a requestId/);
      const without = new ShardWorld(false);
      const alice = without.peer();
      ask(without, alice, request);
      expect(without.got(alice)).toMatchObject([
        { op: op.OP_ERROR, requestId: 5, body: { code: 'no-directory', fatal: false } },
      ]);
      expect(without.asked()).toEqual([]);
    },
  );

  test('that needs no requestId is ignored without a directory, when it has none', () => {
    const world = new ShardWorld(false);
    const alice = world.peer();
    const requests: [number, object][] = [
      [op.OP_STATUS, { away: true }],
      [op.OP_UNWATCH, { peers: [KEY] }],
      [op.OP_MAIL_ACK, { seq: 1 }],
    ];
    for (const request of requests) ask(world, alice, request, 0);
    expect(world.got(alice)).toEqual([]);
    for (const request of requests) ask(world, alice, request, 7);
    expect(world.got(alice).map((frame) => 'op' in frame && frame.op)).toEqual([
      op.OP_ERROR,
      op.OP_ERROR,
      op.OP_ERROR,
    ]);
  });

  test('is one of at most 64 under way', () => {
    const world = new ShardWorld(true);
    const alice = world.peer();
    for (let i = 1; i <= limits.MAX_REQUESTS_PENDING + 1; i++) ask(world, alice, [op.OP_VAULT_GET, {}], i);
    expect(world.got(alice)).toMatchObject([
      { requestId: limits.MAX_REQUESTS_PENDING + 1, body: { code: 'too-many-requests', fatal: false } },
    ]);
    const asked = world.asked();
    expect(asked.length).toBe(limits.MAX_REQUESTS_PENDING);
    world.answer(asked[0]!, { t: 'vault', revision: 0, vault: null });
    ask(world, alice, [op.OP_VAULT_GET, {}], 100);
    expect(world.asked().length).toBe(1);
  });

  test.each([
    ['search', [op.OP_SEARCH, { prefix: 'ali' }], limits.SEARCH_BURST, C.searchesLimited],
    ['write', [op.OP_PUBLISH, { record: new Uint8Array(117) }], limits.WRITE_BURST, C.writesLimited],
  ] as [string, [number, object], number, number][])(
    'to %s is allowed in a burst, then now and then, by key and not by session',
    (_, request, burst, counter) => {
      const world = new ShardWorld(true);
      let alice = world.peer();
      const answerAll = (): number => {
        const asked = world.asked();
        for (const one of asked) world.answer(one, { t: one.ask.t as 'vault', failed });
        return asked.length;
      };
      let asked = 0;
      for (let i = 1; i <= burst; i++) {
        ask(world, alice, request, i);
        asked += answerAll();
      }
      expect(asked).toBe(burst);
      world.got(alice);
      // Whatever time this took, the bucket has not filled again.
      let limited = 0;
      for (let i = 0; i < burst && limited === 0; i++) {
        ask(world, alice, request, 1_000 + i);
        answerAll();
        limited = world.counters[counter]!;
      }
      const errors = world
        .got(alice)
        .flatMap((frame) => ('op' in frame && frame.op === op.OP_ERROR ? [frame] : []));
      expect(errors.at(-1)!.body).toMatchObject({ code: 'rate-limited', fatal: false });
      expect((errors.at(-1)!.body as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(0);
      world.leave(alice);
      alice = world.peer(alice.key);
      for (let i = 0; i < burst && world.counters[counter]! === limited; i++) {
        ask(world, alice, request, i + 1);
        answerAll();
      }
      expect(world.counters[counter], 'a new session does not bring a new burst').toBe(limited + 1);
      ask(world, world.peer(), request);
      expect(world.asked().length).toBe(1);
    },
  );
});

test('budgets are forgotten after a while, and never more than so many', () => {
  const world = new ShardWorld(true);
  const { budgets } = world.directory;
  const { session } = world.peer();
  for (let i = 0; i < 20_000; i++) {
    const other = { key: world.newKey(), budget: null };
    budgets.write(other as never, 0);
  }
  expect(budgets.size).toBe(16_384);
  budgets.search(session, 30_000);
  budgets.sweep(59_999);
  expect(budgets.size).toBe(16_384);
  budgets.sweep(60_000);
  expect(budgets.size).toBe(1);
  limit('peers whose searches and writes a shard remembers').sees();
});

test('a vault of 64 KiB reaches a receiver that is slow as well', () => {
  const world = new ShardWorld(true);
  const alice = world.peer();
  alice.socket.full = true;
  ask(world, alice, [op.OP_INBOX, {}], 1);
  world.got(alice);
  const vault = new Uint8Array(65_536).fill(5);
  for (let i = 0; i < 3; i++) ask(world, alice, [op.OP_VAULT_GET, {}], i + 2);
  for (const one of world.asked()) {
    if (one.ask.t === 'vault') world.answer(one, { t: 'vault', revision: 1, vault });
  }
  expect(world.got(alice)).toEqual([]);
  alice.socket.take();
  world.outboxes.drained(alice.session);
  expect(world.got(alice).map((frame) => 'op' in frame && [frame.requestId, frame.body])).toEqual(
    [2, 3, 4].map((id) => [id, { revision: 1, vault }]),
  );
  expect(world.refused).toEqual([]);
});

describe('opening a channel', () => {
  test('to a peer that is here and open to all asks nobody', () => {
    const world = new ShardWorld(true);
    const [alice, bob] = [world.peer(), world.plainPeer()];
    world.request(alice, op.OP_OPEN, 1, { to: bob.key, ...OPEN });
    expect(world.asked()).toEqual([]);
    expect(world.got(bob)).toMatchObject([{ op: op.OP_OFFER }]);
  });

  test('to one that is not waits for the directory, and goes on when it says yes', () => {
    const world = new ShardWorld(true);
    const [alice, bob] = [world.peer(), world.peer()];
    world.request(alice, op.OP_OPEN, 1, { to: bob.key, ...OPEN });
    const [reach] = world.asked();
    expect(reach!.ask).toEqual({ t: 'reach', asker: alice.key, peer: bob.key });
    expect(world.got(bob)).toEqual([]);
    world.answer(reach!, { t: 'reach', may: true });
    expect(world.got(bob)).toMatchObject([{ op: op.OP_OFFER, body: { from: alice.key } }]);
    expect([alice.session.opensPending, alice.session.channels]).toEqual([0, 1]);
  });

  test('that is refused, to one that hides and to one that is not there: the same asks, the same bytes', () => {
    const outcomes = (['refused', 'failed', 'absent', 'left'] as const).map((how) => {
      const world = new ShardWorld(true);
      const [alice, bob] = [world.peer(), world.peer()];
      if (how === 'absent') world.leave(bob);
      world.request(alice, op.OP_OPEN, 7, { to: bob.key, ...OPEN });
      const asked = world.asked();
      if (how === 'left') world.leave(bob);
      const notFound = { code: 'not-found' as const, message: 'There is nobody of that key.' };
      if (how === 'failed') world.answer(asked[0]!, { t: 'reach', failed: notFound });
      else world.answer(asked[0]!, { t: 'reach', may: how !== 'refused' });
      world.outboxes.flush();
      return { asked, bytes: Buffer.concat(alice.socket.sends).toString('hex') };
    });
    for (const outcome of outcomes) expect(outcome).toEqual(outcomes[0]);
    const closed = encodeControl(op.OP_CLOSED, 7, { label: 0, reason: 'not-found' });
    expect(outcomes[0]!.bytes).toBe(Buffer.from(closed).toString('hex'));
  });

  test('that the directory cannot decide fails that open, and nothing else', () => {
    const world = new ShardWorld(true);
    const [alice, bob] = [world.peer(), world.peer()];
    world.request(alice, op.OP_OPEN, 7, { to: bob.key, ...OPEN });
    world.answer(world.asked()[0]!, { t: 'reach', failed });
    expect(world.got(alice)).toEqual([{ op: op.OP_ERROR, requestId: 7, body: { ...failed, fatal: false } }]);
  });

  test('counts against the channels of the session while it waits', () => {
    const world = new ShardWorld(true);
    const [alice, bob] = [world.peer(), world.peer()];
    for (let i = 1; i <= limits.MAX_CHANNELS_PER_SESSION + 1; i++) {
      world.request(alice, op.OP_OPEN, i, { to: bob.key, ...OPEN, credit: 0 });
    }
    expect(world.got(alice)).toMatchObject([
      { requestId: limits.MAX_CHANNELS_PER_SESSION + 1, body: { code: 'too-many-channels', fatal: false } },
    ]);
    const asked = world.asked();
    expect(asked.length).toBe(limits.MAX_CHANNELS_PER_SESSION);
    for (const one of asked) world.answer(one, { t: 'reach', may: false });
    expect(alice.session.opensPending).toBe(0);
  });

  test('looks at the limits of the session again when the answer comes', () => {
    const world = new ShardWorld(true);
    const [alice, bob] = [world.peer(), world.peer()];
    const credit = limits.MAX_CHANNEL_CREDIT_BYTES;
    const opens = limits.MAX_SESSION_CREDIT_BYTES / credit + 1;
    for (let i = 1; i <= opens; i++) world.request(alice, op.OP_OPEN, i, { to: bob.key, ...OPEN, credit });
    expect(world.refused).toEqual([]);
    for (const one of world.asked()) world.answer(one, { t: 'reach', may: true });
    expect(world.refused).toEqual(['credit-limit']);
    expect(world.ends.count).toBe(0);
  });

  test('for a session that has ended ends there', () => {
    const world = new ShardWorld(true);
    const [alice, bob] = [world.peer(), world.peer()];
    world.request(alice, op.OP_OPEN, 7, { to: bob.key, ...OPEN });
    const [reach] = world.asked();
    world.leave(alice);
    world.answer(reach!, { t: 'reach', may: true });
    expect([world.got(bob), world.ends.count]).toEqual([[], 0]);
  });

  test('on a relay without a directory asks nobody, whoever is called', () => {
    const world = new ShardWorld(false);
    const [alice, bob] = [world.peer(), world.peer()];
    world.request(alice, op.OP_OPEN, 1, { to: bob.key, ...OPEN });
    world.request(alice, op.OP_OPEN, 2, { to: world.newKey(), ...OPEN });
    expect(world.asked()).toEqual([]);
    expect(world.got(bob)).toMatchObject([{ op: op.OP_OFFER }]);
    expect(world.got(alice)).toMatchObject([{ requestId: 2, body: { reason: 'not-found' } }]);
  });
});

/** Some answer to an ask; a failure now and then. */
function anyAnswer({ ask: { t } }: ShardAsk, salt: number): ReadAnswer | WriteAnswer {
  const peer = new Uint8Array(32).fill(salt);
  if (salt % 3 === 0) return { t: t as 'vault', failed };
  switch (t) {
    case 'lookup':
      return { t, peer, state: salt % 3, cacheable: salt % 2 === 0, version: 0, nameVersion: 0 };
    case 'search':
      return { t, found: [{ peer, name: 'some' }], more: false };
    case 'see':
      return { t, sights: Array.from({ length: 32 }, (_, i) => ({ state: (salt + i) % 3 })) };
    case 'reach':
      return { t, may: salt % 2 === 0 };
    case 'arrive':
      return { t, plain: salt % 2 === 0, version: 0 };
    case 'vault':
      return { t, revision: 1, vault: new Uint8Array(100) };
    case 'policy':
      return { t, visibility: 'everyone', reach: 'nobody', keys: [peer], more: true };
    case 'mail':
      return { t, mail: [{ seq: salt + 1, from: peer, id: ID, sentMs: 1, bytes: ID }], more: false };
    case 'mail-ack':
      return { t, told: [] };
    case 'policy-set':
      return { t, plain: true };
    case 'send':
      return { t, duplicate: false };
    default:
      return { t: t as 'publish', revision: 1 };
  }
}

describe('whatever peers send to the directory', () => {
  const directoryOps = CONTROL_OPS.filter((code) => op.isDirectoryOp(code));
  const request = fc.constantFrom(...directoryOps).chain((code) =>
    fc.record({
      code: fc.constant(code),
      id: fc.oneof(fc.constant(0), fc.nat(0xffff_ffff)),
      body: BODIES[code] as fc.Arbitrary<object>,
      peer: fc.nat(2),
      bend: fc.option(fc.tuple(fc.nat(), fc.nat(255)), { freq: 3 }),
      salt: fc.nat(255),
      turn: fc.boolean(),
      leaves: fc.nat(30),
    }),
  );

  test('a request is answered once or breaks the protocol, and everything is given back in the end', () => {
    fc.assert(
      fc.property(fc.array(request, { maxLength: 40 }), (requests) => {
        const world = new ShardWorld(true);
        let peers = [world.peer(), world.plainPeer(), world.peer()];
        for (const { code, id, body, peer, bend, salt, turn, leaves } of requests) {
          const from = peers[peer]!;
          const frame = encodeControl(code, id, body as never);
          if (bend) frame[bend[0] % frame.length] = bend[1];
          try {
            world.bundle(from, frame);
          } catch (error) {
            expect(error).toBeInstanceOf(ProtocolError);
            world.leave(from);
            peers = peers.map((one) => (one === from ? world.peer(from.key) : one));
          }
          if (turn) {
            for (const one of world.asked()) world.answer(one, anyAnswer(one, salt));
            for (const one of peers) world.got(one);
          }
          world.directory.news({
            kind: 'presence',
            changes: [{ peer: from.key, state: salt % 3, plain: salt % 2 === 0 }],
          });
          if (leaves === 0) {
            world.leave(peers[0]!);
            peers[0] = world.peer(peers[0]!.key);
          }
        }
        for (let round = 0; round < 5; round++) {
          world.directory.sweep(performance.now());
          for (const one of world.asked()) world.answer(one, anyAnswer(one, 1));
        }
        for (const { session } of peers)
          expect([session.requestsPending, session.opensPending]).toEqual([0, 0]);
        for (const one of peers) world.leave(one);
        for (const one of world.asked()) world.answer(one, anyAnswer(one, 1));
        expect([world.asks.waiting, world.counters[C.watches], world.refused]).toEqual([0, 0, []]);
      }),
      { numRuns: 300 },
    );
  });
});
