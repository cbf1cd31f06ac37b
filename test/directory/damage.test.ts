/** A store whose files were damaged: a clear error, or an answer; never the end of the process. */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { checkDataFile } from '../../core/directory/data-file.ts';
import { openPlace } from '../../core/directory/place.ts';
import { prng } from '../fixtures/prng.ts';
import { bytes, freshPath, openStore } from './store-fixture.ts';

const PAGE_BYTES = 4_096;
const corrupt = (says: RegExp) =>
  expect.objectContaining({ code: 'directory-corrupt', message: expect.stringMatching(says) });

/** Three levels of pages, and values with pages of their own. */
async function madeStore(): Promise<{ path: string; file: string; size: number }> {
  const path = freshPath();
  const store = openStore(path);
  store.transaction(() => {
    for (let n = 0; n < 3_000; n++) store.tables.records.put(bytes(`key-${n}`), randomBytes(300));
    for (let n = 0; n < 20; n++) store.tables.vaults.put(bytes(`key-${n}`), randomBytes(40_000));
  });
  await store.close();
  const file = join(path, 'data.mdb');
  // The file ends with a hole, which no damage can hurt.
  const size = lastByte(readFileSync(file));
  truncateSync(file, size);
  return { path, file, size };
}

/** The end of the last page, by the meta page that counts: see core/directory/data-file.ts. */
function lastByte(content: Buffer): number {
  const [first, second] = [content, content.subarray(PAGE_BYTES)];
  const isFirst = first.readBigUInt64LE(152) > second!.readBigUInt64LE(152);
  return (Number((isFirst ? first : second)!.readBigUInt64LE(144)) + 1) * PAGE_BYTES;
}

function overwrite(file: string, at: number, content: Uint8Array): void {
  const descriptor = openSync(file, 'r+');
  writeSync(descriptor, content, 0, content.length, at);
  closeSync(descriptor);
}

test('a file that was cut off anywhere is found before it is mapped', async () => {
  const { path, file, size } = await madeStore();
  const whole = openStore(path, { look: 'pages' });
  expect(whole.tables.records.count()).toBe(3_000);
  await whole.close();
  for (const left of [size - PAGE_BYTES, size - 1, size >> 1, 3 * PAGE_BYTES, 2 * PAGE_BYTES, 100, 30, 1]) {
    truncateSync(file, left);
    expect(() => openStore(path), `${left} of ${size}`).toThrow(corrupt(/supernode directory check/));
    await expect(openPlace({ path }, 0)).rejects.toThrow(corrupt(/restore it/));
  }
});

test('garbage in place of a header is found', async () => {
  const { path, file } = await madeStore();
  const whole = readFileSync(file);
  for (const at of [0, PAGE_BYTES]) {
    writeFileSync(file, whole);
    overwrite(file, at, randomBytes(512));
    expect(() => openStore(path)).toThrow(corrupt(/does not begin as a store does/));
  }
  writeFileSync(file, 'this is no store'.repeat(1_000));
  expect(() => openStore(path)).toThrow(corrupt(/does not begin as a store does/));
});

test('a flipped bit in a value is found when it is read, and the other values are not touched', async () => {
  const path = freshPath();
  const store = openStore(path);
  const marked = bytes('a value that can be found in the file');
  store.transaction(() => {
    store.tables.records.put(bytes('bad'), marked);
    store.tables.records.put(bytes('good'), bytes('another'));
  });
  await store.close();
  const file = join(path, 'data.mdb');
  overwrite(file, readFileSync(file).indexOf(marked) + 5, bytes('X'));
  const { records } = openStore(path).tables;
  expect(() => records.get(bytes('bad'))).toThrow(corrupt(/has changed/));
  expect(() => [...records.range({})]).toThrow(corrupt(/table records/));
  expect(records.get(bytes('good'))).toStrictEqual(bytes('another'));
});

test('a page that lost its place in the tree is found by the look at all pages', async () => {
  const { path, file, size } = await madeStore();
  const whole = readFileSync(file);
  const random = prng(7);
  let found = 0;
  for (let round = 0; round < 200; round++) {
    writeFileSync(file, whole);
    overwrite(file, PAGE_BYTES * (2 + random.below(size / PAGE_BYTES - 2)), new Uint8Array(24));
    try {
      checkDataFile(file, 'pages');
    } catch (error) {
      expect(error).toEqual(corrupt(/page \d+ is not what it should be/));
      found++;
    }
  }
  // The others hit pages that are free, or in the middle of a large value.
  expect(found).toBeGreaterThan(40);
  writeFileSync(file, whole);
  expect(checkDataFile(file, 'pages')).toBe(true);
  expect(openStore(path, { look: 'pages' }).tables.records.count()).toBe(3_000);
});

test('random damage never ends the process of a check', async () => {
  const { path, file, size } = await madeStore();
  const script = fileURLToPath(new URL('./damaged-store.mjs', import.meta.url));
  const run = spawnSync(process.execPath, [script, path, file, String(size)], {
    encoding: 'utf8',
    timeout: 55_000,
  });
  expect(run.signal).toBe(null);
  expect(run.stderr).toBe('');
  const { rounds, damaged } = JSON.parse(run.stdout) as { rounds: number; damaged: number };
  expect(damaged).toBeGreaterThan(rounds / 2);
});

test('a lock file of LMDB that is missing is made anew', async () => {
  const { path } = await madeStore();
  rmSync(join(path, 'lock.mdb'));
  expect(openStore(path).tables.records.count()).toBe(3_000);
});

test('a directory in place of the data file is said to be none', () => {
  const path = freshPath();
  mkdirSync(join(path, 'data.mdb'), { recursive: true });
  expect(() => openStore(path)).toThrow(
    expect.objectContaining({
      code: 'directory-unavailable',
      message: expect.stringMatching(/is not a file/),
    }),
  );
});
