import { generateKeyPairSync } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createKeyFile, loadIdentity } from '../../core/identity/key-file.ts';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'supernode-key-'));
  path = join(folder, 'peer.key');
});

afterEach(() => rm(folder, { recursive: true }));

const refusal = (text: string) =>
  expect.objectContaining({ code: 'bad-key-file', message: expect.stringContaining(text) });

describe('a key file', () => {
  it('gives back the identity that it was created with', async () => {
    const created = await createKeyFile(path);
    const loaded = await loadIdentity(path);
    expect(loaded.id).toBe(created.id);
    const text = new Uint8Array([1, 2, 3]);
    expect(loaded.sign(text)).toEqual(created.sign(text));
  });

  it('is PKCS#8 in PEM, for its owner alone, and leaves nothing else behind', async () => {
    await createKeyFile(path);
    expect(await readFile(path, 'utf8')).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(['peer.key']);
  });

  it('is not replaced by another', async () => {
    const first = await createKeyFile(path);
    await expect(createKeyFile(path)).rejects.toMatchObject({ code: 'key-file-exists' });
    expect((await loadIdentity(path)).id).toBe(first.id);
    expect(await readdir(folder)).toEqual(['peer.key']);
  });

  it('is replaced when that is forced', async () => {
    const first = await createKeyFile(path);
    const second = await createKeyFile(path, { force: true });
    expect(second.id).not.toBe(first.id);
    expect((await loadIdentity(path)).id).toBe(second.id);
  });

  it('is created once when several create it at the same time', async () => {
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => createKeyFile(path)));
    const created = results.filter((result) => result.status === 'fulfilled');
    expect(created).toHaveLength(1);
    expect((await loadIdentity(path)).id).toBe(created[0]!.value.id);
  });

  it('cannot be created in a folder that does not exist', async () => {
    await expect(createKeyFile(join(folder, 'no', 'peer.key'))).rejects.toMatchObject({ code: 'io' });
  });

  it('is refused when it does not exist, naming the path', async () => {
    await expect(loadIdentity(path)).rejects.toEqual(refusal(path));
    await expect(loadIdentity(path)).rejects.toEqual(refusal('does not exist'));
  });

  it('is refused when it is a folder', async () => {
    await expect(loadIdentity(folder)).rejects.toEqual(refusal('is not a file'));
  });

  it('is refused when it holds no key', async () => {
    await writeFile(path, 'not a key', { mode: 0o600 });
    await expect(loadIdentity(path)).rejects.toEqual(refusal('no private key'));
  });

  it('is refused when it holds a key of another type', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await writeFile(path, privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });
    await expect(loadIdentity(path)).rejects.toEqual(refusal('it must be ed25519'));
  });

  it.skipIf(process.platform === 'win32').each([0o640, 0o604, 0o620, 0o601])(
    'is refused with mode %o, saying how to mend it',
    async (mode) => {
      await createKeyFile(path);
      await chmod(path, mode);
      await expect(loadIdentity(path)).rejects.toEqual(refusal('chmod 600'));
    },
  );
});
