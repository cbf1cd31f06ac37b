import { generateIdentity } from 'supernode';
import { describe, expect, test } from 'vitest';
import * as op from '../../core/protocol/ops.ts';
import { limit } from '../fixtures/limits.ts';
import { newKey } from '../fixtures/raw-peer.ts';
import {
  dial,
  dialOn,
  login,
  loginOn,
  reasonsOf,
  startBareRelay,
  startRelay,
  warningsOf,
} from '../fixtures/relay.ts';
import { until } from '../fixtures/until.ts';

describe.each([1, 2, 4])('logging in to a relay with %i shards', (shards) => {
  // With a directory its answer comes with the verdict; both ways are taken.
  const start = shards === 2 ? startRelay : startBareRelay;
  test('works with a signature and, after it, with the ticket; each gives a fresh ticket', async () => {
    const relay = await start({ shards });
    const seen: unknown[] = [];
    relay.on('peer', ({ id, client, resumed }) => seen.push({ id, client, resumed }));
    const key = newKey();
    const first = await login(relay, { key });
    expect(first.ready!.peer).toEqual(key.publicKey);
    expect(first.ready!.resumed).toBe(false);
    first.terminate();
    await until('the relay knows that it left', () => relay.stats().sessions === 0);
    const second = await dial(relay, { key });
    const ready = await second.resume(first.ready!);
    expect(ready.resumed).toBe(true);
    expect(ready.peer).toEqual(key.publicKey);
    expect(ready.ticket).not.toEqual(first.ready!.ticket);
    await until('both logins were told', () => seen.length === 2);
    expect(seen).toEqual([
      { id: first.id, client: 'raw/1', resumed: false },
      { id: first.id, client: 'raw/1', resumed: true },
    ]);
    const { logins, loginTimes, sessions, sockets, faults } = relay.stats();
    expect(loginTimes.logins.reduce((sum, one) => sum + one)).toBe(2);
    expect(loginTimes.sumMs).toBeGreaterThan(0);
    expect({ logins, sessions, sockets, faults }).toMatchObject({
      logins: { full: 1, resumed: 1, refused: 0 },
      sessions: 1,
      sockets: 1,
      faults: 0,
    });
  });

  test('with a ticket works on every shard, whichever gave it', async () => {
    const relay = await start({ shards });
    const key = newKey();
    const first = await loginOn(relay, 0, { key });
    const ticket = first.ready!;
    first.terminate();
    for (let shard = 0; shard < shards; shard++) {
      await until('the one before has left', () => relay.stats().sessions === 0);
      const peer = await dialOn(relay, shard, { key });
      expect((await peer.resume(ticket)).resumed).toBe(true);
      peer.terminate();
    }
  });

  test('a second time with one key ends the first session, on whatever shard it is', async () => {
    const relay = await start({ shards });
    const gone: string[] = [];
    relay.on('gone', ({ reason }) => gone.push(reason));
    const key = newKey();
    const friend = await login(relay);
    let former = await loginOn(relay, 0, { key });
    for (let shard = 0; shard < shards; shard++) {
      const [mine, theirs] = await former.open(friend);
      const next = await loginOn(relay, shard, { key });
      expect((await former.ended).error).toMatchObject({ code: 'replaced', fatal: true });
      expect(await friend.closedReason(theirs.label)).toBe('replaced');
      expect(mine.label).toBeGreaterThan(0);
      // The newer one is who the directory finds.
      await friend.open(next);
      former = next;
    }
    await until('every end was told', () => gone.length === shards);
    expect(new Set(gone)).toEqual(new Set(['replaced']));
    expect(relay.stats()).toMatchObject({ sessions: 2, faults: 0 });
  });
});

