/**
 * Public keys of small order: with one of them a signature proves nothing, since anybody can make one that holds for every
 * text. And encodings of a coordinate that is not below the prime: a second name for the same key. libsodium refuses both;
 * OpenSSL takes them, so they are looked for before it is asked.
 */
import { KEY_BYTES } from '../protocol/peer-id.ts';

/** y of the points whose order divides 8, little-endian and without the sign of x (RFC 8032, 5.1). */
const SMALL_ORDER = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]);
const LAST = KEY_BYTES - 1;
/** The lowest byte of 2^255 - 19; those above are 255, and the highest one 127. */
const PRIME_LOWEST = 0xed;

export function isWeakKey(key: Uint8Array): boolean {
  const y = Buffer.from(key);
  y[LAST]! &= 0x7f;
  return isAtLeastPrime(y) || SMALL_ORDER.has(y.toString('hex'));
}

function isAtLeastPrime(y: Uint8Array): boolean {
  if (y[LAST] !== 0x7f || y[0]! < PRIME_LOWEST) return false;
  for (let at = 1; at < LAST; at++) if (y[at] !== 0xff) return false;
  return true;
}
