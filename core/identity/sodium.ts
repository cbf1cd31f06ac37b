/** libsodium, where its binary loads: an optional dependency, as there is none for every system. */
import { createRequire } from 'node:module';

export interface Sodium {
  crypto_sign_verify_detached(signature: Uint8Array, text: Uint8Array, key: Uint8Array): boolean;
  crypto_hash_sha256(hash: Uint8Array, text: Uint8Array): void;
  /** Keyed BLAKE2b (RFC 7693), as long as `hash`. */
  crypto_generichash(hash: Uint8Array, text: Uint8Array, key: Uint8Array): void;
}

/** undefined: not loaded yet. It takes 40 ms, and most programs have no need of it. */
let sodium: Sodium | null | undefined;

/** null: there is none. */
export function loadSodium(): Sodium | null {
  if (sodium === undefined) sodium = load();
  return sodium;
}

/** null: there is none, or it was not loaded. */
export function loadedSodium(): Sodium | null {
  return sodium ?? null;
}

function load(): Sodium | null {
  try {
    const loaded = createRequire(import.meta.url)('sodium-native') as Partial<Sodium>;
    const { crypto_sign_verify_detached, crypto_hash_sha256, crypto_generichash } = loaded;
    const isWhole = [crypto_sign_verify_detached, crypto_hash_sha256, crypto_generichash].every(
      (one) => typeof one === 'function',
    );
    return isWhole ? (loaded as Sodium) : null;
  } catch {
    return null;
  }
}
