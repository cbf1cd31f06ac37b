import * as fc from 'fast-check';
import { Packr, unpack } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { MAX_CONTROL_DEPTH, MAX_CONTROL_ENTRIES } from '../../core/protocol/limits.ts';
import { SCAN_REFUSED, SCAN_TRUNCATED, scanValue } from '../../core/protocol/scan.ts';
import { written } from './arbitraries.ts';

const packr = new Packr({ useRecords: false, variableMapSize: true });
const wideMaps = new Packr({ useRecords: false });

/** Throws when a byte at or beyond `end` is read. */
function fenced(bytes: Uint8Array, end: number): Uint8Array {
  return new Proxy(bytes, {
    get(target, key) {
      if (typeof key === 'string' && /^\d+$/.test(key) && Number(key) >= end) {
        throw new Error(`Byte ${key} was read, but only ${end} may be.`);
      }
      return Reflect.get(target, key, target);
    },
  });
}

const scalar = fc.oneof(
  fc.constantFrom(null, true, false),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
  fc.string({ unit: 'binary', maxLength: 400 }),
  fc.uint8Array({ maxLength: 400 }),
);
const nested = (depth: number): fc.Arbitrary<unknown> =>
  depth === 0
    ? scalar
    : fc.oneof(
        scalar,
        fc.array(nested(depth - 1), { maxLength: 6 }),
        fc.dictionary(fc.string({ maxLength: 40 }), nested(depth - 1), { maxKeys: 6 }),
      );

describe('scanValue', () => {
  it('ends where the value ends that msgpackr encoded', () => {
    fc.assert(
      fc.property(nested(MAX_CONTROL_DEPTH), fc.boolean(), fc.nat(9), (value, wide, before) => {
        const encoded = (wide ? wideMaps : packr).pack(value);
        const bytes = Buffer.concat([Buffer.alloc(before, 0xc1), encoded, Buffer.alloc(5, 0xc1)]);
        expect(scanValue(bytes, before, bytes.length)).toBe(before + encoded.length);
      }),
    );
  });

  it('ends where a value ends whose length no library computed, and msgpackr reads the same bytes', () => {
    fc.assert(
      fc.property(written(MAX_CONTROL_DEPTH), ({ bytes }) => {
        const value = Uint8Array.from([...bytes, 0x00]);
        expect(scanValue(value, 0, value.length)).toBe(bytes.length);
      }),
    );
    fc.assert(
      // Only leaves: msgpackr refuses maps whose keys are maps, which is a fault of the body and not of the length.
      fc.property(written(0), ({ bytes }) => {
        expect(() => unpack(Uint8Array.from(bytes))).not.toThrow();
      }),
    );
  });

  it('says "truncated" at every offset short of the end and reads nothing beyond', () => {
    fc.assert(
      fc.property(written(3), ({ bytes }) => {
        const value = Uint8Array.from(bytes);
        for (let end = 0; end < value.length; end++) {
          expect(scanValue(fenced(value, end), 0, end)).toBe(SCAN_TRUNCATED);
        }
        expect(scanValue(fenced(value, value.length), 0, value.length)).toBe(value.length);
      }),
      { numRuns: 60 },
    );
  });

  it('gives an end within the bytes or one of its two refusals, for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const end = scanValue(fenced(bytes, bytes.length), 0, bytes.length);
        const inside = end > 0 && end <= bytes.length;
        expect(inside || end === SCAN_TRUNCATED || end === SCAN_REFUSED).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('refuses extensions, 32-bit lengths but that of bytes, and the byte 0xc1, and no other first byte', () => {
    const refused = [0xc1, 0xc7, 0xc8, 0xc9, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xdb, 0xdd, 0xdf];
    for (let first = 0; first < 256; first++) {
      const bytes = new Uint8Array(70_000);
      bytes[0] = first;
      expect(scanValue(bytes, 0, bytes.length) === SCAN_REFUSED, `0x${first.toString(16)}`).toBe(
        refused.includes(first),
      );
    }
  });

  it('takes the length of bytes as 32 bits, however long they say they are', () => {
    const vault = new Uint8Array(70_005);
    vault.set([0xc6, 0, 0x01, 0x11, 0x70]);
    expect(scanValue(vault, 0, vault.length)).toBe(vault.length);
    expect(scanValue(vault, 0, vault.length - 1)).toBe(SCAN_TRUNCATED);
    const endless = Uint8Array.of(0xc6, 0xff, 0xff, 0xff, 0xff, 0);
    expect(scanValue(endless, 0, endless.length)).toBe(SCAN_TRUNCATED);
  });

  it('lets arrays and maps nest four deep, and no deeper', () => {
    const deep = (levels: number) => [...new Array<number>(levels).fill(0x91), 0x00];
    const maps = (levels: number) => [...new Array<number[]>(levels).fill([0x81, 0x00]).flat(), 0x00];
    for (const make of [deep, maps]) {
      const good = Uint8Array.from(make(MAX_CONTROL_DEPTH));
      expect(scanValue(good, 0, good.length)).toBe(good.length);
      const bad = Uint8Array.from(make(MAX_CONTROL_DEPTH + 1));
      expect(scanValue(bad, 0, bad.length)).toBe(SCAN_REFUSED);
    }
  });

  it('takes 32 entries and refuses 33, of a map or an array', () => {
    const array = (entries: number) =>
      Uint8Array.from([0xdc, 0, entries, ...new Array<number>(entries).fill(0)]);
    const map = (entries: number) =>
      Uint8Array.from([0xde, 0, entries, ...new Array<number>(entries * 2).fill(0)]);
    for (const make of [array, map]) {
      const good = make(MAX_CONTROL_ENTRIES);
      expect(scanValue(good, 0, good.length)).toBe(good.length);
      const bad = make(MAX_CONTROL_ENTRIES + 1);
      expect(scanValue(bad, 0, bad.length)).toBe(SCAN_REFUSED);
    }
  });

  it('refuses a claim of many entries before it looks at one', () => {
    for (const first of [0xdc, 0xde]) {
      expect(scanValue(fenced(Uint8Array.of(first, 0xff, 0xff), 3), 0, 3)).toBe(SCAN_REFUSED);
    }
  });
});
