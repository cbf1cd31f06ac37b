/** The directory of a real relay: its place, its life, and what becomes of it when it is closed or killed. */
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRelay, type Relay, type RelayOptions } from 'supernode';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LmdbStore } from '../../core/directory/lmdb-store.ts';
import { DEFAULT_MAX_BYTES } from '../../core/directory/place.ts';
import { readU64 } from '../../core/directory/rows.ts';
import { parseVault } from '../../core/directory/vault.ts';
import { STATE_ONLINE } from '../../core/protocol/directory-ops.ts';
import * as op from '../../core/protocol/ops.ts';
import type { RawPeer } from '../fixtures/raw-peer.ts';
import { dial, login, pair, startRelay } from '../fixtures/relay.ts';
import { until } from '../fixtures/until.ts';
import { ask, publish, recordOf, request, vaultOf } from './directory-requests.ts';

let folder: string;
let number = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'supernode-test-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A place that no other test has. */
const freshPath = (): string => join(folder, `store-${number++}`);

const lookup = (peer: RawPeer, name: string) => ask(peer, op.OP_LOOKUP, { name, record: true });

describe('a relay', () => {
  test('keeps its directory in memory unless it is told otherwise, and nothing after it has closed', async () => {
    const relay = await startRelay();
    expect(relay.directory).toEqual({ path: null, durable: false });
    expect(relay.stats().directory).toMatchObject({ path: null, kept: 'in memory' });
    const alice = await login(relay);
    expect(await publish(alice, { name: 'alice' })).toEqual({ op: op.OP_STORED, revision: 1 });
    await relay.close();
    const left = async (parent: string) =>
      (await readdir(parent)).filter((name) => name.startsWith(`supernode-memory-${process.pid}-`));
    expect(await left(tmpdir())).toEqual([]);
    if (process.platform === 'linux') expect(await left('/dev/shm')).toEqual([]);
  });

  test.each([1, 2])('with %i shards and a path has everything again after it was closed', async (shards) => {
    const directory = { path: freshPath() };
    const relay = await startRelay({ shards, directory });
    expect(relay.directory).toEqual({ path: directory.path, durable: true });
    const alice = await login(relay);
    const bob = await login(relay);
    const record = recordOf(alice, { name: 'alice', seq: 7 });
    expect(await ask(alice, op.OP_PUBLISH, { record })).toEqual({ op: op.OP_STORED, revision: 7 });
    const vault = vaultOf(alice, 1);
    expect(await ask(alice, op.OP_VAULT_PUT, { vault })).toEqual({ op: op.OP_STORED, revision: 1 });
    const letter = { to: alice.key.publicKey, id: new Uint8Array(16).fill(3), bytes: new Uint8Array([1, 2]) };
    expect(await ask(bob, op.OP_SEND, letter)).toEqual({ op: op.OP_RECEIPT, id: letter.id, state: 'stored' });
    await relay.close();

    const again = await startRelay({ shards, directory });
    const carol = await login(again);
    const found = await lookup(carol, 'alice');
    expect(found).toEqual({
      op: op.OP_FOUND,
      peer: alice.key.publicKey,
      state: 0,
      seenMs: expect.any(Number),
      record,
    });
    const back = await login(again, { key: alice.key });
    expect(await ask(back, op.OP_VAULT_GET, {})).toEqual({ op: op.OP_VAULT, revision: 1, vault });
    request(back, op.OP_INBOX, {});
    const mail = await back.next(op.OP_MAIL);
    expect(mail.body).toMatchObject({ from: bob.key.publicKey, id: letter.id, bytes: letter.bytes });
    expect(again.stats().faults).toBe(0);
  });

  test('notes when its peers were last here, also of those whom its end sends away', async () => {
    const directory = { path: freshPath() };
    const relay = await startRelay({ directory });
    const alice = await login(relay);
    await publish(alice, { name: 'alice' });
    const closedFrom = Date.now();
    await relay.close();
    const store = LmdbStore.open(directory.path, { durable: false, maxBytes: 2 ** 30, readOnly: true });
    const row = store.tables.seen.get(alice.key.publicKey)!;
    await store.close();
    expect(Number(new DataView(row.buffer, row.byteOffset).getBigUint64(0))).toBeGreaterThanOrEqual(
      closedFrom,
    );
  });

  test('without a directory says so, and forwards as ever', async () => {
    const relay = await startRelay({ directory: false });
    expect(relay.directory).toBeNull();
    expect(relay.stats().directory).toMatchObject({ path: null, kept: 'none' });
    const [alice, bob] = await pair(relay, 'one shard');
    expect(await lookup(alice, 'bob')).toMatchObject({ failed: 'no-directory', fatal: false });
    expect(await publish(alice, { name: 'alice' })).toMatchObject({ failed: 'no-directory' });
    await alice.open(bob);
    expect(relay.stats().faults).toBe(0);
  });

  test('that finds its directory in use says by whom, and leaves it and the port alone', async () => {
    const directory = { path: freshPath() };
    const relay = await startRelay({ directory });
    await expect(createRelay({ port: 0, directory })).rejects.toMatchObject({
      code: 'directory-in-use',
      message: expect.stringContaining(String(process.pid)),
    });
    const alice = await login(relay);
    expect(await publish(alice, { name: 'alice' })).toMatchObject({ op: op.OP_STORED });
  });

  test('that fails to start gives its directory back', async () => {
    const path = freshPath();
    const other = await startRelay();
    const options: RelayOptions = { port: 0, directory: { path }, admin: { port: other.port } };
    await expect(createRelay(options)).rejects.toMatchObject({ code: 'address-in-use' });
    const relay = await startRelay({ directory: { path } });
    expect(relay.directory).toEqual({ path, durable: true });
  });

  test('does not start on a file that is no directory', async () => {
    const file = new URL(import.meta.url).pathname;
    await expect(createRelay({ port: 0, directory: { path: file } })).rejects.toMatchObject({
      code: 'directory-unavailable',
      message: expect.stringContaining(file),
    });
    expect((await stat(file)).isFile()).toBe(true);
  });

  test('counts what it does', async () => {
    const relay = await startRelay();
    const [alice, bob] = await pair(relay, 'one shard');
    await publish(alice, { name: 'alice' });
    await lookup(bob, 'alice');
    await ask(bob, op.OP_LOOKUP, { peer: alice.key.publicKey });
    await lookup(bob, 'nobody-here');
    const { directory } = relay.stats();
    expect(directory).toMatchObject({ lookups: 3, pending: 0, refused: 1, refusedBusy: 0 });
    expect(directory.writes).toBe(1);
    expect(directory.asks).toBeGreaterThan(0);
    expect(directory.batches).toBeGreaterThan(1);
  });
});

