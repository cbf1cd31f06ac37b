import { ed25519 } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { identityFromSeed as browserIdentity } from '../../core/client/platform-browser.ts';
import {
  encodeRecord,
  parseRecord,
  type RecordContent,
  recordSignatureHolds,
} from '../../core/directory/record.ts';
import { identityFromSeed } from '../../core/identity/identity.ts';
import { verifySignature } from '../../core/identity/verify.ts';
import { SupernodeError } from '../../core/protocol/errors.ts';
import { MAX_NAME_BYTES, MAX_PROFILE_BYTES, MAX_RECORD_BYTES } from '../../core/protocol/limits.ts';
import { identity } from './world.ts';

const alice = identity(0);

const u53 = fc.maxSafeNat();
const name = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  .filter((text) => new TextEncoder().encode(text).length <= MAX_NAME_BYTES);
const plain = {
  seq: u53.map((seq) => Math.max(1, seq)),
  expiresMs: u53,
  searchable: fc.boolean(),
  profile: fc.uint8Array({ maxLength: MAX_PROFILE_BYTES }),
};
const content: fc.Arbitrary<RecordContent> = fc.oneof(
  fc.record({ ...plain, name: fc.option(name, { nil: undefined }) }),
  fc.record({ ...plain, heir: fc.uint8Array({ minLength: 32, maxLength: 32 }) }),
);

function accepts(bytes: Uint8Array): boolean {
  try {
    parseRecord(bytes);
  } catch (error) {
    if (error instanceof SupernodeError && error.code === 'bad-record') return false;
    throw error;
  }
  return recordSignatureHolds(bytes, verifySignature);
}

function example(changes: Partial<RecordContent> = {}): Uint8Array {
  return encodeRecord(alice, {
    seq: 7,
    expiresMs: 1_800_000_000_000,
    searchable: true,
    name: 'alice',
    profile: new TextEncoder().encode('{"mood":"here"}'),
    ...changes,
  });
}

