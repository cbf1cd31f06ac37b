import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { memoryParent } from '../../core/directory/memory-place.ts';
import { type DirectoryPlace, defaultDataDirectory, openPlace } from '../../core/directory/place.ts';
import { bytes, freshPath, openStore } from './store-fixture.ts';

const places: DirectoryPlace[] = [];
const failsWith = (code: string, message: string | RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

async function open(...args: Parameters<typeof openPlace>): Promise<DirectoryPlace> {
  const place = await openPlace(...args);
  places.push(place);
  return place;
}

beforeEach(() => {
  vi.stubEnv('XDG_DATA_HOME', freshPath());
});

afterEach(async () => {
  for (const place of places.splice(0)) await place.release();
  vi.unstubAllEnvs();
});

test('a place is made with all directories on the way, closed to others, and its store is there', async () => {
  const path = join(freshPath(), 'a', 'b');
  const place = await open({ path }, 7420);
  expect(place).toMatchObject({ path, durable: true });
  expect(statSync(path).mode & 0o777).toBe(0o700);
  for (const name of readdirSync(path)) expect(statSync(join(path, name)).mode & 0o777).toBe(0o600);
  expect(openStore(path, { readOnly: true }).version).toBe(1);
});

test('a place is had once, and what is in it stays', async () => {
  const path = freshPath();
  const first = await open({ path }, 7420);
  const store = openStore(path);
  store.transaction(() => store.tables.names.put(bytes('n'), bytes('x')));
  await store.close();
  await expect(openPlace({ path }, 7420)).rejects.toThrow(
    failsWith('directory-in-use', `process ${process.pid}`),
  );
  await first.release();
  await open({ path }, 7420);
  expect(openStore(path).tables.names.count()).toBe(1);
});

test.runIf(process.platform === 'linux')(
  'without a path it is in the data directory of the user, under its port',
  async () => {
    const place = await open({}, 7500);
    const data = process.env['XDG_DATA_HOME']!;
    expect(place.path).toBe(join(data, 'supernode', 'relay-7500', 'directory'));
    expect(defaultDataDirectory(7500)).toBe(join(data, 'supernode', 'relay-7500'));
  },
);

test('a relay on any port needs a path', async () => {
  await expect(openPlace({}, 0)).rejects.toThrow(failsWith('bad-option', 'needs a path when the port is 0'));
});

test('a directory that was left open to others is closed to them', async () => {
  const path = freshPath();
  mkdirSync(path, { mode: 0o755 });
  chmodSync(path, 0o755);
  await open({ path }, 7420);
  expect(statSync(path).mode & 0o777).toBe(0o700);
});

test('a path that cannot be a place says why', async () => {
  const parent = dirname(freshPath());
  const file = join(parent, 'file');
  writeFileSync(file, '');
  const full = join(parent, 'documents');
  mkdirSync(full);
  writeFileSync(join(full, 'letter.txt'), '');
  symlinkSync(join(parent, 'nowhere'), join(parent, 'link'));
  const cases: [path: string, says: RegExp][] = [
    [file, /is a file and not a directory/],
    [join(file, 'below'), /is a file and not a directory/],
    [full, /other files, such as letter.txt; name an empty directory/],
    [join(parent, 'link'), /cannot be used/],
  ];
  if (process.platform === 'linux') cases.push(['/proc/supernode', /ENOENT|EACCES|EPERM/]);
  for (const [path, says] of cases) {
    await expect(openPlace({ path }, 7420), path).rejects.toThrow(failsWith('directory-unavailable', says));
  }
  expect(readdirSync(full)).toEqual(['letter.txt']);
});

test('a directory that may not be written to is refused', async () => {
  // Root may write wherever the file system lets it: /proc lets nobody.
  const isRoot = process.getuid?.() === 0;
  const path = isRoot ? '/proc/self/fdinfo' : freshPath();
  if (!isRoot) mkdirSync(path, { mode: 0o500 });
  await expect(openPlace({ path }, 7420)).rejects.toThrow(failsWith('directory-unavailable', /cannot be/));
});

test('a place in memory is not durable, and goes with its release', async () => {
  const place = await open(':memory:', 0);
  expect(place.durable).toBe(false);
  expect(dirname(place.path)).toBe(memoryParent());
  expect(place.path).toContain(`supernode-memory-${process.pid}-`);
  expect(statSync(place.path).mode & 0o777).toBe(0o700);
  expect((await open(':memory:', 0)).path).not.toBe(place.path);
  await place.release();
  expect(existsSync(place.path)).toBe(false);
});

test('what a process that has gone left in memory is removed at the next start, and nothing else', async () => {
  // No process has this number: Linux has at most 2^22 of them.
  const left = mkdtempSync(join(memoryParent(), 'supernode-memory-4194999-abcd.1-'));
  writeFileSync(join(left, 'data.mdb'), 'x');
  const living = mkdtempSync(join(memoryParent(), `supernode-memory-${process.ppid}--`));
  const place = await open(':memory:', 0);
  expect(existsSync(left)).toBe(false);
  expect(existsSync(living)).toBe(true);
  expect(existsSync(place.path)).toBe(true);

  rmSync(living, { recursive: true });
});
