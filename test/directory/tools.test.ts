/** Export, import and stats, on a directory that the relay's own code has filled. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { checkDirectory } from '../../core/directory/check.ts';
import { exportDirectory } from '../../core/directory/export-file.ts';
import { type ImportSummary, importDirectory, verifyExport } from '../../core/directory/import-file.ts';
import type { LmdbStore } from '../../core/directory/lmdb-store.ts';
import { lockStore } from '../../core/directory/lock.ts';
import { encodeRecord } from '../../core/directory/record.ts';
import { statsDirectory } from '../../core/directory/stats.ts';
import { TABLES, type TableName } from '../../core/directory/store.ts';
import { sealVault } from '../../core/directory/vault.ts';
import { bytes, freshPath, openStore } from './store-fixture.ts';
import { BOXES, filled, LIFE_MS, PEERS } from './tools-world.ts';
import { identity, START_MS, World } from './world.ts';

async function exported(path: string): Promise<string> {
  let text = '';
  await exportDirectory(path, async (lines) => {
    text += lines;
  });
  return text;
}

async function* pieces(text: string, bytesAtOnce = 1_000): AsyncGenerator<Uint8Array> {
  const all = Buffer.from(text);
  for (let at = 0; at < all.length; at += bytesAtOnce) yield all.subarray(at, at + bytesAtOnce);
}

function imported(path: string, text: string): Promise<ImportSummary> {
  return importDirectory(path, pieces(text));
}

type Rows = Record<TableName, [key: string, value: string][]>;

function rowsOf(store: Pick<LmdbStore, 'tables'>): Rows {
  const hex = (content: Uint8Array) => Buffer.from(content).toString('hex');
  const rows = {} as Rows;
  for (const name of TABLES) rows[name] = [...store.tables[name].range({})].map(([k, v]) => [hex(k), hex(v)]);
  return rows;
}

async function rowsAt(path: string): Promise<Rows> {
  const store = openStore(path, { readOnly: true });
  try {
    return rowsOf(store);
  } finally {
    await store.close();
  }
}

/** With the last line made anew for the changed ones. */
function withTrailer(lines: string[]): string {
  const body = lines.map((line) => `${line}\n`).join('');
  const sha256 = createHash('sha256').update(body).digest('hex');
  return `${body}${JSON.stringify({ end: true, rows: lines.length - 1, damaged: 0, sha256 })}\n`;
}

const clean = { findings: [], found: 0 };
const io = (says: RegExp) => expect.objectContaining({ code: 'io', message: expect.stringMatching(says) });

test('an export that is imported gives the same rows in every table', async () => {
  const world = filled();
  const text = await exported(world.path);
  const path = freshPath();
  const rows = text.trimEnd().split('\n').length - 2;
  // A mailbox is there already when its mail has come.
  expect(await imported(path, text)).toEqual({ stored: rows - BOXES, kept: BOXES, refused: 0, taken: 0 });
  expect(await rowsAt(path)).toEqual(await rowsAt(world.path));
  expect(await checkDirectory(path)).toMatchObject(clean);
  const again = (await exported(path)).split('\n').slice(1);
  expect(again.slice(0, -2)).toEqual(text.split('\n').slice(1, -2));
});

test('an export begins with its counts, and shows what people look for', async () => {
  const lines = (await exported(filled().path)).trimEnd().split('\n');
  const [header, first] = lines.slice(0, 2).map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(header).toMatchObject({
    supernode: 'directory',
    format: 1,
    rows: { records: PEERS, vaults: PEERS },
  });
  expect(first).toMatchObject({ table: 'records', id: expect.stringMatching(/^[a-z2-7]{52}$/) });
  expect(lines.some((line) => line.includes('"name":"peer-3"'))).toBe(true);
  expect(JSON.parse(lines.at(-1)!)).toMatchObject({ end: true, rows: lines.length - 2, damaged: 0 });
});

test('an import that is run again changes nothing', async () => {
  const text = await exported(filled().path);
  const path = freshPath();
  const { stored } = await imported(path, text);
  const rows = await rowsAt(path);
  expect(await imported(path, text)).toEqual({ stored: 0, kept: stored + BOXES, refused: 0, taken: 0 });
  expect(await rowsAt(path)).toEqual(rows);
});

