import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AUDIENCES, type Audience } from '../../core/protocol/directory-ops.ts';
import { MAX_KEYS_PER_FRAME, MAX_LIST_KEYS } from '../../core/protocol/limits.ts';
import { answered, codeOf, identity, World } from './world.ts';

const [alice, bob, carol] = [identity(0), identity(1), identity(2)];

function key(number: number): Uint8Array {
  const bytes = new Uint8Array(32);
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
}

async function list(world: World, of: 'allowed' | 'blocked'): Promise<Uint8Array[]> {
  const keys: Uint8Array[] = [];
  for (let more = true; more; ) {
    const page = await world.read({
      t: 'policy',
      peer: alice.publicKey,
      list: of,
      after: keys.at(-1) ?? null,
    });
    keys.push(...answered(page).keys);
    more = answered(page).more;
  }
  return keys;
}

describe('a policy', () => {
  test('is open to all until it is set', async () => {
    const world = new World();
    expect(await world.read({ t: 'policy', peer: alice.publicKey, list: null, after: null })).toEqual({
      t: 'policy',
      visibility: 'everyone',
      reach: 'everyone',
      keys: [],
      more: false,
    });
    expect(world.directory.arrival(alice.publicKey).plain).toBe(true);
  });

  test('is plain only while everyone may see and reach the peer, and nobody is blocked', () => {
    const world = new World();
    const plain = (change: Parameters<World['setPolicy']>[1]) =>
      answered(world.setPolicy(alice, change)).plain;
    expect(plain({ allow: [bob.publicKey] })).toBe(true);
    expect(plain({ visibility: 'contacts' })).toBe(false);
    expect(plain({ visibility: 'everyone', reach: 'nobody' })).toBe(false);
    expect(plain({ reach: 'everyone' })).toBe(true);
    expect(plain({ block: [bob.publicKey] })).toBe(false);
    expect(plain({ unblock: [bob.publicKey] })).toBe(true);
  });

  test('keeps what a change leaves out', async () => {
    const world = new World();
    world.setPolicy(alice, { visibility: 'contacts' });
    world.setPolicy(alice, { reach: 'nobody' });
    world.setPolicy(alice, { allow: [bob.publicKey] });
    expect(await world.read({ t: 'policy', peer: alice.publicKey, list: 'allowed', after: null })).toEqual({
      t: 'policy',
      visibility: 'contacts',
      reach: 'nobody',
      keys: [bob.publicKey],
      more: false,
    });
  });

  test('leaves nothing in the store once it is as if it had never been set', () => {
    const world = new World();
    world.setPolicy(alice, { visibility: 'nobody', allow: [bob.publicKey] });
    world.setPolicy(alice, { visibility: 'everyone', disallow: [bob.publicKey] });
    expect(world.store.tables.policies.count()).toBe(0);
    expect(world.store.tables.lists.count()).toBe(0);
  });

  test.each(['allowed', 'blocked'] as const)(
    'has a bound on the %s, and changes nothing beyond it',
    async (of) => {
      const world = new World();
      const add = (keys: Uint8Array[]) =>
        world.setPolicy(alice, {
          visibility: 'contacts',
          ...(of === 'allowed' ? { allow: keys } : { block: keys }),
        });
      const remove = of === 'allowed' ? 'disallow' : 'unblock';
      for (let first = 0; first < MAX_LIST_KEYS - 1; first += MAX_KEYS_PER_FRAME) {
        const count = Math.min(MAX_KEYS_PER_FRAME, MAX_LIST_KEYS - 1 - first);
        expect(codeOf(add(Array.from({ length: count }, (_, index) => key(first + index))))).toBeNull();
      }
      expect(codeOf(add([key(5_000), key(5_001)]))).toBe('list-full');
      // One twice, and one that is on it already, count once.
      expect(codeOf(add([key(5_000), key(5_000), key(0)]))).toBeNull();
      expect(codeOf(add([key(5_001)]))).toBe('list-full');
      expect(
        codeOf(world.setPolicy(alice, { visibility: 'nobody', [remove]: [key(3), key(7_777)] })),
      ).toBeNull();
      expect(codeOf(add([key(5_001)]))).toBeNull();
      const keys = await list(world, of);
      expect(keys.length).toBe(MAX_LIST_KEYS);
      expect(keys).toEqual(
        [...Array(MAX_LIST_KEYS - 1).keys()]
          .filter((n) => n !== 3)
          .concat(5_000, 5_001)
          .map(key),
      );
    },
  );

  test('lists are those of a plain model after any changes', async () => {
    const some = fc.array(fc.nat(60), { maxLength: MAX_KEYS_PER_FRAME });
    const change = fc.record({ allow: some, disallow: some, block: some, unblock: some });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 10 }), async (changes) => {
        const world = new World();
        const model = { allowed: new Set<number>(), blocked: new Set<number>() };
        for (const { allow, disallow, block, unblock } of changes) {
          for (const one of disallow) model.allowed.delete(one);
          for (const one of allow) model.allowed.add(one);
          for (const one of unblock) model.blocked.delete(one);
          for (const one of block) model.blocked.add(one);
          const answer = world.setPolicy(alice, {
            allow: allow.map(key),
            disallow: disallow.map(key),
            block: block.map(key),
            unblock: unblock.map(key),
          });
          expect(answered(answer).plain).toBe(model.blocked.size === 0);
        }
        for (const of of ['allowed', 'blocked'] as const) {
          expect(await list(world, of)).toEqual([...model[of]].sort((a, b) => a - b).map(key));
        }
        await world.store.close();
      }),
      { numRuns: 50 },
    );
  });
});

describe('who may', () => {
  const cases = AUDIENCES.flatMap((visibility) =>
    AUDIENCES.flatMap((reach) =>
      [false, true].flatMap((isAllowed) =>
        [false, true].map((isBlocked) => ({ visibility, reach, isAllowed, isBlocked })),
      ),
    ),
  );
  const admits = (audience: Audience, isAllowed: boolean) =>
    audience === 'everyone' || (audience === 'contacts' && isAllowed);

  test.each(cases)(
    'see and reach: $visibility, $reach, allowed $isAllowed, blocked $isBlocked',
    async (given) => {
      const world = new World();
      world.online(alice);
      world.publish(alice);
      world.publish(bob);
      world.setPolicy(alice, {
        visibility: given.visibility,
        reach: given.reach,
        allow: given.isAllowed ? [bob.publicKey] : [carol.publicKey],
        block: given.isBlocked ? [bob.publicKey] : [],
      });
      const maySee = !given.isBlocked && admits(given.visibility, given.isAllowed);
      const mayReach = !given.isBlocked && admits(given.reach, given.isAllowed);
      expect(codeOf(await world.lookup(bob, alice))).toBe(maySee ? null : 'not-found');
      expect(await world.read({ t: 'see', asker: bob.publicKey, peers: [alice.publicKey] })).toMatchObject({
        sights: [{ state: maySee ? 1 : 0 }],
      });
      expect(await world.read({ t: 'reach', asker: bob.publicKey, peer: alice.publicKey })).toMatchObject({
        may: mayReach,
      });
      expect(codeOf(world.send(bob, alice, 1))).toBe(mayReach ? null : 'refused');
      // A peer is not hidden from itself.
      expect(codeOf(await world.lookup(alice, alice))).toBeNull();
    },
  );
});
