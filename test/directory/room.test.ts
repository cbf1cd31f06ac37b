import { describe, expect, test } from 'vitest';
import { answered, codeOf, identity, World } from './world.ts';

/** A tenth of 200. */
const UNRECORDED = 20;
const block = { block: [identity(900).publicKey] };

/** A first vault, or a first policy, of a peer. */
const FIRSTS = {
  vaults: (world: World, peer: number) => codeOf(world.putVault(identity(peer), 1)),
  policies: (world: World, peer: number) => codeOf(world.setPolicy(identity(peer), block)),
};

describe.each(Object.entries(FIRSTS))('%s of peers without a record', (table, first) => {
  test('are as many as a tenth of the records that there may be; who has a record has its own', () => {
    const world = new World({ maxRecords: 200 });
    for (let peer = 0; peer < UNRECORDED; peer++) expect(first(world, peer)).toBeNull();
    expect(first(world, UNRECORDED)).toBe('directory-full');
    answered(world.publish(identity(UNRECORDED)));
    expect(first(world, UNRECORDED)).toBeNull();
    expect(first(world, UNRECORDED + 1)).toBe('directory-full');
    // What is there can be changed.
    const changed =
      table === 'vaults'
        ? world.putVault(identity(0), 2)
        : world.setPolicy(identity(0), { visibility: 'nobody' });
    expect(codeOf(changed)).toBeNull();
  });

  test('and all others are as many as there may be records', () => {
    const world = new World({ maxRecords: 20 });
    for (let peer = 0; peer < 20; peer++) {
      answered(world.publish(identity(peer)));
      expect(first(world, peer)).toBeNull();
    }
    expect(first(world, 20)).toBe('directory-full');
  });
});

test('a refused policy changes nothing, and a policy that is open to all needs no room', async () => {
  const world = new World({ maxRecords: 160 });
  for (let peer = 0; peer < 16; peer++) answered(world.setPolicy(identity(peer), block));
  const late = identity(16);
  expect(codeOf(world.setPolicy(late, block))).toBe('directory-full');
  const blocked = await world.read({ t: 'policy', peer: late.publicKey, list: 'blocked', after: null });
  expect(answered(blocked).keys).toEqual([]);
  expect(codeOf(world.setPolicy(late, { visibility: 'everyone' }))).toBeNull();
  // Room that a policy leaves is room for another.
  answered(world.setPolicy(identity(0), { unblock: block.block }));
  expect(codeOf(world.setPolicy(late, block))).toBeNull();
});