describe('a peer that comes back with its ticket', () => {
  const asksOf = (relay: Relay): number => relay.stats().directory.asks;

  /** It is gone, and the directory has written when it was seen last: that must not look like a change of its policy. */
  async function away(relay: Relay, path: string, peer: RawPeer): Promise<void> {
    const { sessions } = relay.stats();
    const leftMs = Date.now();
    peer.terminate();
    await until('it has left', () => relay.stats().sessions === sessions - 1);
    await expect
      .poll(() => seenMs(path, peer.key.publicKey), { timeout: 15_000 })
      .toBeGreaterThanOrEqual(leftMs);
  }

  async function seenMs(path: string, peer: Uint8Array): Promise<number> {
    const store = LmdbStore.open(path, { durable: false, maxBytes: DEFAULT_MAX_BYTES, readOnly: true });
    const row = store.tables.seen.get(peer);
    await store.close();
    return row ? readU64(row) : 0;
  }

  async function back(relay: Relay, peer: RawPeer): Promise<RawPeer> {
    const again = await dial(relay, { key: peer.key });
    expect((await again.resume(peer.ready!)).resumed).toBe(true);
    return again;
  }

  test('costs the directory nothing while its policy is the same, and is found on the shard at once', async () => {
    const path = freshPath();
    const relay = await startRelay({ directory: { path } });
    const [alice, bob] = await pair(relay, 'one shard');
    await publish(alice, { name: 'alice' });
    await away(relay, path, alice);
    const { asks, writes } = relay.stats().directory;
    const again = await back(relay, alice);
    const { lookupsOnShard } = relay.stats().directory;
    expect(await ask(bob, op.OP_LOOKUP, { peer: alice.key.publicKey })).toMatchObject({
      state: STATE_ONLINE,
    });
    expect(relay.stats().directory).toMatchObject({ asks, writes, lookupsOnShard: lookupsOnShard + 1 });
    // And once more, with the ticket that came of a ticket.
    await away(relay, path, again);
    const before = asksOf(relay);
    await back(relay, again);
    expect(asksOf(relay)).toBe(before);
  });

  test('is asked about when its policy was changed since, and is hidden', async () => {
    const path = freshPath();
    const relay = await startRelay({ directory: { path } });
    const [alice, bob] = await pair(relay, 'one shard');
    await publish(alice, { name: 'alice' });
    expect(await ask(alice, op.OP_POLICY_SET, { visibility: 'nobody' })).not.toHaveProperty('failed');
    await away(relay, path, alice);
    const before = asksOf(relay);
    await back(relay, alice);
    await until('it was asked about', () => asksOf(relay) > before);
    expect(await ask(bob, op.OP_LOOKUP, { peer: alice.key.publicKey })).toMatchObject({
      failed: 'not-found',
    });
  });
});

describe('closing a relay', () => {
  test('in the middle of writes loses none that was acknowledged, and tells nobody nothing for ever', async () => {
    const directory = { path: freshPath() };
    const relay = await startRelay({ shards: 2, directory });
    const peers = await Promise.all(Array.from({ length: 20 }, () => login(relay)));
    for (const peer of peers) {
      for (let revision = 1; revision <= 40; revision++) {
        peer.control(op.OP_VAULT_PUT, revision, { vault: vaultOf(peer, revision, 1_000) });
      }
    }
    const acknowledged = (peer: RawPeer): number =>
      peer.controls.reduce(
        (most, frame) => (frame.op === op.OP_STORED ? Math.max(most, frame.body.revision) : most),
        0,
      );
    await until('some writes are acknowledged', () => peers.some((peer) => acknowledged(peer) > 0));
    await relay.close();
    const endings = await Promise.all(peers.map(({ ended }) => ended));
    expect(new Set(endings.map(({ error }) => error?.code))).toEqual(new Set(['drained']));
    const store = LmdbStore.open(directory.path, { durable: false, maxBytes: 2 ** 30, readOnly: true });
    for (const peer of peers) {
      const bytes = store.tables.vaults.get(peer.key.publicKey);
      expect(bytes ? parseVault(bytes).revision : 0).toBeGreaterThanOrEqual(acknowledged(peer));
    }
    await store.close();
  });

  test('again and again leaves the store whole', async () => {
    const directory = { path: freshPath() };
    for (let round = 1; round <= 5; round++) {
      const relay = await startRelay({ directory });
      const alice = await login(relay);
      expect(await publish(alice, { name: `round-${round}` })).toMatchObject({ op: op.OP_STORED });
      for (let known = 1; known <= round; known++) {
        expect(await lookup(alice, `round-${known}`)).toMatchObject({ op: op.OP_FOUND });
      }
      await relay.close();
    }
  });
});
