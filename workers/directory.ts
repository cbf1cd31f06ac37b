/** The directory worker: short, batched tasks that would cost the shards too much. Today: login proofs. */
import { createPublicKey, verify } from 'node:crypto';
import { loginText } from '../core/protocol/login-text.ts';
import type { VerifyTask } from '../core/threads/messages.ts';

/** SubjectPublicKeyInfo of an Ed25519 key, without the 32 bytes of the key (RFC 8410 §4). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** One boolean per proof: whether its signature is the peer's over this login. */
export function verifyLogins({ relayKey, proofs }: VerifyTask): boolean[] {
  return proofs.map(({ peer, nonce, signature, client }) => {
    try {
      const key = createPublicKey({
        key: Buffer.concat([SPKI_PREFIX, peer]),
        format: 'der',
        type: 'spki',
      });
      return verify(null, loginText(relayKey, nonce, peer, client), key, signature);
    } catch {
      // Bytes that are no point of the curve prove nothing.
      return false;
    }
  });
}
