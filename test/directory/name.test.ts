import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isNormalName, normalizeName } from '../../core/directory/name.ts';
import { SupernodeError } from '../../core/protocol/errors.ts';
import { MAX_NAME_BYTES } from '../../core/protocol/limits.ts';
import { identity } from './world.ts';

describe('a name', () => {
  test.each([
    ['alice', 'alice'],
    ['Alice', 'alice'],
    ['ＡＬＩＣＥ', 'alice'],
    ['𝐚𝐥𝐢𝐜𝐞', 'alice'],
    ['al\u00adice', 'alice'],
    ['e\u0301lan', 'élan'],
    ['Иван', 'иван'],
    ['日本語', '日本語'],
    ['straße', 'straße'],
    ["o'neil", 'o’neil'],
    ['a1b2c3', 'a1b2c3'],
    ['_service', '_service'],
    ['a'.repeat(63), 'a'.repeat(63)],
  ])('%j has the normal form %j', (given, normal) => {
    expect(normalizeName(given)).toBe(normal);
    expect(isNormalName(normal)).toBe(true);
    expect(isNormalName(given)).toBe(given === normal);
  });

  test.each([
    ['', /fewer than 3 characters/],
    ['ab', /fewer than 3 characters/],
    ['ab\u00ad', /fewer than 3 characters/],
    ['alice.bob', /contains a dot/],
    ['alice。bob', /disallowed character/],
    ['a'.repeat(64), /longer than 63 bytes/],
    ['я'.repeat(32), /longer than 63 bytes/],
    ['a'.repeat(100_000), /longer than 63 bytes/],
    ['pаypal', /illegal mixture: Latin \+ Cyrillic/],
    ['саре', /whole-script confusable: Cyrillic\/Latin/],
    ['alice😀', /contains an emoji/],
    ['©lub', /contains an emoji/],
    ['1️⃣23', /contains an emoji/],
    ['al ice', /disallowed character/],
    ['al\nice', /disallowed character/],
    ['al\u202eice', /disallowed character/],
    ['al\u200dice', /disallowed character/],
    ['al\ud800ice', /disallowed character/],
    ['xn--abc', /invalid label extension/],
    [identity(0).id, /reads as a peer id/],
    [identity(0).id.toUpperCase(), /reads as a peer id/],
  ])('%j is refused', (given, reason) => {
    expect(() => normalizeName(given)).toThrow(expect.objectContaining({ code: 'bad-name' }));
    expect(() => normalizeName(given)).toThrow(reason);
    expect(isNormalName(given)).toBe(false);
  });

  test('is refused in a message that is safe to print and short', () => {
    const hostile = fc.string({ unit: 'binary', maxLength: 300 });
    fc.assert(
      fc.property(hostile, (given) => {
        const message = refusal(given);
        if (message === null) return;
        expect(message.length).toBeLessThan(1_200);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
        expect(message).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/);
      }),
      { numRuns: 500 },
    );
  });

  test('is its own normal form, in bounds, whatever it was made of', () => {
    const scripts = fc.constantFrom(
      'abcz',
      'аеорсяж',
      'αβγδ',
      '日本語カナ',
      'שלום',
      'ابجد',
      'e\u0301\u0323',
      "-_$'’09",
    );
    const mixed = fc
      .array(
        scripts.chain((letters) => fc.constantFrom(...letters)),
        { minLength: 1, maxLength: 24 },
      )
      .map((letters) => letters.join(''));
    const one = scripts.chain((letters) =>
      fc.array(fc.constantFrom(...letters), { minLength: 1, maxLength: 24 }).map((some) => some.join('')),
    );
    const any = fc.oneof(mixed, one, fc.string({ unit: 'grapheme', maxLength: 30 }));
    fc.assert(
      fc.property(any, (given) => {
        if (refusal(given) !== null) return;
        const name = normalizeName(given);
        expect(normalizeName(name)).toBe(name);
        expect(name.normalize('NFC')).toBe(name);
        expect([...name].length).toBeGreaterThanOrEqual(3);
        expect(new TextEncoder().encode(name).length).toBeLessThanOrEqual(MAX_NAME_BYTES);
        expect(name).not.toContain('.');
        expect(name).not.toMatch(/\p{Emoji_Presentation}|\p{White_Space}|\p{Cc}|\p{Lu}/u);
      }),
      { numRuns: 2_000 },
    );
  });
});

function refusal(given: string): string | null {
  try {
    normalizeName(given);
    return null;
  } catch (error) {
    if (!(error instanceof SupernodeError) || error.code !== 'bad-name') throw error;
    return error.message;
  }
}
