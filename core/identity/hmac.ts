/**
 * HMAC-SHA256 (RFC 2104) of short texts. Node makes an object of OpenSSL for each, which takes 4 to 5 us; two hashes of libsodium
 * take 2, in a thread that has loaded it. Coming back takes a shard one (ticket.ts).
 */
import { createHmac } from 'node:crypto';
import { loadedSodium } from './sodium.ts';

const BLOCK_BYTES = 64;
const HASH_BYTES = 32;
const MOST_TEXT_BYTES = 1024;
const INNER = 0x36;
const OUTER = 0x5c;

/** [key xor pad][text], and the same of the outer hash. */
const inner = new Uint8Array(BLOCK_BYTES + MOST_TEXT_BYTES);
const outer = new Uint8Array(BLOCK_BYTES + HASH_BYTES);
const innerHash = outer.subarray(BLOCK_BYTES);

export function hmacSha256(key: Uint8Array, text: Uint8Array): Uint8Array {
  const sodium = loadedSodium();
  if (sodium === null || key.length > BLOCK_BYTES || text.length > MOST_TEXT_BYTES) {
    return createHmac('sha256', key).update(text).digest();
  }
  for (let at = 0; at < BLOCK_BYTES; at++) {
    const byte = at < key.length ? key[at]! : 0;
    inner[at] = byte ^ INNER;
    outer[at] = byte ^ OUTER;
  }
  inner.set(text, BLOCK_BYTES);
  sodium.crypto_hash_sha256(innerHash, inner.subarray(0, BLOCK_BYTES + text.length));
  const mac = new Uint8Array(HASH_BYTES);
  sodium.crypto_hash_sha256(mac, outer);
  return mac;
}
