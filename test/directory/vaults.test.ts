import { describe, expect, test } from 'vitest';
import { sealVault } from '../../core/directory/vault.ts';
import type { WriteAsk } from '../../core/threads/directory-messages.ts';
import { codeOf, identity, World } from './world.ts';

const [alice, bob] = [identity(0), identity(1)];

describe('a vault', () => {
  test('is replaced only by who has read the last one', () => {
    const world = new World();
    expect(world.putVault(alice, 1)).toEqual({ t: 'vault-put', revision: 1 });
    expect(codeOf(world.putVault(alice, 1))).toBe('conflict');
    expect(codeOf(world.putVault(alice, 3))).toBe('conflict');
    expect(codeOf(world.putVault(alice, 2))).toBeNull();
  });

  test('of two devices that read the same one, one is told of the conflict', () => {
    const world = new World();
    world.putVault(alice, 1);
    const put = (): WriteAsk => ({
      t: 'vault-put',
      peer: alice.publicKey,
      vault: sealVault(alice, 2, new Uint8Array(4)),
    });
    expect(world.directory.write([put(), put()]).map(codeOf)).toEqual([null, 'conflict']);
  });

  test('comes back as it was put', async () => {
    const world = new World();
    expect(await world.read({ t: 'vault', peer: alice.publicKey })).toEqual({
      t: 'vault',
      revision: 0,
      vault: null,
    });
    const vault = sealVault(alice, 1, new Uint8Array(100));
    world.write({ t: 'vault-put', peer: alice.publicKey, vault });
    expect(await world.read({ t: 'vault', peer: alice.publicKey })).toEqual({
      t: 'vault',
      revision: 1,
      vault,
    });
  });

  test('that does not verify is not stored', () => {
    const world = new World();
    const vault = sealVault(alice, 1, new Uint8Array(10));
    const asks = Array.from({ length: vault.length * 8 }, (_, bit): WriteAsk => {
      const altered = vault.slice();
      altered[bit >> 3]! ^= 1 << (bit & 7);
      return { t: 'vault-put', peer: alice.publicKey, vault: altered };
    });
    asks.push({ t: 'vault-put', peer: bob.publicKey, vault });
    expect(new Set(world.directory.write(asks).map(codeOf))).toEqual(new Set(['bad-vault']));
  });
});
