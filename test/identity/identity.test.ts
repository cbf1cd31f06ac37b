import { createPublicKey, verify } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as browser from '../../core/client/platform-browser.ts';
import { generateIdentity, identityFromSeed } from '../../core/identity/identity.ts';
import { parsePeerId } from '../../core/protocol/peer-id.ts';

const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 });

function verifies(publicKey: Uint8Array, text: Uint8Array, signature: Uint8Array): boolean {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey).toString('base64url') };
  return verify(null, text, createPublicKey({ key: jwk, format: 'jwk' }), signature);
}

describe('an identity', () => {
  it('has the address of its public key', () => {
    const { id, publicKey } = generateIdentity();
    expect(parsePeerId(id).publicKey).toEqual(publicKey);
  });

  it('is another one each time', () => {
    expect(generateIdentity().id).not.toBe(generateIdentity().id);
  });

  it('of the first key of RFC 8032 section 7.1 has the public key given there', () => {
    const seed = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex');
    expect(Buffer.from(identityFromSeed(seed).publicKey).toString('hex')).toBe(
      'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    );
  });

  it('signs so that its public key verifies, and nothing else does', () => {
    const identity = generateIdentity();
    const text = new TextEncoder().encode('a text');
    const signature = identity.sign(text);
    expect(signature).toHaveLength(64);
    expect(verifies(identity.publicKey, text, signature)).toBe(true);
    expect(verifies(generateIdentity().publicKey, text, signature)).toBe(false);
  });

  it('of a seed is the same in Node and in a browser, and signs alike', () => {
    fc.assert(
      fc.property(seeds, fc.uint8Array({ maxLength: 200 }), (seed, text) => {
        const here = identityFromSeed(seed);
        const there = browser.identityFromSeed(seed);
        expect(there.id).toBe(here.id);
        expect(there.sign(text)).toEqual(here.sign(text));
      }),
      { numRuns: 30 },
    );
  });

  it.each([0, 31, 33, 64])('cannot be made from a seed of %i bytes', (length) => {
    for (const make of [identityFromSeed, browser.identityFromSeed]) {
      expect(() => make(new Uint8Array(length))).toThrow(
        expect.objectContaining({ code: 'bad-option', message: expect.stringContaining('32 bytes') }),
      );
    }
  });
});
