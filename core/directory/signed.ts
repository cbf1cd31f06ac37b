/**
 * What records and vaults have in common (docs/protocol.md §12): a signature, and then the bytes that it covers. The text
 * that is signed begins with the kind's own line, so that no signature of one kind is good for another.
 */
import type { Identity } from '../identity/identity.ts';

/** An Ed25519 signature's bytes: the head of every record and vault. */
export const SIGNATURE_BYTES = 64;

/** Whether `signature` is the key's over `text`. In Node: `verifySignature` of identity/verify.ts. */
export type Verify = (publicKey: Uint8Array, text: Uint8Array, signature: Uint8Array) => boolean;

const encoder = new TextEncoder();

export function utf8Bytes(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Fills in the first SIGNATURE_BYTES of `bytes`. */
export function signInPlace(identity: Identity, domain: Uint8Array, bytes: Uint8Array): void {
  bytes.set(identity.sign(signedText(domain, bytes)));
}

export function signatureHolds(
  publicKey: Uint8Array,
  domain: Uint8Array,
  bytes: Uint8Array,
  verify: Verify,
): boolean {
  return verify(publicKey, signedText(domain, bytes), bytes.subarray(0, SIGNATURE_BYTES));
}

function signedText(domain: Uint8Array, bytes: Uint8Array): Uint8Array {
  const covered = bytes.subarray(SIGNATURE_BYTES);
  const text = new Uint8Array(domain.length + covered.length);
  text.set(domain);
  text.set(covered, domain.length);
  return text;
}
