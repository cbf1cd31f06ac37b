import { describe, expect, test } from 'vitest';
import * as op from '../../core/protocol/ops.ts';
import { RawPeer } from '../fixtures/raw-peer.ts';
import { dial, login, loginOn, startRelay } from '../fixtures/relay.ts';
import { until } from '../fixtures/until.ts';

describe.each([1, 2, 4])('draining %i shards', (shards) => {
  test('tells each peer when it must go, spreads them, and ends them with drained', async () => {
    const relay = await startRelay({ shards });
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
    // Evenly in each shard: one at once, one in the middle, one at the end.
    for (const [index, leaveInMs] of leaves.entries()) {
      const order = Math.floor(index / shards);
      // The socket that is not logged in stands in the row of its shard too.
      expect([0, 33, 50, 67, 100]).toContain(leaveInMs);
      if (order === 0) expect(leaveInMs).toBe(0);
    }
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
    const relay = await startRelay({ shards });
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
    const relay = await startRelay({ shards });
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
    const relay = await startRelay({ shards });
    const peers = [];
    for (let i = 0; i < 20; i++) peers.push(i % 2 ? await login(relay) : await dial(relay));
    const { port } = relay;
    await Promise.all([relay.close(), relay.close(), relay[Symbol.asyncDispose]()]);
    for (const peer of peers) expect((await peer.ended).error?.code).toBe('drained');
    const next = await startRelay({ shards, port });
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
  const relay = await startRelay();
  await expect(relay.drain(options)).rejects.toMatchObject({
    code: 'bad-option',
    message: expect.stringContaining(name),
  });
  expect(relay.state).toBe('open');
});
