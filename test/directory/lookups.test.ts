import { describe, expect, test } from 'vitest';
import { MAX_SEARCH_ROWS } from '../../core/directory/search.ts';
import type { ReadAsk } from '../../core/threads/directory-messages.ts';
import { PRESENCE_AWAY } from '../../core/threads/presence.ts';
import { limit } from '../fixtures/limits.ts';
import { answered, codeOf, HOUR_MS, identity, START_MS, TTL_MS, World } from './world.ts';

const [alice, bob, carol] = [identity(0), identity(1), identity(2)];
const [OFFLINE, ONLINE, AWAY] = [0, 1, 2];

describe('a look-up', () => {
  test('by key and by name finds the record, and where the peer is', async () => {
    const world = new World();
    const record = world.record(alice, { name: 'alice' });
    world.write({ t: 'publish', peer: alice.publicKey, record, former: null });
    const found = { t: 'lookup', peer: alice.publicKey, record, cacheable: true };
    expect(await world.lookup(bob, alice)).toMatchObject({ ...found, state: OFFLINE, seenMs: START_MS });
    world.online(alice);
    for (const of of [alice, 'alice']) {
      const answer = await world.lookup(bob, of);
      expect(answer).toMatchObject({ ...found, state: ONLINE });
      expect(answer).not.toHaveProperty('seenMs');
    }
    world.offline(alice);
    world.online(alice, PRESENCE_AWAY);
    expect(await world.lookup(bob, 'alice', false)).toMatchObject({ state: AWAY });
    expect(await world.lookup(bob, 'alice', false)).not.toHaveProperty('record');
  });

  test('finds who is here without a record, by key', async () => {
    const world = new World();
    expect(codeOf(await world.lookup(bob, alice))).toBe('not-found');
    world.online(alice);
    expect(await world.lookup(bob, alice)).toMatchObject({ state: ONLINE, cacheable: true });
    expect(await world.lookup(bob, alice)).not.toHaveProperty('record');
  });

  test('finds who was seen in the last 72 hours, and nobody later', async () => {
    const world = new World();
    world.publish(alice, { name: 'alice' });
    world.nowMs += TTL_MS - 1;
    expect(await world.lookup(bob, alice)).toMatchObject({ seenMs: START_MS });
    world.nowMs += 1;
    const answers = [];
    for (const of of [alice, 'alice']) answers.push(codeOf(await world.lookup(bob, of)));
    limit('findable after last seen').sees({ answers });
    expect(codeOf(await world.lookup(alice, 'alice'))).toBeNull();
    world.write({ t: 'seen', peer: alice.publicKey, seenMs: world.nowMs });
    expect(await world.lookup(bob, 'alice')).toMatchObject({ state: OFFLINE, seenMs: world.nowMs });
  });

  test('shows others no record that has expired, and its owner still does', async () => {
    const world = new World();
    world.publish(alice, { name: 'alice', expiresMs: world.nowMs + HOUR_MS });
    world.nowMs += HOUR_MS;
    expect(codeOf(await world.lookup(bob, alice))).toBe('not-found');
    world.online(alice);
    expect(await world.lookup(bob, alice)).not.toHaveProperty('record');
    expect(codeOf(await world.lookup(bob, 'alice'))).toBe('not-found');
    expect(await world.lookup(alice, alice)).toHaveProperty('record');
  });

  test('of oneself always works', async () => {
    const world = new World();
    expect(await world.lookup(alice, alice)).toMatchObject({ state: OFFLINE, cacheable: false });
    world.setPolicy(alice, { visibility: 'nobody', block: [alice.publicKey] });
    world.publish(alice, { name: 'alice' });
    world.online(alice);
    for (const of of [alice, 'alice']) {
      expect(await world.lookup(alice, of)).toMatchObject({ state: ONLINE, cacheable: false });
    }
  });

  test('may be cached only when everyone would be answered the same', async () => {
    const world = new World();
    world.publish(alice);
    const cacheable = async () => answered(await world.lookup(bob, alice)).cacheable;
    expect(await cacheable()).toBe(true);
    world.setPolicy(alice, { block: [carol.publicKey] });
    expect(await cacheable()).toBe(false);
    world.setPolicy(alice, { unblock: [carol.publicKey], visibility: 'contacts', allow: [bob.publicKey] });
    expect(await cacheable()).toBe(false);
    world.setPolicy(alice, { visibility: 'everyone', reach: 'nobody' });
    expect(await cacheable()).toBe(true);
  });
});

