import { describe, expect, test } from 'vitest';
import { SupernodeError } from '../../core/protocol/errors.ts';
import type { WriteAsk } from '../../core/threads/directory-messages.ts';
import { answered, codeOf, DAY_MS, identity, World } from './world.ts';

const [alice, bob, carol] = [identity(0), identity(1), identity(2)];

describe('a batch', () => {
  const publishAsk = (world: World, peer: typeof alice, name: string): WriteAsk => ({
    t: 'publish',
    peer: peer.publicKey,
    record: world.record(peer, { name }),
    former: null,
  });

  test('is one transaction, and its answers are in its order', () => {
    const world = new World();
    const answers = world.directory.write([
      publishAsk(world, alice, 'alice'),
      { t: 'publish', peer: bob.publicKey, record: new Uint8Array(7), former: null },
      publishAsk(world, carol, 'alice'),
      { t: 'mail-ack', peer: bob.publicKey, seq: 1 },
      publishAsk(world, bob, 'bob'),
    ]);
    expect(answers.map(codeOf)).toEqual([null, 'bad-record', 'name-taken', null, null]);
    expect(answers.map(({ t }) => t)).toEqual(['publish', 'publish', 'publish', 'mail-ack', 'publish']);
    expect(world.store.transactions).toBe(1);
  });

  test.each([
    ['while it is written', (world: World) => (world.store.writesLeft = 4)],
    ['when it is committed', (world: World) => (world.store.commitFails = true)],
  ])('that the disk does not take %s fails as a whole, and leaves nothing', (_when, fail) => {
    const world = new World();
    fail(world);
    const asks = [publishAsk(world, alice, 'alice'), publishAsk(world, bob, 'bob')];
    const before = world.versions.current(alice.publicKey);
    const answers = world.directory.write(asks);
    expect(answers.map(codeOf)).toEqual(['directory-full', 'directory-full']);
    expect(world.faults).toMatchObject([{ code: 'directory-full' }]);
    expect(world.store.tables.records.count()).toBe(0);
    expect(world.store.tables.names.count()).toBe(0);
    expect(world.versions.current(alice.publicKey)).toBe(before);
    world.store.writesLeft = Number.POSITIVE_INFINITY;
    world.store.commitFails = false;
    expect(world.directory.write(asks).map(codeOf)).toEqual([null, null]);
  });

  test('goes on without an ask that meets damage, of which half may have been written', () => {
    const world = new World();
    world.store.writesLeft = 6;
    world.store.failure = () => {
      world.store.writesLeft = Number.POSITIVE_INFINITY;
      return new SupernodeError('directory-corrupt', 'A value has changed, says the test.');
    };
    const asks = [
      publishAsk(world, alice, 'alice'),
      publishAsk(world, bob, 'bob'),
      publishAsk(world, carol, 'carol'),
    ];
    expect(world.directory.write(asks).map(codeOf)).toEqual([null, 'directory-unavailable', null]);
    expect(world.faults).toMatchObject([{ code: 'directory-corrupt' }]);
    expect(world.store.tables.records.count()).toBe(2);
    expect(world.store.tables.names.count()).toBe(2);
    expect(world.store.tables.expiries.count()).toBe(2);
  });

  test('of reads goes on after one that meets damage, and the peer is not told where', async () => {
    const world = new World();
    world.publish(alice);
    world.publish(bob);
    world.store.transaction(() => world.store.tables.vaults.put(alice.publicKey, new Uint8Array(3)));
    const answers = await world.readAll([
      { t: 'vault', peer: alice.publicKey },
      { t: 'lookup', asker: carol.publicKey, peer: bob.publicKey, record: true },
    ]);
    expect(answers.map(codeOf)).toEqual(['directory-unavailable', null]);
    expect(JSON.stringify(answers[0])).not.toContain(world.path);
    expect(world.faults.length).toBe(1);
  });
});

