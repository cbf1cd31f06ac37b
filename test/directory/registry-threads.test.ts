import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { parseRecord } from '../../core/directory/record.ts';
import { createVersions } from '../../core/threads/versions.ts';
import { prng, runSeed } from '../fixtures/prng.ts';
import { freshPath, openStore } from './store-fixture.ts';

const WRITER = new URL('./registry-writer.mjs', import.meta.url);
const MiB = 1024 * 1024;

interface Outcome {
  acknowledged: { key: Uint8Array; seq: number; name: string | undefined }[];
  taken: number;
}

test('threads that claim the same names at the same time: one owner each, and what was acknowledged is there', async () => {
  const random = prng(runSeed());
  const path = freshPath();
  openStore(path);
  const names = ['ada', 'bob', 'cyd', 'dan'];
  const writers = [0, 1, 2].map((thread) => {
    const workerData = {
      path,
      maxBytes: 64 * MiB,
      versions: createVersions(),
      thread,
      names,
      rounds: 150,
      seed: random.below(0x7fff_ffff),
    };
    return once(new Worker(WRITER, { workerData }), 'message') as Promise<[Outcome]>;
  });
  const outcomes = (await Promise.all(writers)).map(([outcome]) => outcome);
  const { tables } = openStore(path);
  const owners = new Map<string, Uint8Array>();
  for (const { key, seq, name } of outcomes.flatMap(({ acknowledged }) => acknowledged)) {
    const record = tables.records.get(key);
    if (record === undefined) expect(seq).toBe(0);
    else expect(parseRecord(record)).toMatchObject({ seq, name });
    if (name === undefined) continue;
    expect(owners.has(name), `${name}, seed ${random.seed}`).toBe(false);
    owners.set(name, key);
  }
  const stored = new Map(
    [...tables.names.range({})].map(([name, key]) => [Buffer.from(name).toString(), key]),
  );
  expect(stored).toEqual(owners);
  expect(outcomes.some(({ taken }) => taken > 0)).toBe(true);
});