describe('a peer that hides and one that does not exist', () => {
  const hiding: [string, (world: World) => void][] = [
    ['from everyone', (world) => world.setPolicy(alice, { visibility: 'nobody', reach: 'nobody' })],
    [
      'from all but its contacts',
      (world) => world.setPolicy(alice, { visibility: 'contacts', reach: 'contacts' }),
    ],
    ['from one that it blocks', (world) => world.setPolicy(alice, { block: [bob.publicKey] })],
  ];

  test.each(hiding)('%s: the same answers to everything, by the same reads', async (_from, hide) => {
    const world = new World();
    world.publish(alice, { name: 'alice', searchable: true });
    world.online(alice);
    hide(world);
    const nobody = identity(99);
    const asks = (of: typeof alice, name: string): ReadAsk[] => [
      { t: 'lookup', asker: bob.publicKey, peer: of.publicKey, record: true },
      { t: 'lookup', asker: bob.publicKey, name, record: true },
      { t: 'see', asker: bob.publicKey, peers: [of.publicKey] },
      { t: 'search', asker: bob.publicKey, prefix: name, most: 5 },
    ];
    for (const [index, ask] of asks(alice, 'alice').entries()) {
      world.store.reads.length = 0;
      const hidden = await world.read(ask);
      const readsOfHidden = world.store.reads.splice(0);
      const absent = await world.read(asks(nobody, 'nomen')[index]!);
      expect(hidden).toEqual(absent);
      // A search reads the rows that it finds; who does not want to be found by it has none.
      if (ask.t !== 'search') expect(readsOfHidden).toEqual(world.store.reads);
    }
    world.store.reads.length = 0;
    const refused = world.send(bob, alice, 1);
    const readsOfRefused = world.store.reads.splice(0);
    expect(refused).toEqual(world.send(bob, nobody, 1));
    expect(readsOfRefused).toEqual(world.store.reads);
    const reach = (of: typeof alice) => world.read({ t: 'reach', asker: bob.publicKey, peer: of.publicKey });
    world.store.reads.length = 0;
    expect(await reach(alice)).toEqual({ t: 'reach', may: false });
    const readsOfReach = world.store.reads.splice(0);
    await reach(nobody);
    expect(readsOfReach).toEqual(world.store.reads);
  });

  test('were never seen, for a watcher', async () => {
    const world = new World();
    world.publish(alice);
    world.publish(carol);
    world.setPolicy(alice, { visibility: 'nobody' });
    const peers = [alice, carol, identity(99)].map((peer) => peer.publicKey);
    expect(await world.read({ t: 'see', asker: bob.publicKey, peers })).toEqual({
      t: 'see',
      sights: [{ state: OFFLINE }, { state: OFFLINE, seenMs: START_MS }, { state: OFFLINE }],
    });
  });
});

describe('a search', () => {
  const searched = async (world: World, prefix: string, most = 10, asker = bob) => {
    const answer = answered(await world.read({ t: 'search', asker: asker.publicKey, prefix, most }));
    return { names: answer.found.map(({ name }) => name), more: answer.more };
  };
  const publish = (world: World, names: string[]) => {
    for (const [index, name] of names.entries())
      world.publish(identity(10 + index), { name, searchable: true });
  };

  test('finds names by prefix, in order, only of who wants to be found', async () => {
    const world = new World();
    publish(world, ['anna', 'annabel', 'annette', 'ann-marie', 'anton', 'änna']);
    world.publish(alice, { name: 'annchen', searchable: false });
    expect(await searched(world, 'ann')).toEqual({
      names: ['ann-marie', 'anna', 'annabel', 'annette'],
      more: false,
    });
    expect(await searched(world, 'anna')).toEqual({ names: ['anna', 'annabel'], more: false });
    expect(await searched(world, 'änn')).toEqual({ names: ['änna'], more: false });
    expect(await searched(world, 'ann', 2)).toEqual({ names: ['ann-marie', 'anna'], more: true });
    expect(await searched(world, 'zzz')).toEqual({ names: [], more: false });
    world.publish(identity(10), { seq: 2, name: 'anna', searchable: false });
    expect(await searched(world, 'anna')).toEqual({ names: ['annabel'], more: false });
  });

  test('does not find who hides, blocks the asker, expired or was away for long', async () => {
    const world = new World();
    publish(world, ['anna', 'annb', 'annc']);
    world.publish(alice, { name: 'annd', searchable: true, expiresMs: world.nowMs + HOUR_MS });
    world.setPolicy(identity(10), { visibility: 'contacts', allow: [bob.publicKey] });
    world.setPolicy(identity(11), { block: [bob.publicKey] });
    world.nowMs += HOUR_MS;
    expect((await searched(world, 'ann')).names).toEqual(['annc']);
    expect((await searched(world, 'ann', 10, carol)).names).toEqual(['annb', 'annc']);
    world.nowMs += TTL_MS;
    expect((await searched(world, 'ann', 10, carol)).names).toEqual([]);
    world.online(identity(12));
    expect((await searched(world, 'ann')).names).toEqual(['annc']);
  });

  test('needs three characters', async () => {
    const world = new World();
    for (const prefix of ['', 'a', 'an', '日本', '𝄞𝄞']) {
      const answer = await world.read({ t: 'search', asker: bob.publicKey, prefix, most: 5 });
      expect(codeOf(answer)).toBe('bad-name');
    }
    expect((await searched(world, '日本語')).names).toEqual([]);
  });

  test('looks at a bounded number of names, and says that there may be more', async () => {
    const world = new World({ maxRecords: 2_000 });
    publish(
      world,
      Array.from({ length: MAX_SEARCH_ROWS }, (_, n) => `hidden${String(n).padStart(4, '0')}`),
    );
    world.nowMs += TTL_MS;
    world.publish(alice, { name: 'hiddenz', searchable: true });
    expect(await searched(world, 'hidden')).toEqual({ names: [], more: true });
    expect(await searched(world, 'hiddenz')).toEqual({ names: ['hiddenz'], more: false });
    limit('names that one search looks at; results').sees();
  });
});
