/**
 * What a peer proves itself with: an Ed25519 key pair whose public half is its address. This is the Node side, on
 * node:crypto; a browser makes the same identities from the same seeds in client/platform-browser.ts.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { OptionError } from '../protocol/errors.ts';
import { KEY_BYTES, type PeerId, peerIdOf } from '../protocol/peer-id.ts';

/** A key pair that can sign. The private half need not be in this process: `sign` may ask an agent, synchronously. */
export interface Identity {
  /** The address: 52 characters of lower-case base32. */
  readonly id: PeerId;
  /** The Ed25519 public key, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** The Ed25519 signature (RFC 8032) of `text`, 64 bytes. */
  sign(text: Uint8Array): Uint8Array;
}

/** Bytes of the seed that RFC 8032 calls the private key. */
export const SEED_BYTES = 32;

/** RFC 8410: the PKCS#8 wrapping of an Ed25519 seed is these 16 bytes, then the seed. */
const PKCS8_PREFIX = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20);

/** A fresh identity. It is lost with the process unless a key file keeps it: see `createKeyFile`. */
export function generateIdentity(): Identity {
  return identityOfKey(generateKeyPairSync('ed25519').privateKey);
}

/**
 * The identity of a seed: the same seed gives the same id in Node and in a browser.
 * @param seed 32 secret bytes.
 * @throws OptionError (`bad-option`) when it has another length.
 */
export function identityFromSeed(seed: Uint8Array): Identity {
  checkSeed(seed);
  const der = Buffer.concat([PKCS8_PREFIX, seed]);
  try {
    return identityOfKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
  } finally {
    der.fill(0);
  }
}

/** The identity of an Ed25519 private key of node:crypto. The key's type is the caller's to check. */
export function identityOfKey(privateKey: KeyObject): Identity {
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  const publicKey = new Uint8Array(spki.subarray(spki.length - KEY_BYTES));
  return {
    id: peerIdOf(publicKey),
    publicKey,
    sign: (text) => new Uint8Array(sign(null, text, privateKey)),
  };
}

function checkSeed(seed: unknown): void {
  if (seed instanceof Uint8Array && seed.length === SEED_BYTES) return;
  const got = seed instanceof Uint8Array ? `${seed.length} bytes` : typeof seed;
  throw new OptionError(`A seed must be a Uint8Array of ${SEED_BYTES} bytes, not ${got}.`);
}
