import { describe, expect, test } from 'vitest';
import { MAX_RECORD_LIFE_MS } from '../../core/protocol/limits.ts';
import type { WriteAsk } from '../../core/threads/directory-messages.ts';
import { codeOf, DAY_MS, HOUR_MS, identity, World } from './world.ts';

const [alice, bob, carol] = [identity(0), identity(1), identity(2)];

describe('a name', () => {
  test('belongs to who published it first, also within one batch', () => {
    const world = new World();
    const claim = (peer: typeof alice): WriteAsk => ({
      t: 'publish',
      peer: peer.publicKey,
      record: world.record(peer, { name: 'nomen' }),
      former: null,
    });
    const answers = world.directory.write([claim(bob), claim(alice), claim(carol)]);
    expect(answers.map(codeOf)).toEqual([null, 'name-taken', 'name-taken']);
    expect(ownerOf(world, 'nomen')).toEqual(bob.publicKey);
    // Who was refused has nothing stored, not even a record.
    expect(world.store.tables.records.count()).toBe(1);
    expect(codeOf(world.publish(alice, { name: 'nomen' }))).toBe('name-taken');
  });

  test('is free once its owner publishes another or none', () => {
    const world = new World();
    world.publish(alice, { name: 'first' });
    world.publish(alice, { seq: 2, name: 'second' });
    expect(codeOf(world.publish(bob, { name: 'first' }))).toBeNull();
    world.publish(alice, { seq: 3 });
    expect(codeOf(world.publish(carol, { name: 'second' }))).toBeNull();
    expect(world.store.tables.names.count()).toBe(2);
  });

  test('changes hands within one batch: released by one, claimed by the next', () => {
    const world = new World();
    world.publish(alice, { name: 'nomen' });
    const answers = world.directory.write([
      { t: 'publish', peer: alice.publicKey, record: world.record(alice, { seq: 2 }), former: null },
      { t: 'publish', peer: bob.publicKey, record: world.record(bob, { name: 'nomen' }), former: null },
    ]);
    expect(answers.map(codeOf)).toEqual([null, null]);
    expect(ownerOf(world, 'nomen')).toEqual(bob.publicKey);
  });

  test('stays its owner’s until the record has expired, swept or not', () => {
    const world = new World();
    world.publish(alice, { name: 'nomen', expiresMs: world.nowMs + HOUR_MS });
    world.nowMs += HOUR_MS - 1;
    expect(codeOf(world.publish(bob, { name: 'nomen' }))).toBe('name-taken');
    world.nowMs += 1;
    expect(codeOf(world.publish(bob, { name: 'nomen' }))).toBeNull();
    expect(world.store.tables.records.get(alice.publicKey)).toBeUndefined();
    expect(world.store.tables.expiries.count()).toBe(1);
  });

  test('is handed over by both: the owner’s record names the heir, the heir publishes it', () => {
    const world = new World();
    world.publish(alice, { name: 'nomen' });
    const former = world.record(alice, { seq: 2, heir: bob.publicKey });
    expect(codeOf(world.publish(carol, { name: 'nomen' }, former))).toBe('bad-record');
    expect(codeOf(world.publish(bob, { name: 'nomen' }, former))).toBeNull();
    expect(ownerOf(world, 'nomen')).toEqual(bob.publicKey);
    expect(world.store.tables.records.get(alice.publicKey)).toEqual(former);
    // It works once: the name is bob's now.
    world.publish(bob, { seq: 2 });
    world.publish(alice, { seq: 3, name: 'nomen' });
    expect(codeOf(world.publish(bob, { seq: 3, name: 'nomen' }, former))).toBe('stale-record');
  });

  test('is not handed over by who does not own it, nor by a record that is out of date', () => {
    const world = new World();
    world.publish(alice, { seq: 5, name: 'nomen' });
    const ofCarol = world.record(carol, { seq: 9, heir: bob.publicKey });
    expect(codeOf(world.publish(bob, { name: 'nomen' }, ofCarol))).toBe('name-taken');
    const old = world.record(alice, { seq: 5, heir: bob.publicKey });
    expect(codeOf(world.publish(bob, { name: 'nomen' }, old))).toBe('stale-record');
    const unsigned = world.record(alice, { seq: 6, heir: bob.publicKey });
    unsigned[3]! ^= 1;
    expect(codeOf(world.publish(bob, { name: 'nomen' }, unsigned))).toBe('bad-record');
    expect(ownerOf(world, 'nomen')).toEqual(alice.publicKey);
    expect(world.store.tables.records.count()).toBe(1);
  });

  test('must be in its normal form', () => {
    const world = new World();
    for (const name of ['Alice', 'ali ce', 'саре', 'ab', 'ali.ce', alice.id, 'ali\u0000ce']) {
      expect(codeOf(world.publish(alice, { name }))).toBe('bad-name');
    }
    expect(world.store.tables.records.count()).toBe(0);
  });
});

