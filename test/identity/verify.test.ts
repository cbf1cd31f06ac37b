/** libsodium, OpenSSL and the browser's client must say the same of every signature. */
import { ed25519 } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { browserPlatform } from '../../core/client/platform-browser.ts';
import { verifyByOpenSsl, verifySignature } from '../../core/identity/verify.ts';

const ways = { libsodium: verifySignature, openssl: verifyByOpenSsl, browser: browserPlatform.verify };

function verdicts(key: Uint8Array, text: Uint8Array, signature: Uint8Array): boolean[] {
  return Object.values(ways).map((way) => way(key, text, signature));
}

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

test('a signature holds for its key and text, and for no other', () => {
  fc.assert(
    fc.property(
      bytes(32),
      fc.uint8Array({ maxLength: 200 }),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (seed, text, at, flip) => {
        const key = ed25519.getPublicKey(seed);
        const signature = ed25519.sign(text, seed);
        expect(verdicts(key, text, signature)).toEqual([true, true, true]);
        const flipped = (of: Uint8Array): Uint8Array =>
          of.map((byte, index) => (index === at % of.length ? byte ^ flip : byte));
        expect(verdicts(key, text, flipped(signature))).toEqual([false, false, false]);
        expect(verdicts(flipped(key), text, signature)).toEqual([false, false, false]);
        expect(verdicts(key, Uint8Array.of(...text, 0), signature)).toEqual([false, false, false]);
      },
    ),
    { numRuns: 50 },
  );
});

test('bytes that are no key or no signature prove nothing', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 70 }), (key, signature) => {
      expect(verdicts(key, Uint8Array.of(1), signature)).toEqual([false, false, false]);
    }),
    { numRuns: 200 },
  );
});

/** All encodings of points of small order, canonical or not, with either sign: with them R = A, S = 0 holds for one text in eight. */
const prime = 2n ** 255n - 19n;
const little = (value: bigint): Uint8Array =>
  Uint8Array.from({ length: 32 }, (_, at) => Number((value >> BigInt(8 * at)) & 0xffn));
const ofOrder8 = BigInt('0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826');
const smallOrder = [0n, 1n, ofOrder8, prime - ofOrder8, prime - 1n, prime, prime + 1n].flatMap((y) => [
  little(y),
  little(y | (1n << 255n)),
]);

test('nobody logs in with a key of small order, however it is written', () => {
  for (const key of smallOrder) {
    for (const r of smallOrder) {
      const signature = new Uint8Array(64);
      signature.set(r);
      for (let text = 0; text < 8; text++) {
        expect(verdicts(key, Uint8Array.of(text), signature)).toEqual([false, false, false]);
      }
    }
  }
});

test('OpenSSL alone would take one: the check above can fail', async () => {
  const { createPublicKey, verify } = await import('node:crypto');
  const neutral = little(1n);
  const key = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(neutral).toString('base64url') },
    format: 'jwk',
  });
  const signature = new Uint8Array(64);
  signature.set(neutral);
  expect(verify(null, Uint8Array.of(1), key, signature)).toBe(true);
});

test('a second name of a key is no key: y not below the prime', () => {
  // y = 2 + prime does not fit the check of small order; the same point as y = 2, if that is one.
  for (let y = 2n; y < 19n; y++) {
    expect(verdicts(little(prime + y), Uint8Array.of(1), new Uint8Array(64))).toEqual([false, false, false]);
  }
});

test('an S that is not below the order of the group is refused', () => {
  const seed = new Uint8Array(32).fill(7);
  const text = Uint8Array.of(1, 2, 3);
  const key = ed25519.getPublicKey(seed);
  const signature = ed25519.sign(text, seed);
  const order = ed25519.Point.Fn.ORDER;
  let s = 0n;
  for (let at = 63; at >= 32; at--) s = (s << 8n) | BigInt(signature[at]!);
  const again = signature.slice();
  again.set(little(s + order), 32);
  expect(verdicts(key, text, again)).toEqual([false, false, false]);
});

test('libsodium is what this test compares with, where its binary is', async () => {
  const { createRequire } = await import('node:module');
  expect(createRequire(import.meta.url)('sodium-native')).toHaveProperty('crypto_sign_verify_detached');
});
