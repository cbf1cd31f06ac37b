import { readFile, stat } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadIdentity } from '../../core/identity/key-file.ts';
import { Sandbox } from './run-cli.ts';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await Sandbox.create();
});
afterAll(() => sandbox.remove());

it('writes a key file for its owner alone, and prints the id of the key', async () => {
  const file = sandbox.path('new.key');
  const run = sandbox.run(['keygen', '--out', file]);
  expect(await run.end()).toEqual({ code: 0, signal: null });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(run.text).toBe(`${(await loadIdentity(file)).id}\n`);
});

it('leaves a file that exists alone', async () => {
  const file = sandbox.path('kept.key');
  await sandbox.run(['keygen', '--out', file]).end();
  const before = await readFile(file, 'utf8');
  const again = sandbox.run(['keygen', '--out', file]);
  expect(await again.end()).toEqual({ code: 1, signal: null });
  expect(again.stderr).toContain(`${file} exists`);
  expect(await readFile(file, 'utf8')).toBe(before);
});

it('replaces it with --force, and prints JSON with --json', async () => {
  const file = sandbox.path('replaced.key');
  const first = sandbox.run(['keygen', '--out', file]);
  await first.end();
  const second = sandbox.run(['keygen', '--out', file, '--force', '--json']);
  expect(await second.end()).toEqual({ code: 0, signal: null });
  const { id } = await loadIdentity(file);
  expect(JSON.parse(second.text)).toEqual({ id, file });
  expect(first.text.trim()).not.toBe(id);
});
