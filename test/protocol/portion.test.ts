/** Parts of one buffer, as safe as buffers of their own. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { portion } from '../../core/protocol/portion.ts';

test('a part is zeros, of the length that was asked for, and nobody else writes to it', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(9_000), { minLength: 1, maxLength: 60 }), (lengths) => {
      const parts = lengths.map((length, index) => {
        const part = portion(length);
        expect(part.length).toBe(length);
        expect(part.every((byte) => byte === 0)).toBe(true);
        return part.fill((index % 255) + 1);
      });
      parts.forEach((part, index) => {
        expect(part.every((byte) => byte === (index % 255) + 1)).toBe(true);
      });
    }),
  );
});

test('a large one keeps no small one', () => {
  expect(portion(8_192).buffer.byteLength).toBe(8_192);
  expect(portion(1 << 20).buffer.byteLength).toBe(1 << 20);
});
