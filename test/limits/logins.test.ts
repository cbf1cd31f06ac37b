import { generateIdentity } from 'supernode';
import { afterEach, expect, test, vi } from 'vitest';
import { RUN_BYTES, sealTicket, ticketKeyOf } from '../../core/identity/ticket.ts';
import { VersionRules } from '../../core/overload/version-rules.ts';
import { encodeControl } from '../../core/protocol/control.ts';
import * as limits from '../../core/protocol/limits.ts';
import { SUBPROTOCOL } from '../../core/protocol/names.ts';
import * as op from '../../core/protocol/ops.ts';
import { createEarlyProofs } from '../../core/threads/early-proofs.ts';
import { Logins, MAX_EARLY_BUNDLES, MAX_EARLY_BYTES } from '../../workers/shard/logins.ts';
import type { Session } from '../../workers/shard/session.ts';
import { type FakeSocket, fakeSession } from '../fixtures/fake-socket.ts';
import { limit } from '../fixtures/limits.ts';
import { dial, startRelay } from '../fixtures/relay.ts';
import { ShardWorld } from '../fixtures/shard-world.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

/** A shard's logins, whose clock and turns go as a test says. */
class LoginWorld {
  readonly shard = new ShardWorld();
  readonly turns: (() => void)[] = [];
  readonly read: Uint8Array[] = [];
  now = performance.now();
  readonly logins: Logins;

  constructor() {
    vi.spyOn(performance, 'now').mockImplementation(() => this.now);
    vi.spyOn(globalThis, 'setImmediate').mockImplementation(((turn: () => void) =>
      this.turns.push(turn)) as never);
    const { sessions, outboxes, presence, counters, accounts, meters, departures } = this.shard;
    const keys = {
      relayKey: new Uint8Array(32),
      ticketKey: new Uint8Array(32),
      earlyProofs: createEarlyProofs(0),
    };
    this.logins = new Logins({
      ...{ sessions, outboxes, presence, counters, accounts, meters },
      task: { ...keys, loginTimeoutMs: 10_000, authorize: true } as never,
      gate: { loggingIn: () => {} },
      versionRules: new VersionRules([]),
      submit: () => {},
      refuse: (...given) => departures.refuse(...given),
      read: (_session, bundle) => this.read.push(bundle),
      replace: () => {},
      arrived: () => {},
    });
  }

  greeted(): { session: Session; socket: FakeSocket } {
    const one = fakeSession(this.shard.sessions);
    this.logins.begin(one.session, SUBPROTOCOL);
    return one;
  }
}

test('a resume that waited in its shard for longer than it may is told when to come back', async () => {
  const world = new LoginWorld();
  const peer = generateIdentity();
  const [first, second] = [world.greeted(), world.greeted()];
  const body = { ticket: new Uint8Array(53), proof: new Uint8Array(32), client: 'a/1' };
  for (const { session } of [first, second]) {
    // A claim as a resume makes it once its ticket is open.
    session.key = peer.publicKey;
    world.logins.resume(session, 1, body);
  }
  world.now += 1_500;
  while (world.turns.length > 0) world.turns.shift()!();
  world.shard.departures.sayAll();
  const errors = [first, second].flatMap(({ socket }) => socket.sends.slice(1));
  const text = Buffer.concat(errors).toString('latin1');
  expect(text).toContain('retryAfterMs');
  limit("a login's wait in its shard").sees({
    answers: [/busy/.exec(text)?.[0]],
    stats: world.shard.stats(),
    why: world.shard.why.find(peer.publicKey, null).map(({ reason }) => reason),
  });
});

test('of bundles before a login some small ones wait to be read, and more are read at once', () => {
  const world = new LoginWorld();
  const { session } = world.greeted();
  const ping = encodeControl(op.OP_PING, 1, {});
  for (let i = 0; i < MAX_EARLY_BUNDLES; i++) world.logins.early(session, ping.slice().buffer);
  expect(world.read).toEqual([]);
  world.logins.early(session, ping.slice().buffer);
  expect(world.read).toEqual([ping]);
  const other = world.greeted();
  world.logins.early(other.session, new ArrayBuffer(MAX_EARLY_BYTES + 1));
  expect(world.read).toHaveLength(2);
  limit('bundles put aside before a login').sees();
});

test('a ticket is good until its life is over, and then the key is asked for on the same connection', async () => {
  const identity = generateIdentity();
  const relay = await startRelay({ identity, directory: false });
  const peer = await dial(relay);
  const keys = { ticketKey: ticketKeyOf(identity), run: new Uint8Array(RUN_BYTES) };
  const ticketUntil = (ms: number) => sealTicket(keys, peer.key.publicKey, { endsAt: ms, givenMs: 0 }, null);
  peer.sendResume(ticketUntil(Date.now() - 1));
  const { body } = await peer.next(op.OP_ERROR);
  limit('life of a ticket').sees({ answers: [body.code] });
  expect((await peer.login()).resumed).toBe(false);
  const again = await dial(relay, { key: peer.key });
  expect((await again.resume(ticketUntil(Date.now() + limits.TICKET_LIFETIME_MS))).resumed).toBe(true);
});
