import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocketServer } from 'ws';
import { connect, generateIdentity, identityFromSeed } from '../../core/client/node.ts';
import { CLIENT_VERSION } from '../../core/client/options.ts';
import { peerIdOf } from '../../core/protocol/peer-id.ts';
import { until } from '../fixtures/until.ts';
import { join, next, startRelay } from './peers.ts';

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

describe('connect', () => {
  it('logs in with the identity that it is given', async () => {
    const relay = await startRelay();
    const identity = generateIdentity();
    const peer = await join(relay, { identity });
    expect(peer.id).toBe(identity.id);
    expect(peer.relay).toBe(peerIdOf(relay.publicKey));
    expect(peer.url).toBe(relay.url);
    expect(peer.state).toBe('open');
    expect(relay.sessionOf(peer.id).resumed).toBe(false);
  });

  it('gives `sign` a buffer of its own: nothing is before the text, nothing behind it', async () => {
    const relay = await startRelay();
    const identity = generateIdentity();
    const sign = (text: Uint8Array): Uint8Array => identity.sign(new Uint8Array(text.buffer));
    for (let k = 0; k < 3; k++) {
      const peer = await join(relay, { identity: { ...identity, sign } });
      await peer.close();
    }
  });

  it('makes an identity when it is given none', async () => {
    const relay = await startRelay();
    const [a, b] = await Promise.all([join(relay), join(relay)]);
    expect(a.id).not.toBe(b.id);
  });

  it('names the URL and the cause when there is no relay', async () => {
    const port = await closedPort();
    await expect(connect(`ws://127.0.0.1:${port}`)).rejects.toMatchObject({
      code: 'relay-unreachable',
      message: expect.stringMatching(new RegExp(`ws://127\\.0\\.0\\.1:${port}/: .*ECONNREFUSED`)),
      cause: expect.any(Error),
    });
  });

  it('says how long it waited for a relay that does not answer', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as { port: number };
    await expect(connect(`ws://127.0.0.1:${port}`, { timeoutMs: 50 })).rejects.toMatchObject({
      code: 'relay-unreachable',
      message: expect.stringContaining('within 50 ms'),
    });
  });

  it('says how long it waited for a relay that does not log it in', async () => {
    const relay = await startRelay({ silent: true });
    await expect(connect(relay.url, { timeoutMs: 200 })).rejects.toMatchObject({
      code: 'relay-unreachable',
      message: expect.stringContaining('did not log in within 200 ms'),
    });
  });

  it('refuses a server that does not speak the subprotocol', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => false });
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as { port: number };
    await expect(connect(`ws://127.0.0.1:${port}`)).rejects.toMatchObject({
      code: 'relay-unreachable',
      message: expect.stringContaining('subprotocol'),
    });
  });

  it.each(['http://127.0.0.1:7420', '127.0.0.1:7420', 'ws://', 'ws://host:99999', '', 'ws://host/#part'])(
    'refuses the URL "%s"',
    async (url) => {
      await expect(connect(url)).rejects.toMatchObject({
        code: 'bad-option',
        message: expect.stringContaining(`"${url}"`),
      });
    },
  );

  it.each([
    [{ timeoutMs: 0 }, 'timeoutMs'],
    [{ timeoutMs: Number.NaN }, 'timeoutMs'],
    [{ client: 'x'.repeat(65) }, 'client'],
    [{ reconnect: { baseMs: -1 } }, 'reconnect.baseMs'],
    [{ reconnect: { capMs: 10 } }, 'reconnect.capMs'],
    [{ reconnect: { maxAttempts: 0 } }, 'reconnect.maxAttempts'],
    [{ identity: {} as never }, 'identity'],
    [{ onoffer: true as never }, 'onoffer'],
  ])('refuses the options %j', async (options, name) => {
    await expect(connect('ws://127.0.0.1:1', options)).rejects.toMatchObject({
      code: 'bad-option',
      message: expect.stringMatching(new RegExp(`^${name} must be`)),
    });
  });

  it.each(['denied', 'relay-full', 'bad-proof'])(
    'rejects with the code of a relay that answers %s',
    async (code) => {
      const relay = await startRelay({ refuse: () => ({ code, message: 'No.', fatal: true }) });
      await expect(connect(relay.url)).rejects.toMatchObject({ name: 'RelayError', code, message: 'No.' });
      expect(relay.logins).toBe(1);
    },
  );

  it('passes on how long a busy relay asks it to stay away', async () => {
    const relay = await startRelay({
      refuse: () => ({ code: 'busy', message: 'Busy.', fatal: true, retryAfterMs: 1234 }),
    });
    await expect(connect(relay.url)).rejects.toMatchObject({ code: 'busy', retryAfterMs: 1234 });
  });

  it('waits for its turn when it was told to, and not for a denial', async () => {
    const times: number[] = [];
    const relay = await startRelay({
      refuse: (attempt) => {
        times.push(performance.now());
        const busy = { code: 'busy', message: 'Busy.', fatal: true, retryAfterMs: 300 };
        return attempt < 2 ? busy : undefined;
      },
    });
    const peer = await connect(relay.url, { awaitTurn: true });
    expect(relay.logins).toBe(3);
    // Timers may fire a millisecond early by the other clock.
    expect(times[1]! - times[0]!).toBeGreaterThan(298);
    await peer.close();
    const denies = await startRelay({ refuse: () => ({ code: 'denied', message: 'No.', fatal: true }) });
    await expect(connect(denies.url, { awaitTurn: true })).rejects.toMatchObject({ code: 'denied' });
    await expect(connect(relay.url, { awaitTurn: 1 as never })).rejects.toMatchObject({ code: 'bad-option' });
  });

  it('stops waiting for its turn when it is aborted', async () => {
    const relay = await startRelay({
      refuse: () => ({ code: 'busy', message: 'Busy.', fatal: true, retryAfterMs: 3_600_000 }),
    });
    const controller = new AbortController();
    const connecting = connect(relay.url, { awaitTurn: true, signal: controller.signal });
    await until('it was refused', () => relay.logins === 1);
    controller.abort(new Error('enough'));
    await expect(connecting).rejects.toThrow('enough');
  });

  it('keeps the message of an error whose code it does not know', async () => {
    const relay = await startRelay({
      refuse: () => ({ code: 'from-the-future', message: 'Odd.', fatal: true }),
    });
    await expect(connect(relay.url)).rejects.toMatchObject({
      code: 'internal',
      message: 'Odd. (from-the-future)',
    });
  });

  it('says so when the certificates to trust are none', async () => {
    await expect(
      connect('wss://127.0.0.1:1', { ca: '-----BEGIN CERTIFICATE-----\nnonsense' }),
    ).rejects.toMatchObject({
      code: 'relay-unreachable',
      message: expect.stringContaining('wss://127.0.0.1:1/'),
    });
  });

  it('gives up when it is aborted, with the reason', async () => {
    const relay = await startRelay({ silent: true });
    const abort = new AbortController();
    const connecting = connect(relay.url, { signal: abort.signal });
    await relay.until(() => relay.sessions.size === 1);
    abort.abort(new Error('enough'));
    await expect(connecting).rejects.toThrow('enough');
    await relay.until(() => relay.sessions.size === 0);
  });

  it('does not begin when it was aborted before', async () => {
    await expect(connect('ws://127.0.0.1:1', { signal: AbortSignal.abort(new Error('no')) })).rejects.toThrow(
      'no',
    );
  });
});