describe('a record', () => {
  test('is published by its own peer only', () => {
    const world = new World();
    const ask: WriteAsk = {
      t: 'publish',
      peer: bob.publicKey,
      record: world.record(alice),
      former: null,
    };
    expect(codeOf(world.write(ask))).toBe('bad-record');
  });

  test('replaces only one with a lower sequence number', () => {
    const world = new World();
    expect(world.publish(alice, { seq: 5 })).toEqual({ t: 'publish', revision: 5 });
    for (const seq of [1, 4, 5]) expect(codeOf(world.publish(alice, { seq }))).toBe('stale-record');
    expect(codeOf(world.publish(alice, { seq: 6 }))).toBeNull();
  });

  test('must expire after now, and not too late', () => {
    const world = new World();
    const at = (expiresMs: number) => codeOf(world.publish(alice, { expiresMs }));
    expect(at(world.nowMs)).toBe('bad-record');
    expect(at(world.nowMs + MAX_RECORD_LIFE_MS + 1)).toBe('bad-record');
    expect(at(world.nowMs + MAX_RECORD_LIFE_MS)).toBeNull();
  });

  test('with any bit of it flipped is not stored', () => {
    const world = new World();
    const record = world.record(alice, { name: 'alice' });
    const asks = Array.from({ length: record.length * 8 }, (_, bit): WriteAsk => {
      const altered = record.slice();
      altered[bit >> 3]! ^= 1 << (bit & 7);
      return { t: 'publish', peer: alice.publicKey, record: altered, former: null };
    });
    expect(new Set(world.directory.write(asks).map(codeOf))).toEqual(new Set(['bad-record']));
    expect(world.store.transactions).toBe(0);
  });

  test('beyond the most that the directory may have is refused; replacing one is not', () => {
    const world = new World({ maxRecords: 2 });
    world.publish(alice, { expiresMs: world.nowMs + HOUR_MS, name: 'nomen' });
    world.publish(bob);
    expect(codeOf(world.publish(carol, { name: 'nomen' }))).toBe('name-taken');
    expect(codeOf(world.publish(carol))).toBe('directory-full');
    expect(codeOf(world.publish(bob, { seq: 2 }))).toBeNull();
    world.nowMs += HOUR_MS;
    expect(codeOf(world.publish(carol, { name: 'nomen' }))).toBeNull();
  });

  test('is swept when it has expired, with its name, a bounded number at a time', () => {
    const world = new World();
    for (const [index, peer] of [alice, bob, carol].entries()) {
      world.publish(peer, { name: `name${index}`, searchable: true, expiresMs: world.nowMs + HOUR_MS });
    }
    const sweep = () => world.write({ t: 'sweep', nowMs: world.nowMs, most: 2 });
    expect(sweep()).toMatchObject({ records: 0, more: false });
    world.nowMs += HOUR_MS;
    expect(sweep()).toMatchObject({ records: 2, more: true });
    expect(sweep()).toMatchObject({ records: 1, more: false });
    for (const table of ['records', 'names', 'searchable', 'seen', 'expiries'] as const) {
      expect(world.store.tables[table].count(), table).toBe(0);
    }
  });
});

function ownerOf(world: World, name: string): Uint8Array | undefined {
  return world.store.tables.names.get(new TextEncoder().encode(name));
}

test('a peer that is seen is remembered only with a record, and never set back', () => {
  const world = new World();
  const seen = (peer: typeof alice, seenMs: number) =>
    world.write({ t: 'seen', peer: peer.publicKey, seenMs });
  const seenMs = () => {
    const row = world.store.tables.seen.get(alice.publicKey);
    return row && Number(new DataView(row.buffer, row.byteOffset).getBigUint64(0));
  };
  seen(alice, 5);
  expect(seenMs()).toBeUndefined();
  world.publish(alice);
  expect(seenMs()).toBe(world.nowMs);
  seen(alice, world.nowMs + DAY_MS);
  seen(alice, world.nowMs + HOUR_MS);
  expect(seenMs()).toBe(world.nowMs + DAY_MS);
});
