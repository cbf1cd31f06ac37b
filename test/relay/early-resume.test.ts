/** A resume in the request for the WebSocket (docs/protocol.md §5.6), and everything that must not be taken for one. */
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { connect, generateIdentity, type RelayOptions } from 'supernode';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import * as op from '../../core/protocol/ops.ts';
import { EARLY_WINDOW_MS } from '../../core/threads/early-proofs.ts';
import { makeCertificate } from '../fixtures/certificate.ts';
import { cuttable } from '../fixtures/cuttable.ts';
import { limit } from '../fixtures/limits.ts';
import { type EarlyOptions, RawPeer } from '../fixtures/raw-peer.ts';
import { dial, login, startBareRelay, startRelay } from '../fixtures/relay.ts';
import { until } from '../fixtures/until.ts';

type Relay = Awaited<ReturnType<typeof startRelay>>;

const peers = new Set<RawPeer>();
afterEach(() => {
  for (const peer of peers) peer.terminate();
  peers.clear();
});

/** Comes back with the ticket that the peer has, which it got `ageMs` ago. */
function comeBack(relay: Relay, peer: RawPeer, options: Partial<EarlyOptions> = {}): RawPeer {
  const given = { key: peer.key, relay: peer.hello.relay, ageMs: 0, ...options };
  const back = RawPeer.early(relay.url, peer.ready!, given);
  peers.add(back);
  return back;
}

/** What the relay says first: `ready`, or `hello` when it did not take the resume. */
async function first(peer: RawPeer): Promise<'ready' | 'hello'> {
  await until('the relay says something', () => peer.controls.length > 0 || peer.ending !== null);
  const [frame] = peer.controls;
  if (frame?.op === op.OP_READY) peer.ready = frame.body;
  else if (frame?.op === op.OP_HELLO) peer.hello = frame.body;
  else throw new Error(`It was ${frame?.op ?? peer.ending?.error?.code}.`);
  expect(peer.controls.filter(({ op: code }) => code === op.OP_HELLO || code === op.OP_READY)).toHaveLength(
    1,
  );
  return frame.op === op.OP_READY ? 'ready' : 'hello';
}

describe.each([1, 3])('with %i shards', (shards) => {
  test('a ticket in the request is answered by ready, and its next ticket too', async () => {
    const relay = await startBareRelay({ shards });
    const friend = await login(relay);
    let peer = await login(relay);
    for (let time = 0; time < 4; time++) {
      peer.terminate();
      const back = comeBack(relay, peer, { ageMs: time });
      expect(await first(back)).toBe('ready');
      expect(back.ready).toMatchObject({ resumed: true, peer: new Uint8Array(peer.key.publicKey) });
      expect(back.ready!.ticket).not.toEqual(peer.ready!.ticket);
      const [mine] = await friend.open(back);
      friend.frame(op.OP_DATA + 2, mine.label, Uint8Array.of(time));
      await until('data came', () => back.data.length === 1);
      back.hello = peer.hello;
      peer = back;
    }
    expect(relay.stats()).toMatchObject({
      logins: { full: 2, resumed: 4, early: 4, earlyGreeted: 0 },
      faults: 0,
    });
  });

  test('one that is sent again, to whatever shard, lets nobody in', async () => {
    const relay = await startBareRelay({ shards });
    const peer = await login(relay);
    const all = Array.from({ length: 12 }, () => comeBack(relay, peer));
    const said = await Promise.all(all.map(first));
    expect(said.filter((one) => one === 'ready')).toHaveLength(1);
    expect(said.filter((one) => one === 'hello')).toHaveLength(11);
    expect(relay.stats()).toMatchObject({ logins: { early: 1, earlyGreeted: 11 }, sessions: 1 });
    expect((await peer.ended).error?.code).toBe('replaced');
    // Who has the secret still comes in, by the nonce of that connection.
    const other = all[said.indexOf('hello')]!;
    expect((await other.resume(peer.ready!)).resumed).toBe(true);
  });
});

