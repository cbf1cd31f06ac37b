import { createServer } from 'node:net';
import { createRelay, type RelayOptions } from 'supernode';
import { describe, expect, test } from 'vitest';
import { newKey } from '../fixtures/raw-peer.ts';
import { login, startRelay } from '../fixtures/relay.ts';

const BAD: [name: string, value: unknown][] = [
  ['port', -1],
  ['port', 65_536],
  ['port', 1.5],
  ['port', Number.NaN],
  ['port', '7420'],
  ['port', null],
  ['host', ''],
  ['host', 5],
  ['shards', 0],
  ['shards', 65],
  ['shards', 1.5],
  ['shards', 'all'],
  ['shards', -1],
  ['loginTimeoutMs', 99],
  ['loginTimeoutMs', 60_001],
  ['loginTimeoutMs', Number.POSITIVE_INFINITY],
  ['maxPeers', 0],
  ['maxPeers', 4_000_001],
  ['admission', { maxLoginsPerSec: 0 }],
  ['admission', { maxLoginsPerSec: 'fast' }],
  ['admission', { maxUnauthenticated: 0 }],
  ['admission', { perPrefix: true }],
  ['admission', { perPrefix: { connections: 1.5 } }],
  ['admission', { limitLoopback: 1 }],
  ['admission', { maxLogins: 1 }],
  ['authorize', 'yes'],
  ['authorize', {}],
  ['authorizeTimeoutMs', 0],
  ['authorizeTimeoutMs', 60_001],
  ['identity', {}],
  ['identity', 'key.pem'],
  ['identity', { publicKey: newKey().publicKey }],
  ['admin', true],
  ['admin', { port: 70_000 }],
  ['admin', { token: 'short' }],
  ['admin', { prot: 1 }],
  ['tls', 'cert.pem'],
  ['tls', {}],
  ['tls', { key: 'x' }],
  ['tls', { key: '', cert: '' }],
  ['tls', { key: 5, cert: 5 }],
  ['versions', 'none'],
  ['versions', { refuse: 'a' }],
  ['versions', { refuse: [''] }],
  ['versions', { refuse: ['a*b'] }],
  ['versions', { refuse: ['x'.repeat(65)] }],
  ['versions', { quarantine: 'kill' }],
  ['versions', { delayMs: 999 }],
  ['idleTimeout', 5],
  ['directory', true],
  ['directory', null],
  ['directory', 'memory'],
  ['directory', { path: '' }],
  ['directory', { path: 5 }],
  ['directory', { folder: '/tmp' }],
  // Port 0 names no place.
  ['directory', {}],
  ['directory', { path: ':memory:', maxBytes: 1_048_575 }],
  ['directory', { path: ':memory:', maxBytes: 2 ** 41 }],
  ['directory', { path: ':memory:', maxRecords: 0 }],
  ['directory', { path: ':memory:', recordTtlMs: 59_999 }],
  ['directory', { path: ':memory:', recordTtlMs: 1.5e5 + 0.5 }],
];

describe('an option that is not allowed', () => {
  test.each(BAD)('%s: %o is refused by name before anything starts', async (name, value) => {
    const threads = process.getActiveResourcesInfo().filter((kind) => kind === 'MessagePort').length;
    const failure = await createRelay({ port: 0, [name]: value } as RelayOptions).then(
      (relay) => relay.close().then(() => null),
      (error: unknown) => error as Error & { code: string },
    );
    expect(failure).toMatchObject({ name: 'OptionError', code: 'bad-option' });
    expect(failure!.message).toContain(name);
    expect(failure!.message).toMatch(/\.$/);
    expect(process.getActiveResourcesInfo().filter((kind) => kind === 'MessagePort').length).toBe(threads);
  });

  test.each([null, 5, 'relay'])('the options %o are none', async (options) => {
    await expect(createRelay(options as never)).rejects.toMatchObject({ code: 'bad-option' });
  });
});

describe('the directory option', () => {
  test.each<[given: RelayOptions['directory'] | undefined, kept: unknown]>([
    [undefined, { path: null, durable: false }],
    [':memory:', { path: null, durable: false }],
    [
      { path: ':memory:', maxRecords: 5, recordTtlMs: 60_000 },
      { path: null, durable: false },
    ],
    [false, null],
  ])('%o gives a relay whose directory is %o', async (given, kept) => {
    const relay = await startRelay(given === undefined ? {} : { directory: given });
    expect(relay.directory).toEqual(kept);
    await login(relay);
  });
});

describe('listening', () => {
  test('on a port that another relay has fails with address-in-use, and leaves the other alone', async () => {
    const relay = await startRelay({ shards: 2 });
    await expect(createRelay({ port: relay.port, shards: 2 })).rejects.toMatchObject({
      code: 'address-in-use',
      message: expect.stringContaining(`Port ${relay.port}`),
    });
    for (let i = 0; i < 6; i++) await login(relay);
    expect(relay.stats().sessions).toBe(6);
  });

  test('on a port that another program has fails with address-in-use', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    await expect(createRelay({ port })).rejects.toMatchObject({ code: 'address-in-use' });
    await expect(createRelay({ port: 0, admin: { port } })).rejects.toMatchObject({ code: 'address-in-use' });
    await new Promise((resolve) => server.close(resolve));
  });

  test.each(['192.0.2.1', 'no-such-host.invalid'])('on %s fails with listen-failed', async (host) => {
    await expect(createRelay({ host, port: 0 })).rejects.toMatchObject({
      code: 'listen-failed',
      message: expect.stringContaining(host),
    });
  });

  test('on ::1 and on every address gives a url that works', async () => {
    for (const host of ['::1', '0.0.0.0', 'localhost']) {
      const relay = await startRelay({ host });
      await login(relay);
      expect(relay.url).toBe(`ws://${host.includes(':') ? `[${host}]` : host}:${relay.port}`);
    }
  });

  test('two relays in one process know nothing of each other', async () => {
    const [one, two] = [await startRelay({ shards: 2 }), await startRelay({ shards: 2 })];
    const a = await login(one);
    const b = await login(two);
    expect(await a.refused(a.sendOpen(b.key.publicKey))).toBe('not-found');
    await one.close();
    await b.roundTrip();
    expect(two.stats()).toMatchObject({ sessions: 1, faults: 0 });
    expect(two.id).not.toBe(one.id);
  });
});
