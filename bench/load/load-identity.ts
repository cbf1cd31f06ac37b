/** Identities of a load that signs all the time: by libsodium where its binary loads, in half of OpenSSL's time. */
import { generateIdentity, type Identity } from '../../core/identity/identity.ts';
import { loadSodium } from '../../core/identity/sodium.ts';
import { peerIdOf } from '../../core/protocol/peer-id.ts';

interface Signer {
  crypto_sign_keypair(publicKey: Uint8Array, secretKey: Uint8Array): void;
  crypto_sign_detached(signature: Uint8Array, text: Uint8Array, secretKey: Uint8Array): void;
}

/** A fresh identity. Its secret key lies in this process's memory as bytes: it is for a bench only. */
export function loadIdentity(): Identity {
  const sodium = loadSodium() as Partial<Signer> | null;
  if (!sodium?.crypto_sign_keypair || !sodium.crypto_sign_detached) return generateIdentity();
  const { crypto_sign_keypair, crypto_sign_detached } = sodium as Signer;
  const publicKey = new Uint8Array(32);
  const secretKey = new Uint8Array(64);
  crypto_sign_keypair(publicKey, secretKey);
  return {
    // In text it takes as long as the key pair, and few loads ask for it.
    get id() {
      return peerIdOf(publicKey);
    },
    publicKey,
    sign(text) {
      const signature = new Uint8Array(64);
      crypto_sign_detached(signature, text, secretKey);
      return signature;
    },
  };
}