describe('an early resume', () => {
  test('is taken within the window around the age that the ticket has, and once', async () => {
    const relay = await startBareRelay();
    const peer = await login(relay);
    const off = EARLY_WINDOW_MS + 5_000;
    const outside = [comeBack(relay, peer, { ageMs: off }), comeBack(relay, peer, { ageMs: 2 ** 48 - 1 })];
    for (const one of outside) expect(await first(one)).toBe('hello');
    expect(await first(comeBack(relay, peer, { ageMs: EARLY_WINDOW_MS - 5_000 }))).toBe('ready');
    limit('an early resume').sees({ stats: relay.stats() });
    expect((await outside[0]!.resume(peer.ready!)).resumed).toBe(true);
  });

  test('of another run of the relay is greeted, and the ticket is good after hello', async () => {
    const identity = generateIdentity();
    const before = await startBareRelay({ identity });
    const peer = await login(before);
    await before.close();
    const relay = await startBareRelay({ identity });
    const back = comeBack(relay, peer);
    expect(await first(back)).toBe('hello');
    expect((await back.resume(peer.ready!)).resumed).toBe(true);
    expect(relay.stats().logins).toMatchObject({ full: 0, resumed: 1, early: 0, earlyGreeted: 1 });
  });

  test('with another secret, relay or version than it proves is greeted', async () => {
    const relay = await startBareRelay();
    const peer = await login(relay);
    const { ticket, secret } = peer.ready!;
    const wrong = [
      comeBack(relay, peer, { relay: new Uint8Array(32) }),
      RawPeer.early(relay.url, { ticket, secret: secret.map((byte) => byte ^ 1) }, { ...optionsOf(peer) }),
      RawPeer.early(
        relay.url,
        { ticket: ticket.map((byte, at) => (at === 20 ? byte ^ 1 : byte)), secret },
        optionsOf(peer),
      ),
    ];
    for (const one of wrong) {
      peers.add(one);
      expect(await first(one)).toBe('hello');
      expect((await one.login()).resumed).toBe(false);
    }
  });

  test.each([
    ['no base64url', 'resume.!!!!'],
    ['nothing', 'resume.'],
    ['too little', 'resume.AAAA'],
    ['zeros', `resume.${'A'.repeat(300)}`],
    ['too much', `resume.${'A'.repeat(2_000)}`],
  ])('that is %s is greeted', async (_name, token) => {
    const relay = await startBareRelay();
    // `ws` refuses some of these itself.
    const { protocol } = await rawUpgrade(relay.port, `supernode.1, ${token}`);
    expect(protocol).toBe('supernode.1');
    expect(relay.stats()).toMatchObject({ sockets: 1, faults: 0, logins: { early: 0 } });
  });

  test('does not stand for the protocol', async () => {
    const relay = await startBareRelay();
    const { status } = await rawUpgrade(relay.port, `resume.${'A'.repeat(300)}`);
    expect(status).toBe('426');
  });

  test('takes the place of the session that the peer has, and nobody else may log in on it', async () => {
    const relay = await startBareRelay();
    const peer = await login(relay);
    const back = comeBack(relay, peer);
    expect(await first(back)).toBe('ready');
    expect((await peer.ended).error?.code).toBe('replaced');
    back.hello = peer.hello;
    back.sendLogin();
    expect((await back.ended).error?.code).toBe('already-logged-in');
  });

  test('is asked of authorize, which may say no', async () => {
    const asked: boolean[] = [];
    let answer: ReturnType<NonNullable<RelayOptions['authorize']>> = { allowed: true };
    const relay = await startBareRelay({
      authorize: ({ resumed }) => {
        asked.push(resumed);
        return answer;
      },
    });
    const peer = await login(relay);
    const back = comeBack(relay, peer);
    expect(await first(back)).toBe('ready');
    answer = { allowed: false, reason: 'not today' };
    const denied = comeBack(relay, peer, { ageMs: 1 });
    expect((await denied.ended).error).toMatchObject({
      code: 'denied',
      message: expect.stringContaining('today'),
    });
    expect(asked).toEqual([false, true, true]);
  });

  test('is a login that is being checked, while it is: there is no other beside it', async () => {
    let waits = false;
    const relay = await startBareRelay({
      authorize: () => (waits ? new Promise(() => {}) : { allowed: true }),
      authorizeTimeoutMs: 60_000,
    });
    const peer = await login(relay);
    waits = true;
    const back = comeBack(relay, peer);
    await new Promise((resolve) => back.socket.once('open', resolve));
    await back.roundTrip();
    expect(back.controls).toEqual([]);
    back.hello = peer.hello;
    back.sendLogin();
    expect((await back.ended).error?.code).toBe('already-logged-in');
    await peer.roundTrip();
  });

  test('of a version that is refused is told so', async () => {
    const identity = generateIdentity();
    const relay = await startBareRelay({ identity, versions: { refuse: ['bad/*'] } });
    const peer = await login(relay);
    const bad = comeBack(relay, peer, { client: 'bad/1' });
    expect((await bad.ended).error?.code).toBe('version-refused');
    expect(await first(comeBack(relay, peer, { client: 'good/1', ageMs: 1 }))).toBe('ready');
  });

  test('at a full relay, and at one that drains, gets what a login gets', async () => {
    const relay = await startBareRelay({ maxPeers: 1 });
    const peer = await login(relay);
    peer.terminate();
    await until('it has left', () => relay.stats().sessions === 0);
    const other = await login(relay);
    expect((await comeBack(relay, peer).ended).error?.code).toBe('relay-full');
    // Its own place is free for it.
    expect(await first(comeBack(relay, other))).toBe('ready');
    const successor = await startBareRelay();
    void relay.drain({ successors: [successor.url], spreadMs: 1_000, graceMs: 1_000 });
    expect((await comeBack(relay, other, { ageMs: 1 }).ended).error?.code).toBe('drained');
  });

  test('with a directory and over TLS is the same', async () => {
    const { key, cert: ca } = await makeCertificate();
    const relay = await startRelay({ shards: 2, tls: { key, cert: ca } });
    const peer = await login(relay, { ca });
    const back = comeBack(relay, peer, { ca });
    expect(await first(back)).toBe('ready');
    await back.roundTrip();
    const caller = await dial(relay, { ca });
    await caller.login();
    await caller.open(back);
    expect(relay.stats()).toMatchObject({ logins: { early: 1 }, faults: 0 });
  });

  test('is how a peer of the client comes back: its channels can be opened again, and its events say that it was a resume', async () => {
    const relay = await startRelay({ shards: 2 });
    const way = await cuttable(relay.port);
    const friend = await connect(relay.url);
    const peer = await connect(way.url, { reconnect: { baseMs: 1, capMs: 20 }, onchannel: () => {} });
    onTestFinished(async () => {
      await Promise.all([peer.close(), friend.close()]);
    });
    for (let time = 1; time <= 3; time++) {
      const back = new Promise<boolean>((resolve) => {
        peer.addEventListener('reconnected', ({ resumed }) => resolve(resumed), { once: true });
      });
      way.cut();
      expect(await back).toBe(true);
      const channel = await friend.open(peer.id, { reliable: true });
      await channel.close();
      expect(relay.stats().logins).toMatchObject({ full: 2, resumed: time, early: time, earlyGreeted: 0 });
    }
  });

  test('hundreds at once all come in, whether at once or in their slice', async () => {
    const relay = await startBareRelay({ shards: 1 });
    const many: RawPeer[] = [];
    for (let n = 0; n < 150; n++) many.push(await login(relay));
    const backs = many.map((peer) => comeBack(relay, peer));
    for (const back of backs) expect(await first(back)).toBe('ready');
    expect(relay.stats()).toMatchObject({
      sessions: 150,
      logins: { early: 150, earlyGreeted: 0 },
      faults: 0,
    });
  });
});

/** A request as it is written, and what is answered to it. */
async function rawUpgrade(
  port: number,
  offer: string,
): Promise<{ status: string; protocol: string | undefined }> {
  const socket = createConnection({ port, host: '127.0.0.1' });
  onTestFinished(() => void socket.destroy());
  socket.write(
    `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n' +
      `Sec-WebSocket-Protocol: ${offer}\r\n\r\n`,
  );
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  const text = bytes.toString('latin1');
  return { status: text.slice(9, 12), protocol: /sec-websocket-protocol: (.*)\r\n/i.exec(text)?.[1] };
}

function optionsOf(peer: RawPeer): EarlyOptions {
  return { key: peer.key, relay: peer.hello.relay, ageMs: 0 };
}
