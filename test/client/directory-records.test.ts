import { describe, expect, it } from 'vitest';
import { generateIdentity, identityFromSeed } from '../../core/client/node.ts';
import { encodeRecord } from '../../core/directory/record.ts';
import { STATE_ONLINE } from '../../core/protocol/directory-ops.ts';
import * as op from '../../core/protocol/ops.ts';
import { startWorld } from './directory-peers.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const content = {
  seq: 5,
  expiresMs: Date.now() + 3_600_000,
  searchable: false,
  profile: new Uint8Array(0),
};

describe('publish', () => {
  it('makes a record that another peer finds by name and by id, verified', async () => {
    const { join } = await startWorld();
    const [alice, bob] = await Promise.all([join(), join()]);
    const mine = await alice.publish({ name: 'Alice', profile: { city: 'Bern' }, searchable: true });
    expect(mine).toMatchObject({
      id: alice.id,
      name: 'alice',
      profile: { city: 'Bern' },
      searchable: true,
      seq: 1,
    });
    const found = await bob.lookup('ALICE');
    expect(found).toEqual({ id: alice.id, state: 'online', record: mine });
    expect(await bob.lookup(alice.id)).toEqual(found);
    expect(await bob.lookup(alice.id, { record: false })).toEqual({ id: alice.id, state: 'online' });
  });

  it('keeps what is left out, and releases the name for null', async () => {
    const { directory, join } = await startWorld();
    const alice = await join();
    await alice.publish({ name: 'alice', profile: { n: 1 }, searchable: true });
    expect(await alice.publish({})).toMatchObject({
      name: 'alice',
      profile: { n: 1 },
      searchable: true,
      seq: 2,
    });
    const nameless = await alice.publish({ name: null, profile: {} });
    expect(nameless).toMatchObject({ profile: {}, seq: 3 });
    expect('name' in nameless).toBe(false);
    expect(directory.names.size).toBe(0);
  });

  it('lasts 30 days unless it is told otherwise', async () => {
    const { join } = await startWorld();
    const alice = await join();
    const days = (ms: number): number => Math.round((ms - Date.now()) / 86_400_000);
    expect(days((await alice.publish({})).expires.getTime())).toBe(30);
    expect(days((await alice.publish({ lifeMs: 86_400_000 })).expires.getTime())).toBe(1);
  });

  it('goes on top of what another device has published in between', async () => {
    const { directory, join } = await startWorld();
    const identity = generateIdentity();
    const alice = await join({ identity });
    await alice.publish({ name: 'alice' });
    let meddled = false;
    directory.meddle = (frame) => {
      if (frame.op === op.OP_PUBLISH && !meddled) {
        meddled = true;
        directory.records.set(alice.id, encodeRecord(identity, { ...content, name: 'alice' }));
      }
      return undefined;
    };
    expect((await alice.publish({ profile: { a: 1 } })).seq).toBe(6);
  });

  it('gives up after a few records that were stale', async () => {
    const { directory, join } = await startWorld();
    const alice = await join();
    directory.meddle = (frame) => (frame.op === op.OP_PUBLISH ? 'stale-record' : undefined);
    await expect(alice.publish({})).rejects.toMatchObject({ name: 'RelayError', code: 'stale-record' });
    expect(directory.requests.filter((frame) => frame.op === op.OP_PUBLISH)).toHaveLength(4);
  });

  it('reports that a name is taken', async () => {
    const { join } = await startWorld();
    const [alice, bob] = await Promise.all([join(), join()]);
    await alice.publish({ name: 'alice' });
    await expect(bob.publish({ name: 'alice' })).rejects.toMatchObject({ code: 'name-taken' });
  });

  it.each([
    ['a name that is no text', { name: 7 }, 'bad-option'],
    ['a name with dots', { name: 'a.b.c' }, 'bad-name'],
    ['a name in two scripts', { name: 'аррle' }, 'bad-name'],
    ['a short name', { name: 'no' }, 'bad-name'],
    ['a profile that is no object', { profile: [] }, 'bad-option'],
    ['a large profile', { profile: { text: 'x'.repeat(1024) } }, 'bad-option'],
    ['a profile that is no JSON', { profile: { n: 1n } }, 'bad-option'],
    ['searchable that is no boolean', { searchable: 1 }, 'bad-option'],
    ['a life of nothing', { lifeMs: 0 }, 'bad-option'],
    ['a life of more than a year', { lifeMs: 367 * 86_400_000 }, 'bad-option'],
    ['a transfer that is none', { transfer: 'x', name: 'alice' }, 'bad-option'],
    ['no object', null, 'bad-option'],
  ])('refuses %s, and asks nobody', async (_what, options, code) => {
    const { directory, join } = await startWorld();
    const alice = await join();
    await expect(alice.publish(options as never)).rejects.toMatchObject({ code });
    expect(directory.requests).toEqual([]);
  });
});

