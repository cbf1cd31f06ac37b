import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { LmdbStore } from '../../core/directory/lmdb-store.ts';
import type { Migration } from '../../core/directory/store-version.ts';
import { bytes, freshPath, openStore, text } from './store-fixture.ts';

const MiB = 1024 * 1024;
const failsWith = (code: string) => expect.objectContaining({ code });

test('a store is there again after it was closed', async () => {
  const path = freshPath();
  const store = openStore(path, { durable: true });
  store.transaction(() => store.tables.vaults.put(bytes('k'), new Uint8Array(65_536).fill(7)));
  await store.close();
  const again = openStore(path, { durable: true });
  expect(again.tables.vaults.get(bytes('k'))).toStrictEqual(new Uint8Array(65_536).fill(7));
});

test('only its owner can read its files', () => {
  const path = freshPath();
  openStore(path);
  const modes = ['.', 'data.mdb', 'lock.mdb'].map((name) => statSync(join(path, name)).mode & 0o777);
  expect(modes).toEqual([0o700, 0o600, 0o600]);
});

test('a store for reading only is not written to, and none is created', async () => {
  const path = freshPath();
  expect(() => openStore(path, { readOnly: true })).toThrow(failsWith('directory-unavailable'));
  const store = openStore(path);
  store.transaction(() => store.tables.names.put(bytes('n'), bytes('1')));
  await store.close();
  const reader = openStore(path, { readOnly: true });
  expect(text(reader.tables.names.get(bytes('n')))).toBe('1');
  expect(() => reader.transaction(() => 1)).toThrow(failsWith('directory-unavailable'));
});

test('a snapshot stays as it was, over all tables, while others write', async () => {
  const store = openStore(freshPath());
  store.transaction(() => store.tables.names.put(bytes('n'), bytes('before')));
  const { tables, release } = store.snapshot();
  const rows = tables.names.range({});
  store.transaction(() => {
    store.tables.names.put(bytes('n'), bytes('after'));
    store.tables.records.put(bytes('r'), bytes('new'));
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(text(tables.names.get(bytes('n')))).toBe('before');
  expect(tables.records.get(bytes('r'))).toBe(undefined);
  expect([...rows].map(([, value]) => text(value))).toEqual(['before']);
  expect(text(store.tables.names.get(bytes('n')))).toBe('after');
  release();
});

test('its file is never shorter than its pages, though a transaction may use more than it keeps', async () => {
  const path = freshPath();
  const store = openStore(path);
  const { vaults } = store.tables;
  const key = (n: number) => bytes(`key-${n}`);
  for (let round = 0; round < 30; round++) {
    store.transaction(() => {
      for (let n = 0; n < 8; n++) vaults.put(key(n), new Uint8Array(60_000));
      for (let n = 1; n < 8; n++) vaults.remove(key(n));
    });
  }
  const header = readFileSync(join(path, 'data.mdb'));
  const pages = [header, header.subarray(4_096)].map((meta) => Number(meta!.readBigUInt64LE(144)) + 1);
  expect(header.length).toBeGreaterThan(Math.max(...pages) * 4_096);
  // The hole at its end takes no room on the disk.
  expect(store.bytes()).toBeLessThan(8 * MiB);
  await store.close();
});

test('a store that holds its maxBytes refuses more, keeps what it has, and takes more after something was removed', () => {
  const store = openStore(freshPath(), { maxBytes: 2 * MiB });
  const { vaults } = store.tables;
  const key = (n: number) => bytes(`key-${n}`);
  let stored = 0;
  const fill = () => {
    for (;;) {
      store.transaction(() => vaults.put(key(stored), new Uint8Array(60_000)));
      stored++;
    }
  };
  expect(fill).toThrow(failsWith('directory-full'));
  expect(stored).toBeGreaterThan(20);
  expect(vaults.count()).toBe(stored);
  expect(store.usedBytes()).toBeLessThanOrEqual(2 * MiB);
  store.transaction(() => vaults.remove(key(0)));
  store.transaction(() => vaults.remove(key(1)));
  store.transaction(() => vaults.put(key(0), new Uint8Array(60_000)));
  expect(vaults.has(key(0))).toBe(true);
});

test('a new version is stamped, and an older store is brought to it step by step', async () => {
  const path = freshPath();
  const store = openStore(path);
  expect(store.version).toBe(1);
  store.transaction(() => store.tables.names.put(bytes('n'), bytes('one')));
  await store.close();
  const append =
    (what: string): Migration =>
    ({ names }) => {
      names.put(bytes('n'), bytes(`${text(names.get(bytes('n')))} ${what}`));
    };
  const second = openStore(path, { migrations: [append('two')] });
  expect(second.version).toBe(2);
  await second.close();
  const fourth = openStore(path, { migrations: [append('two'), append('three'), append('four')] });
  expect(fourth.version).toBe(4);
  expect(text(fourth.tables.names.get(bytes('n')))).toBe('one two three four');
});

test('a migration that fails leaves the version and the rows that were', async () => {
  const path = freshPath();
  await openStore(path).close();
  const broken: Migration = ({ names }) => {
    names.put(bytes('n'), bytes('half'));
    throw new Error('as asked');
  };
  expect(() => openStore(path, { migrations: [broken] })).toThrow('as asked');
  const store = openStore(path);
  expect(store.version).toBe(1);
  expect(store.tables.names.count()).toBe(0);
});

test('a newer store is refused, and an older one when it is opened for reading only', async () => {
  const path = freshPath();
  const nothing: Migration = () => undefined;
  await openStore(path, { migrations: [nothing] }).close();
  expect(() => openStore(path)).toThrow(failsWith('directory-version'));
  expect(() => openStore(path, { readOnly: true })).toThrow(/has version 2, and this program knows up to 1/);
  expect(() => openStore(path, { readOnly: true, migrations: [nothing, nothing] })).toThrow(
    /has version 2 and must be brought to 3/,
  );
});

test('a disk that is full is an error of each write, and the store works again when there is room', () => {
  const path = freshPath();
  const script = fileURLToPath(new URL('./full-disk.mjs', import.meta.url));
  // A limit on the size of files is a full disk that needs no disk: 4 MiB, in blocks of 512 bytes.
  const run = spawnSync(
    'sh',
    ['-c', 'trap "" XFSZ; ulimit -f 8192; exec "$0" "$@"', process.execPath, script, path],
    { encoding: 'utf8', timeout: 50_000 },
  );
  expect(run.stderr.replaceAll(/Write error: [^\n]*?size \d+/g, '')).toBe('');
  const said = JSON.parse(run.stdout) as Record<string, unknown>;
  expect(said).toMatchObject({ codes: ['directory-full'], afterRemoval: 'stored', rowsAgree: true });
  expect(run.status).toBe(0);
  const store = LmdbStore.open(path, { durable: true, maxBytes: 64 * MiB, look: 'pages' });
  expect(store.tables.vaults.count()).toBe(said['rows']);
  return store.close();
});
