import { ed25519 } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { identityFromSeed as browserIdentity } from '../../core/client/platform-browser.ts';
import {
  MAX_VAULT_CONTENT_BYTES,
  openVault,
  parseVault,
  sealVault,
  vaultSignatureHolds,
} from '../../core/directory/vault.ts';
import { identityFromSeed } from '../../core/identity/identity.ts';
import { verifySignature } from '../../core/identity/verify.ts';
import { MAX_VAULT_BYTES } from '../../core/protocol/limits.ts';
import { identity } from './world.ts';

const alice = identity(0);
const text = new TextEncoder().encode('bob, carol and dave');

describe('a vault', () => {
  test('gives its owner back what was put into it', () => {
    const contents = fc.uint8Array({ maxLength: 2_000 });
    fc.assert(
      fc.property(contents, fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (content, revision) => {
        const vault = sealVault(alice, revision, content);
        expect(parseVault(vault)).toEqual({ key: alice.publicKey, revision });
        expect(vaultSignatureHolds(vault, verifySignature)).toBe(true);
        expect(openVault(alice, vault, verifySignature)).toEqual({ revision, content });
      }),
      { numRuns: 50 },
    );
  });

  test('opens in a browser when it was sealed in Node, and the other way round', () => {
    const seed = new Uint8Array(32).fill(9);
    const inNode = identityFromSeed(seed);
    const inBrowser = browserIdentity(seed);
    const verifyInBrowser = (key: Uint8Array, message: Uint8Array, signature: Uint8Array) =>
      ed25519.verify(signature, message, key);
    expect(openVault(inBrowser, sealVault(inNode, 1, text), verifyInBrowser).content).toEqual(text);
    expect(openVault(inNode, sealVault(inBrowser, 1, text), verifySignature).content).toEqual(text);
  });

  test('shows nothing of its content, and never looks the same twice', () => {
    const one = sealVault(alice, 1, text);
    expect(Buffer.from(one).includes('carol')).toBe(false);
    expect(sealVault(alice, 1, text).slice(105)).not.toEqual(one.slice(105));
  });

  test('does not open when any bit of it is flipped, and does not verify', () => {
    const vault = sealVault(alice, 3, text);
    for (let bit = 0; bit < vault.length * 8; bit++) {
      const altered = vault.slice();
      altered[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => openVault(alice, altered, verifySignature), `bit ${bit}`).toThrow(
        expect.objectContaining({ code: 'bad-vault' }),
      );
      expect(verifies(altered), `bit ${bit}`).toBe(false);
    }
  });

  test('does not open for who signs it anew: an old content cannot be passed off under a new revision', () => {
    const vault = sealVault(alice, 3, text);
    vault[104] = 4;
    vault.set(
      alice.sign(Uint8Array.of(...new TextEncoder().encode('supernode.1 vault\n'), ...vault.slice(64))),
    );
    expect(verifies(vault)).toBe(true);
    expect(() => openVault(alice, vault, verifySignature)).toThrow(/cannot be decrypted/);
  });

  test('of another peer does not open', () => {
    expect(() => openVault(identity(1), sealVault(alice, 1, text), verifySignature)).toThrow(
      /of another key/,
    );
  });

  test('made of random or cut bytes neither opens nor verifies', () => {
    const vault = sealVault(alice, 3, text);
    const cut = fc.nat(vault.length - 1).map((length) => vault.slice(0, length));
    const random = fc.uint8Array({ maxLength: 300 });
    fc.assert(
      fc.property(fc.oneof(cut, random), (bytes) => {
        expect(() => openVault(alice, bytes, verifySignature)).toThrow(
          expect.objectContaining({ code: 'bad-vault' }),
        );
        expect(verifies(bytes)).toBe(false);
      }),
      { numRuns: 1_000 },
    );
  });

  test('holds up to its limit and no more', () => {
    const vault = sealVault(alice, 1, new Uint8Array(MAX_VAULT_CONTENT_BYTES));
    expect(vault.length).toBe(MAX_VAULT_BYTES);
    expect(openVault(alice, vault, verifySignature).content.length).toBe(MAX_VAULT_CONTENT_BYTES);
    expect(() => sealVault(alice, 1, new Uint8Array(MAX_VAULT_CONTENT_BYTES + 1))).toThrow(/at most/);
  });

  test.each([0, -1, 1.5, 2 ** 53, Number.NaN])('cannot have the revision %d', (revision) => {
    expect(() => sealVault(alice, revision, text)).toThrow(/revision/);
  });
});

function verifies(bytes: Uint8Array): boolean {
  try {
    parseVault(bytes);
  } catch {
    return false;
  }
  return vaultSignatureHolds(bytes, verifySignature);
}