describe('transfer', () => {
  it('hands a name over, once', async () => {
    const { directory, join } = await startWorld();
    const [alice, bob] = await Promise.all([join(), join()]);
    await alice.publish({ name: 'shop', profile: { of: 'alice' } });
    const transfer = await alice.transfer(bob.id);
    expect(transfer).toMatch(/^transfer\.[A-Za-z0-9_-]+$/);
    expect(await bob.publish({ name: 'shop', transfer })).toMatchObject({ id: bob.id, name: 'shop' });
    expect(directory.names.get('shop')).toBe(bob.id);
    expect((await bob.lookup(alice.id))?.record).toMatchObject({ profile: { of: 'alice' }, seq: 2 });
  });

  it('is good for its heir alone, and needs the name', async () => {
    const { join } = await startWorld();
    const [alice, bob, eve] = await Promise.all([join(), join(), join()]);
    await alice.publish({ name: 'shop' });
    const transfer = await alice.transfer(bob.id);
    await expect(eve.publish({ name: 'shop', transfer })).rejects.toMatchObject({ code: 'bad-option' });
    await expect(bob.publish({ transfer })).rejects.toMatchObject({ code: 'bad-option' });
    const [start, text] = transfer.split('.') as [string, string];
    const forged = `${start}.${text[0] === 'A' ? 'B' : 'A'}${text.slice(1)}`;
    for (const wrong of [forged, text]) {
      await expect(bob.publish({ name: 'shop', transfer: wrong })).rejects.toMatchObject({
        code: 'bad-option',
      });
    }
  });

  it('needs a name to hand over', async () => {
    const { join } = await startWorld();
    const [alice, bob] = await Promise.all([join(), join()]);
    await expect(alice.transfer(bob.id)).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('lookup', () => {
  it('gives null for who is not there', async () => {
    const { join } = await startWorld();
    const alice = await join();
    expect(await alice.lookup('nobody')).toBeNull();
    expect(await alice.lookup(generateIdentity().id)).toBeNull();
  });

  it('finds a peer that is online without a record, and tells when one that is offline was here', async () => {
    const { directory, join } = await startWorld();
    const [alice, bob] = await Promise.all([join(), join()]);
    expect(await alice.lookup(bob.id)).toEqual({ id: bob.id, state: 'online' });
    const gone = generateIdentity();
    directory.records.set(gone.id, encodeRecord(gone, content));
    expect(await alice.lookup(gone.id)).toMatchObject({
      state: 'offline',
      lastSeen: new Date(1_700_000_000_000),
    });
  });

  const owner = identityFromSeed(new Uint8Array(32).fill(1));
  const other = identityFromSeed(new Uint8Array(32).fill(2));
  const tampered = encodeRecord(owner, { ...content, name: 'alice', profile: utf8('{"a":1}') });
  tampered[tampered.length - 2] = 0x32;
  it.each([
    ['a record of another key', encodeRecord(other, { ...content, name: 'alice' })],
    ['a record that was tampered with', tampered],
    ['a record with another name', encodeRecord(owner, { ...content, name: 'bob' })],
    ['a record that has expired', encodeRecord(owner, { ...content, expiresMs: 1000, name: 'alice' })],
    ['bytes that are no record', new Uint8Array(200)],
    ['no record', undefined],
  ])('refuses %s', async (_what, record) => {
    const { directory, join } = await startWorld();
    const alice = await join();
    directory.meddle = () => ({
      op: op.OP_FOUND,
      body: { peer: owner.publicKey, state: STATE_ONLINE, record },
    });
    await expect(alice.lookup('alice')).rejects.toMatchObject({ name: 'SupernodeError', code: 'bad-record' });
    expect(alice.state).toBe('open');
  });

  it('refuses an answer by name that does not say whose name it is', async () => {
    const { directory, join } = await startWorld();
    const alice = await join();
    directory.meddle = () => ({ op: op.OP_FOUND, body: { state: STATE_ONLINE } });
    await expect(alice.lookup('alice')).rejects.toMatchObject({ code: 'bad-relay' });
  });

  it('shows a profile that is no JSON object as empty', async () => {
    const { directory, join } = await startWorld();
    const alice = await join();
    for (const profile of ['', '[1]', 'null', '{', '\u0000']) {
      directory.records.set(owner.id, encodeRecord(owner, { ...content, profile: utf8(profile) }));
      expect((await alice.lookup(owner.id))?.record?.profile).toEqual({});
    }
  });

  it('stops waiting when its signal says so, and the peer goes on', async () => {
    const { relay, directory, join } = await startWorld();
    const alice = await join();
    directory.meddle = () => null;
    const abort = new AbortController();
    const waiting = alice.lookup('alice', { signal: abort.signal });
    await relay.until(() => directory.requests.length === 1);
    abort.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await expect(alice.lookup('alice', { signal: abort.signal })).rejects.toThrow('enough');
    expect(directory.requests).toHaveLength(1);
    // The late answer is nobody's, and no fault.
    const [request] = directory.requests;
    relay.sessionOf(alice.id).error('not-found', false, { requestId: request!.requestId });
    directory.meddle = () => undefined;
    expect(await alice.lookup('alice')).toBeNull();
  });
});

describe('search', () => {
  it('finds names by how they begin, and says when there are more', async () => {
    const { join } = await startWorld();
    const peers = await Promise.all([join(), join(), join()]);
    const names = ['alice', 'alina', 'bob'];
    await Promise.all(peers.map((peer, i) => peer.publish({ name: names[i]!, searchable: true })));
    const { found, more } = await peers[2]!.search('ALI');
    expect(found).toEqual([
      { id: peers[0]!.id, name: 'alice' },
      { id: peers[1]!.id, name: 'alina' },
    ]);
    expect(more).toBe(false);
    expect(await peers[2]!.search('ali', { most: 1 })).toMatchObject({
      found: [{ name: 'alice' }],
      more: true,
    });
  });

  it('refuses a prefix that is too short, and a relay that finds too much', async () => {
    const { directory, join } = await startWorld();
    const alice = await join();
    await expect(alice.search('al')).rejects.toMatchObject({ code: 'bad-option' });
    await expect(alice.search('ali', { most: 33 })).rejects.toMatchObject({ code: 'bad-option' });
    const result = { peer: new Uint8Array(32), name: 'alice' };
    directory.meddle = () => ({ op: op.OP_RESULTS, body: { found: [result, result], more: false } });
    await expect(alice.search('ali', { most: 1 })).rejects.toMatchObject({ code: 'bad-relay' });
  });
});