describe('versions', () => {
  /** What the write must make stale. */
  function bumped(world: World, write: () => unknown, of: Record<string, Uint8Array | string>): string[] {
    const before = Object.entries(of).map(([label, one]) => [label, world.versions.current(one)] as const);
    write();
    return before
      .filter(([label, value]) => world.versions.current(of[label]!) !== value)
      .map(([label]) => label);
  }
  const peers = { alice: alice.publicKey, bob: bob.publicKey, carol: carol.publicKey };

  test('are bumped for every key and name that a publication touches, former ones too', () => {
    const world = new World();
    const of = { ...peers, first: 'first', second: 'second' };
    expect(bumped(world, () => world.publish(alice, { name: 'first' }), of)).toEqual(['alice', 'first']);
    const rename = () => world.publish(alice, { seq: 2, name: 'second' });
    expect(bumped(world, rename, of)).toEqual(['alice', 'first', 'second']);
    const former = world.record(alice, { seq: 3, heir: bob.publicKey });
    const take = () => world.publish(bob, { name: 'second' }, former);
    expect(bumped(world, take, of)).toEqual(['alice', 'bob', 'second']);
    expect(bumped(world, () => world.publish(carol, { name: 'second' }), of)).toEqual([]);
    world.nowMs += 30 * DAY_MS;
    const claim = () => world.publish(carol, { name: 'second' });
    expect(bumped(world, claim, of)).toEqual(['bob', 'carol', 'second']);
    const sweep = () => world.write({ t: 'sweep', nowMs: world.nowMs, most: 10 });
    expect(bumped(world, sweep, of)).toEqual(['alice']);
  });

  test('are bumped for policies, mail and last visits', () => {
    const world = new World();
    world.publish(alice);
    expect(bumped(world, () => world.setPolicy(alice, { reach: 'nobody' }), peers)).toEqual(['alice']);
    world.setPolicy(alice, { reach: 'everyone' });
    expect(bumped(world, () => world.send(bob, alice, 1), peers)).toEqual(['alice']);
    const acknowledge = () => world.write({ t: 'mail-ack', peer: alice.publicKey, seq: 1 });
    expect(bumped(world, acknowledge, peers)).toEqual(['alice', 'bob']);
    const seen = () => world.write({ t: 'seen', peer: alice.publicKey, seenMs: world.nowMs + 1 });
    expect(bumped(world, seen, peers)).toEqual(['alice']);
  });

  test('of an answer are current exactly as long as it is', async () => {
    const world = new World();
    world.publish(alice, { name: 'alice' });
    const { version, nameVersion } = answered(await world.lookup(bob, 'alice'));
    const isCurrent = () =>
      world.versions.current(alice.publicKey) === version && world.versions.current('alice') === nameVersion;
    expect(isCurrent()).toBe(true);
    world.publish(carol, { name: 'carol' });
    expect(isCurrent()).toBe(true);
    world.publish(alice, { seq: 2, name: 'alice' });
    expect(isCurrent()).toBe(false);
  });

  test('of what was read from a snapshot that a write overtook are stale at once', async () => {
    const world = new World();
    world.publish(alice, { name: 'alice' });
    await new Promise((resolve) => setImmediate(resolve));
    // In one run of the event loop, so from one snapshot; the write might as well be another thread's.
    world.directory.read([{ t: 'vault', peer: bob.publicKey }]);
    world.publish(alice, { seq: 2, name: 'alice' });
    const [found, arrival] = world.directory.read([
      { t: 'lookup', asker: bob.publicKey, name: 'alice', record: true },
      { t: 'arrive', peer: alice.publicKey },
    ]);
    expect(found).toMatchObject({ cacheable: false });
    expect(arrival).not.toMatchObject({ version: world.versions.current(alice.publicKey) });
    expect(await world.lookup(bob, 'alice')).toMatchObject({ cacheable: true });
  });
});
