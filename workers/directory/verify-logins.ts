/** Login proofs: one Ed25519 signature each; with it goes what the directory says of the peer, for the shard. */
import type { Directory } from '../../core/directory/directory.ts';
import { verifySignature } from '../../core/identity/verify.ts';
import { loginText } from '../../core/protocol/login-text.ts';
import type { Arrival, LoginProof, ProofAnswer, VerifyTask } from '../../core/threads/messages.ts';
import { noteTrouble, theDirectory } from './store.ts';

/** Whether each proof's signature is the peer's over this login. */
export function verifyLogins({ relayKey, proofs }: VerifyTask): ProofAnswer[] {
  const proven = proofs.map(({ peer, nonce, signature, client }) =>
    verifySignature(peer, loginText(relayKey, nonce, peer, client), signature),
  );
  const arrivals = arrivalsOf(proofs.filter((_, index) => proven[index]));
  let next = 0;
  return proven.map((ok) => ({ ok, arrival: ok ? (arrivals[next++] ?? null) : null }));
}

/** A login depends on no store: a peer of which nothing can be read comes in, and is asked for again. */
function arrivalsOf(proofs: readonly LoginProof[]): (Arrival | null)[] {
  try {
    const directory: Directory | null = theDirectory();
    if (directory === null) return [];
    return directory
      .read(proofs.map(({ peer }) => ({ t: 'arrive', peer })))
      .map((answer) => (answer.t === 'arrive' && !('failed' in answer) ? answer : null));
  } catch (error) {
    noteTrouble(error);
    return [];
  }
}
