import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { importDirectory } from '../../core/directory/import-file.ts';
import { LmdbStore } from '../../core/directory/lmdb-store.ts';
import { encodeRecord } from '../../core/directory/record.ts';
import { generateIdentity } from '../../core/identity/identity.ts';
import { type Exit, type Run, type RunOptions, Sandbox } from './run-cli.ts';

const PEERS = 30;
const MiB = 1024 * 1024;
let sandbox: Sandbox;
let data: string;

/** A data directory with records in it. */
beforeAll(async () => {
  sandbox = await Sandbox.create();
  data = sandbox.path('relay');
  const lines = Array.from({ length: PEERS }, (_, n) => {
    const record = encodeRecord(generateIdentity(), {
      seq: 1,
      expiresMs: Date.now() + 3_600_000,
      searchable: true,
      name: `somebody-${n}`,
      profile: new Uint8Array(0),
    });
    return JSON.stringify({ table: 'records', record: Buffer.from(record).toString('base64url') });
  });
  const header = JSON.stringify({
    supernode: 'directory',
    format: 1,
    exportedAt: '',
    rows: { records: PEERS },
  });
  const body = `${[header, ...lines].join('\n')}\n`;
  const { createHash } = await import('node:crypto');
  const sha256 = createHash('sha256').update(body).digest('hex');
  const end = JSON.stringify({ end: true, rows: PEERS, damaged: 0, sha256 });
  await importDirectory(join(data, 'directory'), [Buffer.from(`${body}${end}\n`)] as never);
});

afterAll(() => sandbox.remove());

async function cli(args: string[], options: RunOptions = {}): Promise<{ run: Run; exit: Exit }> {
  const run = sandbox.run(['directory', ...args], { stdin: 'ignore', ...options });
  return { run, exit: await run.end() };
}

async function fails(args: string[], code: number, says: RegExp, options: RunOptions = {}): Promise<void> {
  const { run, exit } = await cli(args, options);
  expect(run.stderr).toMatch(says);
  expect(run.stderr.trimEnd().split('\n')).toHaveLength(1);
  expect(exit).toEqual({ code, signal: null });
}

test('export to stdout, and import from stdin, give the same directory', async () => {
  const { run, exit } = await cli(['export', '--data', data]);
  expect(exit.code).toBe(0);
  expect(run.stderr).toBe('');
  expect(run.text.trimEnd().split('\n')).toHaveLength(PEERS + 2);
  const file = sandbox.path('piped.ndjson');
  writeFileSync(file, run.stdout);
  const copy = sandbox.path('copy');
  const imported = await cli(['import', '--data', copy, '--json'], { stdin: openSync(file, 'r') });
  expect(imported.run.stderr).toBe('');
  expect(JSON.parse(imported.run.text)).toEqual({ stored: PEERS, kept: 0, refused: 0, taken: 0 });
  const again = await cli(['export', '--data', copy]);
  const rows = (text: string) => text.split('\n').slice(1, -2);
  expect(rows(again.run.text)).toEqual(rows(run.text));
});

test('export --out writes a file of its owner’s, and import FILE reads it', async () => {
  const file = sandbox.path('backup.ndjson');
  writeFileSync(file, 'an older one');
  chmodSync(file, 0o644);
  const { run, exit } = await cli(['export', '--data', data, '--out', file]);
  expect([run.text, run.stderr, exit.code]).toEqual([
    expect.stringMatching(/^30 rows \(0\.\d MB\) in /),
    '',
    0,
  ]);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const copy = sandbox.path('restored');
  const imported = await cli(['import', '--data', copy, file]);
  expect([imported.run.text, imported.run.stderr]).toEqual([`${PEERS} rows stored, 0 there already\n`, '']);
  const again = await cli(['import', '--data', copy, file]);
  expect(again.run.text).toBe(`0 rows stored, ${PEERS} there already\n`);
});

test('a file that cannot be written leaves nothing behind', async () => {
  await fails(
    ['export', '--data', data, '--out', sandbox.path('no/such/file')],
    1,
    /Cannot write the export .*ENOENT/,
  );
  const there = readdirSync(sandbox.directory);
  await fails(
    ['export', '--data', sandbox.path('nothing'), '--out', sandbox.path('out')],
    1,
    /there is no store/,
  );
  expect(existsSync(sandbox.path('out'))).toBe(false);
  expect(readdirSync(sandbox.directory)).toEqual(there);
});

test('export --out goes through a link to the file that it names, and replaces no pipe and no device', async () => {
  const file = sandbox.path('linked');
  const link = sandbox.path('link');
  writeFileSync(file, 'before');
  symlinkSync(file, link);
  await cli(['export', '--data', data, '--out', link]);
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(readFileSync(file, 'utf8').trimEnd().split('\n')).toHaveLength(PEERS + 2);

  const pipe = sandbox.path('pipe');
  execFileSync('mkfifo', [pipe]);
  const [read] = await Promise.all([readFile(pipe, 'utf8'), cli(['export', '--data', data, '--out', pipe])]);
  expect(lstatSync(pipe).isFIFO()).toBe(true);
  expect(read.trimEnd().split('\n')).toHaveLength(PEERS + 2);

  await fails(
    ['export', '--data', data, '--out', sandbox.directory],
    1,
    /Cannot write the export .*it is a directory\.$/m,
  );
});

