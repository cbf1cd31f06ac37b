import { connect, generateIdentity, type Peer } from 'supernode';
import { afterEach, describe, expect, test } from 'vitest';
import * as op from '../../core/protocol/ops.ts';
import { RawPeer } from '../fixtures/raw-peer.ts';
import { dial, login, loginOn, startBareRelay } from '../fixtures/relay.ts';
import { until } from '../fixtures/until.ts';

describe.each([1, 2, 4])('draining %i shards', (shards) => {
  test('tells each peer when it must go, spreads them, and ends them with drained', async () => {
    const relay = await startBareRelay({ shards });
    const gone: string[] = [];
    relay.on('gone', ({ reason }) => gone.push(reason));
    const peers = [];
    for (let i = 0; i < 3 * shards; i++) peers.push(await loginOn(relay, i % shards));
    const waiting = await dial(relay);
    const drained = relay.drain({ spreadMs: 100, retryAfterMs: 1_234 });
    expect(relay.state).toBe('draining');
    const leaves: number[] = [];
    for (const peer of peers) {
      const { body } = await peer.next(op.OP_MOVING);
      expect(body.retryAfterMs).toBe(1_234);
      leaves.push(body.leaveInMs);
    }
    // Evenly over all shards: the first at once, the last at the end.
    leaves.sort((one, other) => one - other);
    expect(leaves).toEqual(leaves.map((_, order) => Math.round((100 * order) / (peers.length - 1))));
    for (const peer of peers) {
      const { error } = await peer.ended;
      expect(error).toMatchObject({ code: 'drained', fatal: true, retryAfterMs: 1_234 });
    }
    await drained;
    expect((await waiting.ended).error?.code).toBe('drained');
    expect(relay.stats().sessions).toBe(0);
    await until('all were told', () => gone.length === peers.length);
    expect(new Set(gone)).toEqual(new Set(['drained']));
    await expect(RawPeer.dial(relay.url)).rejects.toThrow();
    expect(relay.stats().faults).toBe(0);
  });

  test('leaves peers with channels for the grace, and tells the other ends why they end', async () => {
    const relay = await startBareRelay({ shards });
    const idle = await loginOn(relay, 0);
    const alice = await loginOn(relay, 0);
    const bob = await loginOn(relay, shards - 1);
    const [mine] = await alice.open(bob);
    const drained = relay.drain({ graceMs: 400, spreadMs: 0 });
    const moving = await alice.next(op.OP_MOVING);
    expect(moving.body.leaveInMs).toBe(400);
    expect((await idle.ended).error?.code).toBe('drained');
    // The others work on meanwhile.
    alice.frame(op.OP_DATA + 2, mine.label, new Uint8Array(5));
    await until('data still comes', () => bob.data.length === 1);
    expect([alice.ending, bob.ending]).toEqual([null, null]);
    await drained;
    const endings = [(await alice.ended).error?.code, (await bob.ended).error?.code];
    expect(endings).toEqual(['drained', 'drained']);
    const closed = [...alice.controls, ...bob.controls].filter((frame) => frame.op === op.OP_CLOSED);
    expect(closed.length).toBeLessThanOrEqual(1);
    for (const frame of closed) expect(frame.body).toMatchObject({ reason: 'drained' });
  });

  test('two calls wait for the same drain; close cuts it short', async () => {
    const relay = await startBareRelay({ shards });
    const peer = await loginOn(relay, 0);
    await peer.open(peer);
    let ended = 0;
    const first = relay.drain({ graceMs: 3_600_000 }).then(() => ended++);
    const second = relay.drain().then(() => ended++);
    await peer.next(op.OP_MOVING);
    expect(ended).toBe(0);
    await relay.close();
    expect((await peer.ended).error?.code).toBe('drained');
    await Promise.all([first, second]);
    expect(relay.state).toBe('closed');
  });

  test('closing ends every socket with drained, frees the port, and can be called again', async () => {
    const relay = await startBareRelay({ shards });
    const peers = [];
    for (let i = 0; i < 20; i++) peers.push(i % 2 ? await login(relay) : await dial(relay));
    const { port } = relay;
    await Promise.all([relay.close(), relay.close(), relay[Symbol.asyncDispose]()]);
    for (const peer of peers) expect((await peer.ended).error?.code).toBe('drained');
    const next = await startBareRelay({ shards, port });
    await login(next);
    await relay.drain();
    expect(relay.disconnect(peers[1]!.id)).toBe(false);
  });
});

test.each([
  [{ graceMs: -1 }, 'graceMs'],
  [{ spreadMs: 0.5 }, 'spreadMs'],
  [{ retryAfterMs: 3_600_001 }, 'retryAfterMs'],
  [{ graceMs: Number.NaN }, 'graceMs'],
  [{ spreadMs: '10' as never }, 'spreadMs'],
])('a drain with %o names the option', async (options, name) => {
  const relay = await startBareRelay();
  await expect(relay.drain(options)).rejects.toMatchObject({
    code: 'bad-option',
    message: expect.stringContaining(name),
  });
  expect(relay.state).toBe('open');
});

