/** What the operator's side of a relay bounds: options, the admin port, the ledger of `supernode why`. */
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { createRelay, type Relay, type SupernodeError } from 'supernode';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MAX_SUCCESSORS } from '../../core/protocol/limits.ts';
import { MAX_BODY_BYTES, MAX_CONNECTIONS, MAX_HEAD_BYTES } from '../../core/relay/admin/server.ts';
import { MAX_SHARDS } from '../../core/relay/limits.ts';
import { WHY_MINUTES } from '../../core/relay/why-desk.ts';
import { MOST_ENTRIES } from '../../workers/shard/why.ts';
import { MOST_OTHERS } from '../../workers/shard/why-table.ts';
import { grown, limit } from '../fixtures/limits.ts';
import { login } from '../fixtures/relay.ts';
import { until } from '../fixtures/until.ts';

let relay: Relay;
beforeAll(async () => {
  relay = await createRelay({ port: 0, shards: 1, directory: false, admin: {} });
});
afterAll(() => relay.close());

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: SupernodeError) => error.code,
  );

test('options that are not allowed are refused, and nothing begins', async () => {
  limit('shards').sees({ answers: [await codeOf(createRelay({ port: 0, shards: MAX_SHARDS + 1 }))] });
  limit('options of createRelay and drain outside of what they allow').sees(
    { answers: [await codeOf(createRelay({ port: 0, maxPeers: 0 }))] },
    { answers: [await codeOf(relay.drain({ graceMs: 3_600_001 }))] },
  );
  const successors = Array.from({ length: MAX_SUCCESSORS + 1 }, () => 'ws://127.0.0.1:1');
  limit('successors of a drain').sees(
    { answers: [await codeOf(relay.drain({ successors }))] },
    { answers: [await codeOf(relay.drain({ successors: [`ws://127.0.0.1:1/${'x'.repeat(256)}`] }))] },
  );
  const peer = await login(relay);
  limit('minutes of supernode why').sees({
    answers: [await codeOf(relay.why(peer.id, null, { minutes: WHY_MINUTES + 1 }))],
  });
  expect(relay.state).toBe('open');
});

test('a request that is too long is refused, and a connection too many closed at once', async () => {
  const { url, token } = relay.admin!;
  const port = Number(new URL(url).port);
  const before = relay.stats();
  const headers = { authorization: `Bearer ${token}` };
  const ask = async (init: RequestInit): Promise<string> =>
    `HTTP ${(await fetch(`${url}/drain`, { method: 'POST', ...init })).status}`;
  const body = await ask({ headers, body: JSON.stringify('x'.repeat(MAX_BODY_BYTES)) });
  const head = await ask({ headers: { ...headers, 'X-Long': 'x'.repeat(MAX_HEAD_BYTES) } });
  limit('head of a request; body').sees({ answers: [head, body], stats: grown(before, relay.stats()) });

  const dropped = relay.stats();
  const sockets: Socket[] = [];
  let closed = 0;
  for (let i = 0; i < MAX_CONNECTIONS + 1; i++) {
    const socket = connectTcp(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.on('close', () => closed++);
    await once(socket, 'connect');
    sockets.push(socket);
  }
  await until('one is closed', () => closed > 0);
  limit('connections of the admin port').sees({ stats: grown(dropped, relay.stats()) });
  for (const socket of sockets) socket.destroy();
});

test('the ledger gives up what was not noted for longest, and says how much', async () => {
  // Some more than fill it: a few of them share their bound of others named.
  for (let left = 1.2 * MOST_ENTRIES; left > 0; left -= MOST_OTHERS) {
    const peer = await login(relay);
    for (let i = 0; i < MOST_OTHERS; i++) {
      const nobody = new Uint8Array(32);
      crypto.getRandomValues(nobody);
      peer.sendOpen(nobody);
    }
    await peer.roundTrip();
    peer.terminate();
  }
  await until('it was counted', () => relay.stats().whyForgotten > 0);
  limit('entries of supernode why, per shard').sees({ stats: relay.stats() });
});