test('a file that was cut off is refused before anything is stored', async () => {
  const file = sandbox.path('whole.ndjson');
  await cli(['export', '--data', data, '--out', file]);
  const cut = sandbox.path('cut.ndjson');
  writeFileSync(cut, readFileSync(file).subarray(0, -200));
  await fails(['import', '--data', sandbox.path('untouched'), cut], 1, /cut off/);
  expect(existsSync(sandbox.path('untouched'))).toBe(false);
  await fails(
    ['import', '--data', sandbox.path('untouched'), sandbox.path('no-file')],
    1,
    /Cannot read the export .*ENOENT/,
  );
});

test('an import that was killed is run again, and then everything is there', async () => {
  const file = sandbox.path('to-kill.ndjson');
  await cli(['export', '--data', data, '--out', file]);
  const copy = sandbox.path('killed');
  const whole = readFileSync(file);
  const run = sandbox.run(['directory', 'import', '--data', copy], { stdin: 'pipe' });
  run.child.stdin!.write(whole.subarray(0, whole.length >> 1));
  await run.until(() => existsSync(join(copy, 'directory', 'data.mdb')));
  run.child.kill('SIGKILL');
  await run.end();
  const again = await cli(['import', '--data', copy, file, '--json']);
  const { stored, kept } = JSON.parse(again.run.text) as { stored: number; kept: number };
  expect(stored + kept).toBe(PEERS);
  expect((await cli(['check', '--data', copy])).exit.code).toBe(0);
});

test('check is content with what is whole, and exits 1 with its findings', async () => {
  const good = await cli(['check', '--data', data]);
  expect(good.run.stderr).toBe('');
  // Records, names, searchable and expiries.
  expect([good.run.text, good.exit.code]).toEqual([`${4 * PEERS} rows read, 0 findings\n`, 0]);

  const broken = sandbox.path('broken');
  mkdirSync(broken);
  const store = LmdbStore.open(join(broken, 'directory'), { durable: true, maxBytes: MiB });
  store.transaction(() => {
    for (let n = 0; n < 3; n++) store.tables.names.put(Buffer.from(`name-${n}`), new Uint8Array(32));
  });
  await store.close();
  const bad = await cli(['check', '--data', broken, '--most', '2']);
  expect(bad.exit.code).toBe(1);
  expect(bad.run.text).toBe(
    'names 6e616d652d30: its owner has no record\nnames 6e616d652d31: its owner has no record\n' +
      'and 1 more finding\n3 rows read, 3 findings\n',
  );
  const json = await cli(['check', '--data', broken, '--json']);
  expect(JSON.parse(json.run.text)).toMatchObject({ found: 3, rows: 3 });
});

test('a data file that was cut off is a finding', async () => {
  const cut = sandbox.path('cut-store');
  const copy = join(cut, 'directory');
  mkdirSync(copy, { recursive: true });
  const whole = readFileSync(join(data, 'directory', 'data.mdb'));
  writeFileSync(join(copy, 'data.mdb'), whole.subarray(0, 20_000));
  const { run, exit } = await cli(['check', '--data', cut]);
  expect(exit.code).toBe(1);
  expect(run.text).toMatch(/is damaged: in data.mdb page \d+ is in use, and the file has 4/);
  await fails(['export', '--data', cut], 1, /is damaged/);
});

test('stats say what is there', async () => {
  const { run, exit } = await cli(['stats', '--data', data]);
  expect(exit.code).toBe(0);
  expect(run.text).toMatch(/relay\/directory, version 1\nnot in use\n/);
  expect(run.text).toMatch(/records\s+│?\s*30/);
  const json = await cli(['stats', '--data', data, '--json']);
  expect(JSON.parse(json.run.text)).toMatchObject({
    version: 1,
    pid: null,
    rows: { records: PEERS, names: PEERS },
  });
});

test('beside a relay all but import work', async () => {
  const shared = sandbox.path('shared');
  const relay = await sandbox.relay(['--data', shared, '--admin-port', '0']);
  const { run, exit } = await cli(['stats', '--data', shared, '--json']);
  expect([exit.code, run.stderr]).toEqual([0, '']);
  expect(JSON.parse(run.text)).toMatchObject({ pid: relay.pid });
  expect((await cli(['check', '--data', shared])).exit.code).toBe(0);
  const file = sandbox.path('beside.ndjson');
  expect((await cli(['export', '--data', shared, '--out', file])).exit.code).toBe(0);
  await fails(['import', '--data', shared, file], 1, new RegExp(`in use by process ${relay.pid}`));
  relay.run.child.kill('SIGTERM');
  await relay.run.end();
  expect((await cli(['import', '--data', shared, file])).exit.code).toBe(0);
});

test('without --data it is the directory of the relay on the default port', async () => {
  await fails(['stats'], 1, /share\/supernode\/relay-7420\/directory .*there is no store/);
});

test('what is not allowed is said in one sentence', async () => {
  await fails(['check', '--most', '0'], 2, /--most must be a whole number/);
  await fails(['import', 'a', 'b'], 2, /one FILE, not 2/);
  await fails(['stats', 'extra'], 2, /one too many/);
  await fails(['export', '--to', 'x'], 2, /no flag --to/);
});

test.each(['export', 'import', 'check', 'stats'])(
  '%s --help shows flags, examples and exit codes',
  async (command) => {
    const { run, exit } = await cli([command, '--help']);
    expect(exit.code).toBe(0);
    for (const part of ['--data', '--json', 'EXAMPLES', 'EXIT CODES', `supernode directory ${command}`]) {
      expect(run.text).toContain(part);
    }
  },
);