test.each([
  [{ successors: 'ws://127.0.0.1:1' as never }, 'array'],
  [{ successors: Array.from({ length: 9 }, () => 'ws://127.0.0.1:1') }, 'at most 8'],
  [{ successors: ['http://127.0.0.1:1'] }, 'ws://host:port'],
  [{ successors: ['nonsense'] }, 'ws://host:port'],
  [{ successors: [`ws://127.0.0.1:1/${'x'.repeat(256)}`] }, '256 bytes'],
  [{ speed: 1 } as never, 'there are: graceMs, spreadMs, retryAfterMs, successors'],
])('a drain with the wrong successors %o says what is allowed', async (options, says) => {
  const relay = await startBareRelay();
  await expect(relay.drain(options)).rejects.toMatchObject({
    code: 'bad-option',
    message: expect.stringContaining(says),
  });
  expect(relay.state).toBe('open');
});

describe('a relay that leaves its peers to successors', () => {
  const peers: Peer[] = [];
  afterEach(async () => {
    await Promise.all(peers.splice(0).map((peer) => peer.close()));
  });
  const join = async (url: string, options = {}): Promise<Peer> => {
    const peer = await connect(url, { reconnect: { baseMs: 5, capMs: 50 }, onchannel: () => {}, ...options });
    peers.push(peer);
    return peer;
  };

  test('sends both ends of a call to the same one at the same moment, and deals the calls out', async () => {
    const [relay, one, other] = [
      await startBareRelay({ shards: 2 }),
      await startBareRelay(),
      await startBareRelay(),
    ];
    const callers: Peer[] = [];
    const callees: Peer[] = [];
    for (let i = 0; i < 6; i++) {
      callers.push(await join(relay.url));
      callees.push(await join(relay.url));
      await callers[i]!.open(callees[i]!.id);
    }
    const told = peers.map(
      (peer) =>
        new Promise<{ leaveInMs: number; successors: readonly string[] }>((resolve) =>
          peer.addEventListener('moving', resolve, { once: true }),
        ),
    );
    const back = peers.map((peer) => new Promise((resolve) => peer.addEventListener('reconnected', resolve)));
    const successors = [one.url, other.url];
    await relay.drain({ graceMs: 20, spreadMs: 60, successors });
    const moves = await Promise.all(told);
    await Promise.all(back);
    for (let i = 0; i < 6; i++) {
      const [caller, callee] = [moves[2 * i]!, moves[2 * i + 1]!];
      expect(caller.leaveInMs).toBe(callee.leaveInMs);
      expect(caller.successors).toEqual(callee.successors);
      expect(callers[i]!.url).toBe(callees[i]!.url);
      // The call resumes.
      expect((await callers[i]!.open(callees[i]!.id)).readyState).toBe('open');
    }
    expect(moves.map(({ leaveInMs }) => leaveInMs).sort((a, b) => a - b)).toEqual([
      20, 20, 32, 32, 44, 44, 56, 56, 68, 68, 80, 80,
    ]);
    expect([one.stats().sessions, other.stats().sessions]).toEqual([6, 6]);
  });

  test('a successor with the same key takes the tickets; another asks for a signature', async () => {
    const identity = generateIdentity();
    const [relay, twin, stranger] = [
      await startBareRelay({ identity }),
      await startBareRelay({ identity }),
      await startBareRelay(),
    ];
    const peer = await join(relay.url);
    const resumed: boolean[] = [];
    peer.addEventListener('reconnected', (event) => resumed.push(event.resumed));
    await relay.drain({ spreadMs: 0, successors: [twin.url] });
    await until('it came back by its ticket', () => resumed.length === 1);
    await twin.drain({ spreadMs: 0, successors: [stranger.url] });
    await until('it came back by its key', () => resumed.length === 2);
    expect(resumed).toEqual([true, false]);
    expect(twin.stats().logins).toMatchObject({ full: 0, resumed: 1 });
    expect(stranger.stats().logins).toMatchObject({ full: 1, resumed: 0 });
  });

  test('tells newcomers and logins under way at once where to go, and a client goes there', async () => {
    const [relay, successor] = [await startBareRelay({ shards: 2 }), await startBareRelay()];
    const [stays, waiting] = [await login(relay), await dial(relay)];
    await stays.open(stays);
    const successors = [successor.url];
    const drained = relay.drain({ graceMs: 3_600_000, successors });
    expect((await waiting.ended).error).toMatchObject({ code: 'drained', retryAfterMs: 0, successors });
    const newcomer = new RawPeer(relay.url);
    expect((await newcomer.ended).error).toMatchObject({ code: 'drained', retryAfterMs: 0, successors });
    const peer = await join(relay.url);
    expect(peer.url).toBe(successor.url);
    expect(stays.ending).toBeNull();
    await relay.close();
    await drained;
  });

  test('ends in time whatever its peers do, also in a flood of logins', async () => {
    const relay = await startBareRelay({ shards: 2 });
    const deaf = await login(relay);
    deaf.stopReading();
    const stubborn = await login(relay);
    stubborn.socket.on('close', () => {});
    let flooding = true;
    const refused: unknown[] = [];
    const flood = Array.from({ length: 8 }, async () => {
      while (flooding) refused.push((await new RawPeer(relay.url).ended).error?.code);
    });
    let ended = false;
    await relay.drain({ spreadMs: 50, successors: ['ws://127.0.0.1:1'] }).then(() => {
      ended = true;
    });
    expect(ended).toBe(true);
    expect(relay.stats().sessions).toBe(0);
    await until('newcomers are still told', () => refused.includes('drained'));
    flooding = false;
    await relay.close();
    await Promise.all(flood);
    expect(relay.stats().faults).toBe(0);
  });
});