describe('the version that a client gives', () => {
  it('is that of the package', async () => {
    const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
    expect(CLIENT_VERSION).toBe(`supernode-js/${(JSON.parse(text) as { version: string }).version}`);
  });
});

describe('a peer', () => {
  it('closes its connection, once, and says so', async () => {
    const relay = await startRelay();
    const peer = await join(relay);
    const closed = next<Event & { error?: unknown }>(peer, 'closed');
    await Promise.all([peer.close(), peer.close()]);
    expect((await closed).error).toBeUndefined();
    expect(peer.state).toBe('closed');
    await relay.until(() => relay.sessions.size === 0);
    await expect(peer.open(generateIdentity().id)).rejects.toMatchObject({ code: 'peer-closed' });
  });

  it('is closed at the end of an await using block', async () => {
    const relay = await startRelay();
    const peer = await join(relay);
    await peer[Symbol.asyncDispose]();
    expect(peer.state).toBe('closed');
  });

  it('does not come back when another logs in with its key', async () => {
    const relay = await startRelay();
    const identity = identityFromSeed(new Uint8Array(32).fill(1));
    const first = await join(relay, { identity, reconnect: { baseMs: 1 } });
    const closed = next<Event & { error?: { code: string } }>(first, 'closed');
    const second = await join(relay, { identity });
    expect((await closed).error?.code).toBe('replaced');
    expect(first.state).toBe('closed');
    expect(second.state).toBe('open');
    expect(relay.history).toHaveLength(2);
  });
});
