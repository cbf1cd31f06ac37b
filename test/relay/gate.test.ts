import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createConnection, type Socket } from 'node:net';
import { connect, createRelay, type Relay, RelayError } from 'supernode';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { SUBPROTOCOL } from '../../core/protocol/names.ts';
import { limit } from '../fixtures/limits.ts';
import { dial, login, startBareRelay, warningsOf } from '../fixtures/relay.ts';
import { ScriptedMain } from '../fixtures/scripted-main.ts';
import { until } from '../fixtures/until.ts';

/** @returns the answer to an upgrade when it is refused, or null. */
async function upgrade(relay: Relay): Promise<{ status: number; retryAfter: string; body: string } | null> {
  const socket = new WebSocket(relay.url, SUBPROTOCOL);
  try {
    const response = await new Promise<IncomingMessage | null>((resolve, reject) => {
      socket.once('open', () => resolve(null));
      socket.once('unexpected-response', (_request, response) => resolve(response));
      socket.on('error', reject);
    });
    if (response === null) return null;
    let body = '';
    for await (const part of response) body += part;
    return { status: response.statusCode!, retryAfter: response.headers['retry-after']!, body };
  } finally {
    socket.terminate();
  }
}

async function refusedUpgrade(relay: Relay): Promise<{ status: number; retryAfter: string; body: string }> {
  return (await upgrade(relay)) ?? expect.fail('The upgrade was not refused.');
}

