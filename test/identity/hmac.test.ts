/** Both ways to make an HMAC must give the same. */
import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { hmacSha256 } from '../../core/identity/hmac.ts';

const keys = fc.uint8Array({ maxLength: 80 });
const texts = fc.uint8Array({ maxLength: 1_100 });

function agrees(mac: typeof hmacSha256): void {
  fc.assert(
    fc.property(keys, texts, (key, text) => {
      const expected = createHmac('sha256', key).update(text).digest();
      expect(Buffer.from(mac(key, text))).toEqual(expected);
    }),
  );
}

test('is that of Node, without libsodium and with it', async () => {
  // Other tests of this process may have loaded it.
  vi.resetModules();
  const sodium = await import('../../core/identity/sodium.ts');
  const hmac = await import('../../core/identity/hmac.ts');
  expect(sodium.loadedSodium()).toBe(null);
  agrees(hmac.hmacSha256);
  expect(sodium.loadSodium()).not.toBe(null);
  expect(sodium.loadedSodium()).not.toBe(null);
  agrees(hmac.hmacSha256);
});

test('is that of RFC 4231', () => {
  const mac = hmacSha256(Buffer.from('Jefe'), Buffer.from('what do ya want for nothing?'));
  expect(Buffer.from(mac).toString('hex')).toBe(
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  );
});

test('gives each a buffer of its own', () => {
  const first = hmacSha256(Buffer.from('a'), Buffer.from('text'));
  const copy = first.slice();
  hmacSha256(Buffer.from('b'), Buffer.from('text'));
  expect(first).toEqual(copy);
});