test('an import that was broken off anywhere, and is run again, ends as one that was not', async () => {
  const world = filled();
  const text = await exported(world.path);
  const whole = await rowsAt(world.path);
  for (const part of [0.02, 0.3, 0.55, 0.8, 0.97]) {
    const path = freshPath();
    await expect(imported(path, text.slice(0, text.length * part))).rejects.toThrow(io(/cut off/));
    expect(await checkDirectory(path)).toMatchObject(clean);
    await imported(path, text);
    expect(await rowsAt(path)).toEqual(whole);
  }
});

test('a cut, a changed and a foreign file are noticed', async () => {
  const text = await exported(filled().path);
  const lines = text.trimEnd().split('\n');
  const cases: [file: string, says: RegExp][] = [
    [text.slice(0, -2), /cut off/],
    [`${lines.slice(0, -1).join('\n')}\n`, /cut off after \d+ rows/],
    [[lines[0], ...lines.slice(2), ''].join('\n'), /rows, and its end says/],
    [text.replace('"seq":1,', '"seq":2,'), /its digest is another/],
    [`${text}${lines[1]}\n`, /comes after its end/],
    [`{"a":1}\n${text}`, /first line/],
    [text.replace('"format":1', '"format":2'), /has format 2/],
    [`${lines[0]}\n{"table":"names","id":"x"}\n`, /line 2 is not a row/],
    [`${lines[0]}\nnot json\n`, /line 2 is not a row/],
    [`${lines[0]}\n${'x'.repeat(300_000)}`, /line of more than/],
    ['', /cut off/],
  ];
  for (const [file, says] of cases) {
    await expect(verifyExport(pieces(file)), String(says)).rejects.toThrow(io(says));
    await expect(imported(freshPath(), file), String(says)).rejects.toThrow(io(says));
  }
  await verifyExport(pieces(text, 7));
});

test('a record or a vault that does not verify is refused, and the others are stored', async () => {
  const lines = (await exported(filled().path)).trimEnd().split('\n').slice(0, -1);
  const spoil = (line: string): string => {
    const row = JSON.parse(line) as { record?: string; vault?: string };
    const content = Buffer.from((row.record ?? row.vault)!, 'base64url');
    content[content.length - 1]! ^= 1;
    const field = row.record === undefined ? 'vault' : 'record';
    return JSON.stringify({ ...row, [field]: content.toString('base64url') });
  };
  const firstVault = lines.findIndex((line) => line.includes('"table":"vaults"'));
  lines[3] = spoil(lines[3]!);
  lines[firstVault] = spoil(lines[firstVault]!);
  const path = freshPath();
  expect(await imported(path, withTrailer(lines))).toMatchObject({ refused: 2, taken: 0 });
  expect(await checkDirectory(path)).toMatchObject(clean);
  expect((await rowsAt(path)).records).toHaveLength(PEERS - 1);
});

test('what the directory has and is newer stays', async () => {
  const world = filled();
  const text = await exported(world.path);
  const owner = identity(0);
  const newer = encodeRecord(owner, {
    seq: 50,
    expiresMs: START_MS + LIFE_MS,
    searchable: true,
    name: 'another-name',
    profile: bytes(''),
  });
  world.write({ t: 'publish', peer: owner.publicKey, record: newer, former: null });
  world.write({ t: 'vault-put', peer: owner.publicKey, vault: sealVault(owner, 2, bytes('newer')) });
  world.write({ t: 'mail-ack', peer: identity(5).publicKey, seq: 4 });
  const before = await rowsAt(world.path);
  await world.store.close();
  expect(await imported(world.path, text)).toMatchObject({ stored: 0, refused: 0, taken: 0 });
  expect(await rowsAt(world.path)).toEqual(before);
});

