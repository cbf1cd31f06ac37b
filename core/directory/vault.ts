/**
 * A peer's vault: bytes that only the peer can read, kept by the relay for all of the peer's devices (docs/protocol.md §12.9).
 *
 *   0..63      Ed25519 signature over "supernode.1 vault\n" and bytes 64 to the end
 *   64         version, 1
 *   65..96     the peer's key
 *   97..104    revision, u64, 1 .. 2^53 - 1
 *   105..128   nonce, random
 *   129..      XChaCha20-Poly1305 of the content; bytes 64..104 are authenticated with it
 *
 * The signature is for the relay, which cannot open the vault but must not take a stranger's. The key comes by HKDF from
 * a signature, since an Identity need not show its private key: Ed25519 signatures are deterministic (RFC 8032), and
 * this one is never sent. The nonce has 24 bytes, so random ones do not repeat. Runs in browsers.
 */
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import type { Identity } from '../identity/identity.ts';
import { SupernodeError } from '../protocol/errors.ts';
import { MAX_VAULT_BYTES } from '../protocol/limits.ts';
import { KEY_BYTES } from '../protocol/peer-id.ts';
import { getU64, putU64, sameBytes } from './bytes.ts';
import { SIGNATURE_BYTES, signatureHolds, signInPlace, utf8Bytes, type Verify } from './signed.ts';

const DOMAIN = utf8Bytes('supernode.1 vault\n');
const KEY_TEXT = utf8Bytes('supernode.1 vault key\n');
const KEY_INFO = utf8Bytes('supernode.1 vault');
const VERSION = 1;
const VERSION_AT = SIGNATURE_BYTES;
const KEY_AT = VERSION_AT + 1;
const REVISION_AT = KEY_AT + KEY_BYTES;
const NONCE_AT = REVISION_AT + 8;
const NONCE_BYTES = 24;
const CONTENT_AT = NONCE_AT + NONCE_BYTES;
const TAG_BYTES = 16;

/** What a vault holds at most. */
export const MAX_VAULT_CONTENT_BYTES = MAX_VAULT_BYTES - CONTENT_AT - TAG_BYTES;

/** What the relay can read of a vault. */
export interface VaultHead {
  key: Uint8Array;
  revision: number;
}

/**
 * Encrypts and signs.
 * @param revision one more than that of the vault which this one replaces; 1 for the first.
 * @throws SupernodeError `bad-vault` when the content is larger than MAX_VAULT_CONTENT_BYTES or the revision no u53.
 */
export function sealVault(identity: Identity, revision: number, content: Uint8Array): Uint8Array {
  if (content.length > MAX_VAULT_CONTENT_BYTES) {
    throw badVault(`its content has ${content.length} bytes; at most ${MAX_VAULT_CONTENT_BYTES} are allowed`);
  }
  checkRevision(revision);
  const bytes = new Uint8Array(CONTENT_AT + content.length + TAG_BYTES);
  bytes[VERSION_AT] = VERSION;
  bytes.set(identity.publicKey, KEY_AT);
  putU64(bytes, REVISION_AT, revision);
  crypto.getRandomValues(bytes.subarray(NONCE_AT, CONTENT_AT));
  bytes.set(cipherOf(identity, bytes).encrypt(content), CONTENT_AT);
  signInPlace(identity, DOMAIN, bytes);
  return bytes;
}

/**
 * What `sealVault` was given.
 * @throws SupernodeError `bad-vault` when it is not this identity's, its signature does not hold, or it was altered.
 */
export function openVault(
  identity: Identity,
  bytes: Uint8Array,
  verify: Verify,
): { revision: number; content: Uint8Array } {
  const { key, revision } = parseVault(bytes);
  if (!sameBytes(key, identity.publicKey)) throw badVault('it is of another key');
  if (!vaultSignatureHolds(bytes, verify)) throw badVault('its signature does not hold');
  try {
    return { revision, content: cipherOf(identity, bytes).decrypt(bytes.subarray(CONTENT_AT)) };
  } catch (cause) {
    throw badVault('it cannot be decrypted', { cause });
  }
}

/**
 * Reads a vault's head; does not verify it.
 * @throws SupernodeError `bad-vault`, with what is wrong.
 */
export function parseVault(bytes: Uint8Array): VaultHead {
  if (bytes.length < CONTENT_AT + TAG_BYTES || bytes.length > MAX_VAULT_BYTES) {
    const allowed = `${CONTENT_AT + TAG_BYTES} to ${MAX_VAULT_BYTES}`;
    throw badVault(`it has ${bytes.length} bytes; ${allowed} are allowed`);
  }
  if (bytes[VERSION_AT] !== VERSION) throw badVault(`its version is ${bytes[VERSION_AT]}, not ${VERSION}`);
  const revision = getU64(bytes, REVISION_AT);
  checkRevision(revision);
  return { key: bytes.slice(KEY_AT, REVISION_AT), revision };
}

/** Whether the vault's signature is that of the key in it. `bytes` must have passed parseVault. */
export function vaultSignatureHolds(bytes: Uint8Array, verify: Verify): boolean {
  return signatureHolds(bytes.subarray(KEY_AT, REVISION_AT), DOMAIN, bytes, verify);
}

function cipherOf(identity: Identity, bytes: Uint8Array) {
  const key = hkdf(sha256, identity.sign(KEY_TEXT), undefined, KEY_INFO, 32);
  return xchacha20poly1305(key, bytes.subarray(NONCE_AT, CONTENT_AT), bytes.subarray(VERSION_AT, NONCE_AT));
}

function checkRevision(revision: number): void {
  if (Number.isSafeInteger(revision) && revision >= 1) return;
  throw badVault(`its revision is ${revision}; 1 to 2^53 - 1 is allowed`);
}

function badVault(what: string, options?: { cause: unknown }): SupernodeError {
  return new SupernodeError('bad-vault', `The vault is not valid: ${what}.`, options);
}
