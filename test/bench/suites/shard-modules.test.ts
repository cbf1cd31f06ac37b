import { describe, expect, test } from 'vitest';
import { type DirectoryWorker, loadDirectoryWorker } from '../../../bench/suites/login.ts';
import { checkShape, loadShardModules, type ShardModules } from '../../../bench/suites/shard-modules.ts';
import * as directory from '../../../workers/directory.ts';
import { Ends } from '../../../workers/shard/ends.ts';
import { Outboxes } from '../../../workers/shard/outbox.ts';
import { LIVE, SessionTable } from '../../../workers/shard/session.ts';

/** These two do not compile once the workers' types no longer fit what the benchmarks wrote down of them. */
const SHARD: ShardModules<Ends> = { Ends, LIVE, Outboxes, SessionTable };
const DIRECTORY: DirectoryWorker = directory;

describe("the workers' code that benchmarks load by URL", () => {
  test('has the shape that they use', async () => {
    const modules = await loadShardModules();
    expect(Object.keys(SHARD).filter((name) => !(name in modules))).toEqual([]);
    expect(() => checkShape({ ...SHARD })).not.toThrow();
    expect((await loadDirectoryWorker()).verifyLogins.length).toBe(DIRECTORY.verifyLogins.length);
  });

  test.each([
    ['Outboxes.appendData', { Outboxes: class {} }],
    ['Ends.allocate', { Ends: undefined }],
    ['LIVE', { LIVE: undefined }],
  ])('is refused by name without %s', (missing, without) => {
    expect(() => checkShape({ ...SHARD, ...without })).toThrow(`no ${missing} any more`);
  });
});
