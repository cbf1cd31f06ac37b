/** Login proofs: one Ed25519 signature each; with it goes what the directory says of the peer, for the shard. */
import type { Directory } from '../../core/directory/directory.ts';
import { loadSodium } from '../../core/identity/sodium.ts';
import { verifySignature } from '../../core/identity/verify.ts';
import { loginText } from '../../core/protocol/login-text.ts';
import { type PackedProofAnswers, packProofAnswers, unpackProofs } from '../../core/threads/login-posts.ts';
import type { Arrival, LoginProof, VerifyTask } from '../../core/threads/messages.ts';
import { noteTrouble, theDirectory } from './store.ts';

/**
 * After so many signatures the thread sleeps for a moment. A low priority alone does not let a shard on the same core run
 * as soon as a packet comes: Linux leaves a thread its turn of up to 4 ms. Eight signatures take half a millisecond. Elsewhere
 * it does not sleep: on Windows the shortest sleep is 15 ms.
 */
const SIGNATURES_AT_ONCE = process.platform === 'linux' ? 8 : Number.POSITIVE_INFINITY;
/** Milliseconds; the kernel makes 50 to 60 us of it. */
const SLEEP_MS = 0.001;

// Before the relay is there: a first batch that waits for it would be taken for the rate at which logins are done.
loadSodium();

const never = new Int32Array(new SharedArrayBuffer(4));

/** Whether each proof's signature is the peer's over this login. */
export function verifyLogins({ relayKey, proofs: packed }: VerifyTask): PackedProofAnswers {
  const proofs = unpackProofs(packed);
  const proven = proofs.map(({ peer, nonce, signature, client }, index) => {
    if (index > 0 && index % SIGNATURES_AT_ONCE === 0) Atomics.wait(never, 0, 0, SLEEP_MS);
    return verifySignature(peer, loginText(relayKey, nonce, peer, client), signature);
  });
  const arrivals = arrivalsOf(proofs.filter((_, index) => proven[index]));
  let next = 0;
  return packProofAnswers(proven.map((ok) => ({ ok, arrival: ok ? (arrivals[next++] ?? null) : null })));
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