test('a name that has moved on goes to whom it moved, in whatever order the records come', async () => {
  const [old, heir] = [identity(0), identity(1)];
  const fields = { expiresMs: START_MS + LIFE_MS, searchable: true, profile: bytes('') };
  const moved = {
    heir: encodeRecord(heir, { ...fields, seq: 1, name: 'moved' }),
    former: encodeRecord(old, { ...fields, seq: 2, searchable: false, heir: heir.publicKey }),
  };
  const header = JSON.stringify({ supernode: 'directory', format: 1, exportedAt: '', rows: { records: 2 } });
  const line = (record: Uint8Array) =>
    JSON.stringify({ table: 'records', record: Buffer.from(record).toString('base64url') });
  for (const order of [
    [moved.heir, moved.former],
    [moved.former, moved.heir],
  ]) {
    const world = new World();
    const first = encodeRecord(old, { ...fields, seq: 1, name: 'moved' });
    world.write({ t: 'publish', peer: old.publicKey, record: first, former: null });
    await world.store.close();
    const file = withTrailer([header, ...order.map(line)]);
    expect(await imported(world.path, file)).toEqual({ stored: 2, kept: 0, refused: 0, taken: 0 });
    const { names } = await rowsAt(world.path);
    expect(names).toEqual([
      [Buffer.from('moved').toString('hex'), Buffer.from(heir.publicKey).toString('hex')],
    ]);
    expect(await checkDirectory(world.path)).toMatchObject(clean);
  }
});

test('a name that another has for good is left out', async () => {
  const text = await exported(filled().path);
  const world = new World();
  const other = identity(99);
  const record = encodeRecord(other, {
    seq: 1,
    expiresMs: START_MS + LIFE_MS,
    searchable: false,
    name: 'peer-0',
    profile: bytes(''),
  });
  world.write({ t: 'publish', peer: other.publicKey, record, former: null });
  await world.store.close();
  expect(await imported(world.path, text)).toMatchObject({ taken: 1, refused: 0 });
  expect(await checkDirectory(world.path)).toMatchObject(clean);
});

test('an import is refused while a relay has the directory, and export, check and stats are not', async () => {
  const world = filled();
  const text = await exported(world.path);
  const lock = lockStore(world.path);
  await expect(imported(world.path, text)).rejects.toThrow(
    expect.objectContaining({ code: 'directory-in-use' }),
  );
  expect(await exported(world.path)).not.toBe('');
  expect((await checkDirectory(world.path)).found).toBe(0);
  expect((await statsDirectory(world.path)).pid).toBe(process.pid);
  lock.release();
  expect((await statsDirectory(world.path)).pid).toBe(null);
});

test('an export is of one moment, whatever is written meanwhile', async () => {
  const world = filled();
  let written = 0;
  let text = '';
  await exportDirectory(world.path, async (lines) => {
    text += lines;
    const peer = identity(200 + written++);
    const expiresMs = START_MS + LIFE_MS;
    const record = encodeRecord(peer, { seq: 1, expiresMs, searchable: false, profile: bytes('') });
    world.write({ t: 'publish', peer: peer.publicKey, record, former: null });
  });
  expect(written).toBeGreaterThan(1);
  expect(text.split('\n').filter((line) => line.includes('"table":"records"'))).toHaveLength(PEERS);
});

test('rows that are damaged are left out of an export, and counted', async () => {
  const world = filled();
  world.store.transaction(() => world.store.tables.vaults.put(identity(1).publicKey, bytes('no vault')));
  let text = '';
  const summary = await exportDirectory(world.path, async (lines) => {
    text += lines;
  });
  expect(summary.damaged).toBe(1);
  expect(JSON.parse(text.trimEnd().split('\n').at(-1)!)).toMatchObject({ damaged: 1, rows: summary.rows });
  expect(await imported(freshPath(), text)).toMatchObject({ stored: summary.rows - BOXES, refused: 0 });
});

test('tools say when there is no directory', async () => {
  const none = expect.objectContaining({
    code: 'directory-unavailable',
    message: expect.stringMatching(/no store/),
  });
  await expect(checkDirectory(freshPath())).rejects.toThrow(none);
  await expect(statsDirectory(freshPath())).rejects.toThrow(none);
  await expect(exported(freshPath())).rejects.toThrow(none);
});

test('stats count rows and bytes, and say what ends first', async () => {
  const world = filled();
  const stats = await statsDirectory(world.path);
  expect(stats).toMatchObject({
    path: world.path,
    version: 1,
    rows: { records: PEERS, names: 8, vaults: PEERS, policies: 1, lists: 5 },
    nextRecordExpiryMs: START_MS + LIFE_MS,
  });
  expect(stats.nextMailExpiryMs).toBeGreaterThan(START_MS);
  expect(stats.usedBytes).toBeGreaterThan(12 * 4_096);
  expect(stats.fileBytes).toBeGreaterThanOrEqual(stats.usedBytes);
  expect(stats.tableBytes.records).toBeGreaterThan(0);
});
