import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { createRelay } from 'supernode';
import { describe, expect, test } from 'vitest';
import * as op from '../../core/protocol/ops.ts';
import { makeCertificate } from '../fixtures/certificate.ts';
import { newKey, RawPeer } from '../fixtures/raw-peer.ts';
import { login, loginOn, startBareRelay } from '../fixtures/relay.ts';
import { until } from '../fixtures/until.ts';

const certificate = await makeCertificate();
const other = await makeCertificate();
const ca = certificate.cert;
const written = async (): Promise<string[]> =>
  (await readdir(tmpdir())).filter((name) => name.startsWith('supernode-tls-'));

describe.each([1, 2, 4])('TLS with %i shards', (shards) => {
  test('peers on the first and the last shard meet and talk', async () => {
    const relay = await startBareRelay({ shards, tls: asFiles() });
    expect(relay.url).toBe(`wss://127.0.0.1:${relay.port}`);
    const alice = await loginOn(relay, 0, { ca });
    const bob = await loginOn(relay, shards - 1, { ca });
    const [mine, theirs] = await alice.open(bob);
    for (let i = 0; i < 20; i++) alice.frame(op.OP_DATA + 2, mine.label, new Uint8Array(1_000).fill(i));
    await until('all came', () => bob.data.length === 20);
    expect(bob.data.map(({ payload }) => payload[999])).toEqual(Array.from({ length: 20 }, (_, i) => i));
    const key = newKey();
    const first = await loginOn(relay, 0, { key, ca });
    await loginOn(relay, shards - 1, { key, ca });
    expect((await first.ended).error?.code).toBe('replaced');
    alice.terminate();
    expect(await bob.closedReason(theirs.label)).toBe('peer-gone');
    expect(relay.stats().faults).toBe(0);
  });

  test('every shard gets sockets, drain and close work', async () => {
    const relay = await startBareRelay({ shards, tls: { key: certificate.key, cert: certificate.cert } });
    for (let shard = 0; shard < shards; shard++) await loginOn(relay, shard, { ca });
    const stays = await login(relay, { ca });
    await relay.drain({ spreadMs: 50 });
    expect((await stays.ended).error?.code).toBe('drained');
    await expect(RawPeer.dial(relay.url, { ca })).rejects.toThrow();
    await relay.close();
    const next = await startBareRelay({ shards, port: relay.port, tls: asFiles() });
    await login(next, { ca });
  });

  test('a second relay on the port fails with address-in-use', async () => {
    const relay = await startBareRelay({ shards, tls: asFiles() });
    for (const tls of [asFiles(), undefined]) {
      const options = { port: relay.port, shards, ...(tls ? { tls } : {}) };
      await expect(createRelay(options)).rejects.toMatchObject({ code: 'address-in-use' });
    }
    await login(relay, { ca });
  });
});

function asFiles(): { key: string; cert: string } {
  return { key: certificate.keyFile, cert: certificate.certFile };
}

describe('a TLS key and certificate', () => {
  test.each([
    ['two files', asFiles()],
    ['two texts', { key: certificate.key, cert: certificate.cert }],
    [
      'two buffers',
      { key: readFileSync(certificate.keyFile), cert: new Uint8Array(readFileSync(certificate.certFile)) },
    ],
    ['a file and a text', { key: certificate.keyFile, cert: certificate.cert }],
  ])('may be %s; nothing of them stays in the temporary directory', async (_name, tls) => {
    const before = await written();
    const relay = await startBareRelay({ tls });
    await login(relay, { ca });
    expect(await written()).toEqual(before);
  });

  test.each([
    ['are of different pairs', { key: certificate.key, cert: other.cert }],
    ['are files of different pairs', { key: other.keyFile, cert: certificate.certFile }],
    ['are exchanged', { key: certificate.cert, cert: certificate.key }],
    ['are no PEM', { key: Buffer.from('rubbish'), cert: Buffer.from('rubbish') }],
    ['are cut short', { key: certificate.key.slice(0, 90), cert: certificate.cert }],
    ['are empty PEM', { key: '-----BEGIN', cert: '-----BEGIN' }],
  ])('that %s are refused, and leave nothing behind', async (_name, tls) => {
    const before = await written();
    await expect(createRelay({ port: 0, tls })).rejects.toMatchObject({
      code: 'bad-option',
      message: expect.stringContaining('tls.'),
    });
    expect(await written()).toEqual(before);
  });

  test('that is missing is named', async () => {
    const missing = createRelay({ port: 0, tls: { key: '/no/such/key.pem', cert: certificate.certFile } });
    await expect(missing).rejects.toMatchObject({
      code: 'bad-option',
      message: expect.stringContaining('/no/such/key.pem'),
    });
  });
});