describe('a relay', () => {
  test('tells that the old session is gone before it tells of the one in its place, on one shard', async () => {
    const relay = await startBareRelay();
    const events: string[] = [];
    relay.on('peer', () => events.push('peer'));
    relay.on('gone', ({ reason }) => events.push(reason));
    const key = newKey();
    await login(relay, { key });
    await login(relay, { key });
    await until('all was told', () => events.length === 3);
    expect(events).toEqual(['peer', 'replaced', 'peer']);
  });

  test.each([
    ['a signature of zeros', (): Uint8Array => new Uint8Array(64)],
    ['a signature over nothing', (): Uint8Array => new Uint8Array(64).fill(255)],
  ])('refuses %s', async (_name, signature) => {
    const relay = await startBareRelay();
    const peer = await dial(relay);
    peer.sendLogin('raw/1', signature());
    expect((await peer.ended).error).toMatchObject({ code: 'bad-proof', fatal: true });
    expect(relay.stats()).toMatchObject({ sessions: 0, sockets: 0, logins: { refused: 1 } });
  });

  test('refuses a login for another nonce, another client text, or another key', async () => {
    const relay = await startBareRelay();
    const other = await dial(relay);
    for (const spoil of ['nonce', 'relay', 'key'] as const) {
      const peer = await dial(relay);
      if (spoil === 'nonce') peer.hello = { ...peer.hello, nonce: other.hello.nonce };
      if (spoil === 'relay') peer.hello = { ...peer.hello, relay: other.key.publicKey };
      if (spoil === 'key') peer.key.publicKey = other.key.publicKey;
      peer.sendLogin();
      expect((await peer.ended).error, spoil).toMatchObject({ code: 'bad-proof', fatal: true });
    }
  });

  test('refuses a key that is no point of the curve, and goes on', async () => {
    const relay = await startBareRelay();
    const peer = await dial(relay);
    peer.key.publicKey = new Uint8Array(32).fill(0xff);
    peer.sendLogin();
    expect((await peer.ended).error?.code).toBe('bad-proof');
    await login(relay);
  });

  test('answers a bad ticket without ending the connection: a login works on it', async () => {
    const relay = await startBareRelay();
    const peer = await login(relay);
    const { ticket, secret } = peer.ready!;
    peer.terminate();
    const again = await dial(relay, { key: peer.key });
    const spoilt = [
      { ticket: ticket.map((byte, at) => (at === 20 ? byte ^ 1 : byte)), secret },
      { ticket, secret: new Uint8Array(32) },
      { ticket: new Uint8Array(0), secret },
      { ticket: new Uint8Array(256), secret },
    ];
    for (const bad of spoilt) {
      again.sendResume(bad);
      const { body } = await again.next(op.OP_ERROR);
      expect(body).toMatchObject({ code: 'bad-ticket', fatal: false });
    }
    expect((await again.login()).resumed).toBe(false);
  });

  test('takes its tickets after a restart with the same identity, and no other relay does', async () => {
    const identity = generateIdentity();
    const first = await startRelay({ identity });
    const peer = await login(first);
    const ticket = peer.ready!;
    await first.close();
    const restarted = await startRelay({ identity });
    const again = await dial(restarted, { key: peer.key });
    expect((await again.resume(ticket)).resumed).toBe(true);
    const stranger = await dial(await startBareRelay(), { key: peer.key });
    stranger.sendResume(ticket);
    expect((await stranger.next(op.OP_ERROR)).body.code).toBe('bad-ticket');
  });

  test.each([1, 2])('ends a socket that has not logged in in time, with %i shards', async (shards) => {
    const relay = await startBareRelay({ shards, loginTimeoutMs: 100 });
    const silent = await dial(relay);
    const busy = await dial(relay);
    const pings = setInterval(() => busy.control(op.OP_PING, 1, {}), 5);
    const alive = await login(relay);
    for (const peer of [silent, busy]) {
      expect((await peer.ended).error).toMatchObject({ code: 'login-timeout', fatal: true });
    }
    clearInterval(pings);
    await alive.roundTrip();
    expect(relay.stats()).toMatchObject({ sessions: 1, sockets: 1 });
  });

  test('takes one login at a time on a connection', async () => {
    const relay = await startBareRelay();
    const peer = await dial(relay);
    peer.sendLogin();
    peer.sendLogin();
    expect((await peer.ended).error).toMatchObject({ code: 'already-logged-in', fatal: true });
    await until('nothing is left of it', () => relay.stats().sockets === 0);
    expect(relay.stats()).toMatchObject({ sessions: 0, faults: 0 });
  });

  test('survives peers that leave while their login is being checked', async () => {
    const relay = await startBareRelay({ shards: 2, authorize: async () => ({ allowed: true }) });
    const peers = await Promise.all(Array.from({ length: 40 }, () => dial(relay)));
    for (const peer of peers) {
      peer.sendLogin();
      peer.socket.once('pong', () => peer.terminate());
      peer.socket.ping();
    }
    await Promise.all(peers.map((peer) => peer.ended));
    await until('all have gone', () => relay.stats().sockets === 0);
    expect(relay.stats()).toMatchObject({ sessions: 0, faults: 0 });
    const peer = await login(relay);
    expect(relay.stats().sessions).toBe(1);
    peer.terminate();
  });

  test('holds exactly as many peers as it was told, then says relay-full, and takes one again when one has left', async () => {
    const relay = await startBareRelay({ shards: 2, maxPeers: 3 });
    const warnings = warningsOf(relay);
    const peers = [await login(relay), await login(relay), await login(relay)];
    const fourth = await dial(relay);
    fourth.sendLogin();
    const { error } = await fourth.ended;
    expect(error?.retryAfterMs).toBe(5_000);
    const fifth = await dial(relay);
    fifth.sendLogin();
    expect((await fifth.ended).error?.retryAfterMs).toBeGreaterThanOrEqual(5_000);
    await until('the operator is warned', () => warnings.length > 0);
    limit('peers').sees({
      answers: [error?.code],
      stats: relay.stats(),
      why: await reasonsOf(relay, fourth),
      warnings,
    });
    // One that is here may still replace itself.
    const again = await login(relay, { key: peers[0]!.key });
    expect((await peers[0]!.ended).error?.code).toBe('replaced');
    peers[1]!.terminate();
    await until('there is room', () => relay.stats().sessions === 2);
    await login(relay);
    await again.roundTrip();
  });

  test('speaks only the subprotocol supernode.1', async () => {
    const relay = await startBareRelay();
    const { default: WebSocket } = await import('ws');
    for (const protocols of [[], ['supernode.2'], ['other', 'supernode.10']]) {
      const socket = new WebSocket(relay.url, protocols);
      const status = await new Promise((resolve) => {
        socket.on('unexpected-response', (_request, response) => resolve(response.statusCode));
        socket.on('open', () => resolve('open'));
        socket.on('error', () => {});
      });
      socket.terminate();
      expect(status, protocols.join()).toBe(426);
    }
    const socket = new WebSocket(relay.url, ['other', 'supernode.1']);
    await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
    expect(socket.protocol).toBe('supernode.1');
    socket.terminate();
    const response = await fetch(relay.url.replace('ws:', 'http:'));
    expect(response.status).toBe(426);
    expect(await response.text()).toContain('supernode.1');
  });

  test('answers a ping before and after the login', async () => {
    const relay = await startBareRelay();
    const peer = await dial(relay);
    await peer.roundTrip();
    await peer.login();
    await peer.roundTrip();
  });
});