const handshake = (relay: Relay): string =>
  `GET / HTTP/1.1\r\nHost: 127.0.0.1:${relay.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
  `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: ${SUBPROTOCOL}\r\n\r\n`;

/** Sends its bytes one by one, as slowly as it is let. */
function drip(socket: Socket, bytes: Uint8Array, everyMs: number): void {
  let at = 0;
  const timer = setInterval(() => {
    if (at < bytes.length) socket.write(bytes.subarray(at, ++at));
  }, everyMs);
  socket.on('close', () => clearInterval(timer));
}

/**
 * A silent socket and a dripping one that do not get as far as a WebSocket, and one that is silent on its own. What ends them
 * takes its time: the other tests run meanwhile.
 */
let slow: { relay: Relay; impatient: ScriptedMain; ends: Promise<unknown> };
beforeAll(async () => {
  const relay = await createRelay({ port: 0, shards: 1, directory: false });
  // The least that uWebSockets.js takes. Its ping is not answered.
  const impatient = await ScriptedMain.start(1, false, 8);
  const unheard = createConnection({ port: Number(new URL(impatient.url).port), host: '127.0.0.1' });
  const [silent, dripping] = [0, 1].map(() => createConnection({ port: relay.port, host: '127.0.0.1' }));
  const ends = [unheard, silent!, dripping!].map((socket) => {
    socket.on('error', () => {});
    return new Promise((resolve) => socket.resume().once('close', resolve));
  });
  unheard.write(handshake(relay));
  drip(
    dripping!,
    new TextEncoder().encode(handshake(relay).replace('\r\n\r\n', `\r\nX: ${'y'.repeat(2_000)}`)),
    200,
  );
  slow = { relay, impatient, ends: Promise.all(ends) };
});
afterAll(async () => {
  await slow.impatient.close();
  await slow.relay.close();
});

describe('sockets that are not logged in', () => {
  test.each([1, 2])(
    'are bounded over %i shards; more are refused with 503, until some have logged in',
    async (shards) => {
      const relay = await startBareRelay({ shards, admission: { maxUnauthenticated: 4 } });
      const warnings = warningsOf(relay);
      const waiting = await Promise.all(Array.from({ length: 4 }, () => dial(relay)));
      const { status, retryAfter, body } = await refusedUpgrade(relay);
      expect(Number(retryAfter)).toBeGreaterThanOrEqual(1);
      expect(body).toContain('come back in');
      expect(relay.stats().upgradesRefused.full).toBe(1);
      await until('the operator is warned', () => warnings.length > 0);
      limit('sockets that are logging in').sees({
        answers: [`HTTP ${status}`],
        stats: relay.stats(),
        warnings,
      });
      // The client is told as an error that names the wait.
      const refused = await connect(relay.url).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(RelayError);
      expect(refused).toMatchObject({ code: 'busy' });
      expect((refused as RelayError).retryAfterMs).toBeGreaterThanOrEqual(1_000);
      await waiting[0]!.login();
      const peer = await login(relay);
      waiting[1]!.terminate();
      for (let another: unknown = null; another === null; )
        another = await connect(relay.url).catch(() => null);
      peer.terminate();
    },
  );
});

describe('an address prefix', () => {
  test('has so many connections, and is told 429 beyond them', async () => {
    const perPrefix = { connectionsPerSec: 1_000, connections: 3 };
    const relay = await startBareRelay({ admission: { perPrefix, limitLoopback: true } });
    const warnings = warningsOf(relay);
    const peers = await Promise.all(Array.from({ length: 3 }, () => login(relay)));
    const { status, body } = await refusedUpgrade(relay);
    expect(body).toContain('127.0.0.0/24 has 3 connections already');
    expect(relay.stats().upgradesRefused).toEqual({ full: 0, rate: 0, prefix: 1 });
    await until('the operator is warned', () => warnings.length > 0);
    limit('open connections of an address prefix').sees({
      answers: [`HTTP ${status}`],
      stats: relay.stats(),
      warnings,
    });
    peers[0]!.terminate();
    await until('the relay knows that it left', () => relay.stats().sockets === 2);
    await login(relay);
  });

  test('makes so many per second', async () => {
    const perPrefix = { connectionsPerSec: 2, connections: 1_000 };
    const relay = await startBareRelay({ shards: 2, admission: { perPrefix, limitLoopback: true } });
    const warnings = warningsOf(relay);
    // Ten in a window of 5 s, and ten more should the clock pass into the next one meanwhile; a slow machine needs more turns.
    let refused: Awaited<ReturnType<typeof upgrade>>[] = [];
    while (refused.length === 0) {
      const answers = await Promise.all(Array.from({ length: 30 }, () => upgrade(relay)));
      refused = answers.filter((answer) => answer !== null);
    }
    expect(relay.stats().upgradesRefused).toEqual({ full: 0, rate: refused.length, prefix: 0 });
    const { status } = refused[0]!;
    await until('the operator is warned', () => warnings.length > 0);
    limit('new connections of an address prefix').sees({
      answers: [`HTTP ${status}`],
      stats: relay.stats(),
      warnings,
    });
  });

  test('of this machine is not counted when nothing is said', async () => {
    const relay = await startBareRelay({
      admission: { perPrefix: { connectionsPerSec: 1, connections: 1 } },
    });
    await Promise.all(Array.from({ length: 20 }, () => login(relay)));
    expect(relay.stats().sessions).toBe(20);
  });
});

describe('a socket that takes its time', () => {
  test('is gone at the deadline, silent or dripping, a thousand of them too', {
    timeout: 60_000,
  }, async () => {
    const relay = await startBareRelay({ shards: 2, loginTimeoutMs: 1_500 });
    const sockets: Socket[] = [];
    const answers: Promise<unknown>[] = [];
    for (let k = 0; k < 1_000; k++) {
      // Half-open: these do not go by themselves when they are told.
      const socket = createConnection({ port: relay.port, host: '127.0.0.1', allowHalfOpen: true });
      socket.on('error', () => {});
      socket.write(handshake(relay));
      const answer = once(socket, 'data').then(() => {
        // A frame of 512 bytes, as its header says: a login that never gets done. Bytes that come before the answer are lost.
        if (k % 2 === 0) drip(socket, Uint8Array.of(0x82, 0xfe, 2, ...Array(61).fill(0)), 100);
      });
      answers.push(answer);
      sockets.push(socket);
      if (k % 100 === 99) await new Promise((resolve) => setImmediate(resolve));
    }
    // All have come.
    await Promise.all(answers);
    const peer = await login(relay);
    await until('all are gone', () => relay.stats().sockets === 1);
    expect(relay.stats().logins).toMatchObject({ late: 1_000, refused: 1_000, full: 1 });
    await peer.roundTrip();
    for (const socket of sockets) socket.destroy();
  });

  test('before it is a WebSocket, or is silent on one, is gone within seconds', {
    timeout: 40_000,
  }, async () => {
    const { relay, impatient, ends } = slow;
    await ends;
    expect(relay.stats().sockets).toBe(0);
    limit('silent socket').sees({ stats: impatient.stats() });
    limit('HTTP request before the upgrade').sees({ stats: relay.stats() });
  });
});