describe('a record', () => {
  test('comes back as it was published, and verifies', () => {
    fc.assert(
      fc.property(content, (given) => {
        const bytes = encodeRecord(alice, given);
        expect(parseRecord(bytes)).toEqual({
          name: undefined,
          heir: undefined,
          ...given,
          key: alice.publicKey,
        });
        expect(recordSignatureHolds(bytes, verifySignature)).toBe(true);
      }),
    );
  });

  test('has one encoding: what parses encodes to the same bytes', () => {
    fc.assert(
      fc.property(content, (given) => {
        const bytes = encodeRecord(alice, given);
        expect(encodeRecord(alice, parseRecord(bytes))).toEqual(bytes);
      }),
      { numRuns: 50 },
    );
  });

  test('is the same from a browser, and each verifies the other', () => {
    const seed = new Uint8Array(32).fill(5);
    const inNode = encodeRecord(identityFromSeed(seed), parseRecord(example()));
    expect(encodeRecord(browserIdentity(seed), parseRecord(example()))).toEqual(inNode);
    expect(recordSignatureHolds(inNode, (key, text, signature) => ed25519.verify(signature, text, key))).toBe(
      true,
    );
  });

  test.each([
    ['with a name', example()],
    ['of a former owner', example({ name: undefined, heir: identity(1).publicKey })],
    ['with nothing in it', example({ name: undefined, profile: new Uint8Array(0) })],
  ])('%s is refused when any bit of it is flipped', (_kind, bytes) => {
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const altered = bytes.slice();
      altered[bit >> 3]! ^= 1 << (bit & 7);
      expect(accepts(altered), `bit ${bit}`).toBe(false);
    }
    expect(accepts(bytes)).toBe(true);
  });

  test('is refused when it is cut short or something follows', () => {
    const bytes = example();
    for (let length = 0; length < bytes.length; length++)
      expect(accepts(bytes.subarray(0, length))).toBe(false);
    expect(accepts(Uint8Array.of(...bytes, 0))).toBe(false);
    expect(accepts(new Uint8Array(MAX_RECORD_BYTES + 1))).toBe(false);
  });

  test('made of random or altered bytes never verifies', () => {
    const bytes = example();
    const altered = fc
      .array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 })
      .map((changes) => {
        const copy = bytes.slice();
        for (const [at, value] of changes) copy[at] = value;
        return copy;
      })
      .filter((copy) => Buffer.compare(copy, bytes) !== 0);
    const spliced = fc
      .tuple(fc.nat(bytes.length), fc.uint8Array({ maxLength: 64 }), fc.nat(bytes.length))
      .map(([head, middle, tail]) => Uint8Array.of(...bytes.slice(0, head), ...middle, ...bytes.slice(tail)))
      .filter((copy) => Buffer.compare(copy, bytes) !== 0);
    const random = fc.uint8Array({ maxLength: 400 });
    fc.assert(
      fc.property(fc.oneof(altered, spliced, random), (given) => {
        expect(accepts(given)).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });

  test('of another kind is refused: a signature counts for its own kind only', () => {
    const bytes = example();
    const text = Uint8Array.of(...new TextEncoder().encode('supernode.1 vault\n'), ...bytes.slice(64));
    bytes.set(alice.sign(text));
    expect(accepts(bytes)).toBe(false);
  });

  test('may be as large as the limit and no larger', () => {
    const largest = { name: 'n'.repeat(MAX_NAME_BYTES), profile: new Uint8Array(MAX_PROFILE_BYTES) };
    // The heir, which a record with a name has not.
    expect(example(largest).length).toBe(MAX_RECORD_BYTES - 32);
    expect(() => example({ profile: new Uint8Array(MAX_PROFILE_BYTES + 1) })).toThrow(
      /profile has 1025 bytes/,
    );
    expect(() => example({ name: 'n'.repeat(MAX_NAME_BYTES + 1) })).toThrow(/name has 64 bytes/);
  });

  test.each([
    ['sequence number is 0', { seq: 0 }],
    ['sequence number is 1.5', { seq: 1.5 }],
    ['sequence number is 9007199254740992', { seq: 2 ** 53 }],
    ['expiry is -1', { expiresMs: -1 }],
    ['expiry is NaN', { expiresMs: Number.NaN }],
    ['heir has 31 bytes', { name: undefined, heir: new Uint8Array(31) }],
    ['it names an heir, so it may not keep a name', { heir: new Uint8Array(32) }],
  ])('says what is wrong: %s', (what, changes) => {
    expect(() => example(changes)).toThrow(
      expect.objectContaining({ code: 'bad-record', message: expect.stringContaining(what) }),
    );
  });

  test('whose sequence number is too large for a double is refused, however it was signed', () => {
    const bytes = example();
    bytes.fill(0xff, 98, 106);
    bytes.set(
      alice.sign(Uint8Array.of(...new TextEncoder().encode('supernode.1 record\n'), ...bytes.slice(64))),
    );
    expect(() => parseRecord(bytes)).toThrow(/sequence number/);
  });

  test('with a name that is not UTF-8 is refused, however it was signed', () => {
    const bytes = example();
    bytes[115] = 0xff;
    bytes.set(
      alice.sign(Uint8Array.of(...new TextEncoder().encode('supernode.1 record\n'), ...bytes.slice(64))),
    );
    expect(() => parseRecord(bytes)).toThrow(/not UTF-8/);
  });
});

describe('verifySignature', () => {
  test('agrees with another implementation on whatever it is given', () => {
    const text = fc.uint8Array({ maxLength: 100 });
    fc.assert(
      fc.property(text, fc.nat(63), fc.nat(255), (message, at, value) => {
        const signature = alice.sign(message);
        expect(verifySignature(alice.publicKey, message, signature)).toBe(true);
        signature[at] = value;
        expect(verifySignature(alice.publicKey, message, signature)).toBe(
          ed25519.verify(signature, message, alice.publicKey, { zip215: false }),
        );
      }),
    );
  });

  test('is false for bytes that are no key and no signature', () => {
    const random = fc.uint8Array({ maxLength: 80 });
    fc.assert(
      fc.property(random, random, random, (key, text, signature) => {
        expect(verifySignature(key, text, signature)).toBe(false);
      }),
    );
    expect(verifySignature(new Uint8Array(32).fill(0xff), new Uint8Array(3), new Uint8Array(64))).toBe(false);
  });
});
