/**
 * Checks Ed25519 signatures of keys that come off the wire (Node side): by libsodium where its binary loads, in 60 us,
 * else by OpenSSL, which takes twice as long. Both say the same of every key, text and signature (test/identity/verify.test.ts),
 * and so does the browser's client.
 */
import { createPublicKey, verify } from 'node:crypto';
import { KEY_BYTES } from '../protocol/peer-id.ts';
import { loadSodium } from './sodium.ts';
import { isWeakKey } from './weak-key.ts';

const SIGNATURE_BYTES = 64;

/**
 * Whether `signature` is the Ed25519 signature (RFC 8032) of `text` by the key; false for bytes that are no key, and for
 * keys that make anybody's signature good (weak-key.ts).
 */
export function verifySignature(publicKey: Uint8Array, text: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false;
  const sodium = loadSodium();
  if (sodium === null) return verifyByOpenSsl(publicKey, text, signature);
  return sodium.crypto_sign_verify_detached(signature, text, publicKey);
}

/**
 * The key goes in as a JWK: OpenSSL 3 then takes the 32 bytes as they are. As DER, the obvious way, it first tries its
 * decoders one after the other, which costs more than the verification itself (Node 20: 6-30 us against 90-450 us).
 */
export function verifyByOpenSsl(publicKey: Uint8Array, text: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== KEY_BYTES || isWeakKey(publicKey)) return false;
  try {
    const x = Buffer.from(publicKey.buffer, publicKey.byteOffset, KEY_BYTES).toString('base64url');
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    return verify(null, text, key, signature);
  } catch {
    // Bytes that are no point of the curve prove nothing.
    return false;
  }
}
