/**
 * Login proofs on their way to the main thread. While two batches are being checked, the proofs that come wait and make up
 * the next one (as Nagle's algorithm does with bytes): in a flood of logins a post, two wake-ups and a task of the pool
 * serve many, and a login alone waits for nothing.
 */
import type { LoginProof } from '../../core/threads/messages.ts';

/** While one is checked, the other one is on its way. */
const MOST_OUT = 2;
/** As many as a task of the directory pool takes. */
const MOST_PROOFS = 64;

export class ProofBatches {
  readonly #post: (proof: LoginProof) => void;
  #gathered: LoginProof[] = [];
  /** Of each batch that is out, oldest first: how many verdicts are still to come. */
  readonly #out: number[] = [];

  /** @param post sends all that it is given in one turn together. */
  constructor(post: (proof: LoginProof) => void) {
    this.#post = post;
  }

  add(proof: LoginProof): void {
    this.#gathered.push(proof);
    if (this.#out.length < MOST_OUT || this.#gathered.length >= MOST_PROOFS) this.#send();
  }

  /** A verdict has come, of whichever batch: with several verifiers the order is theirs, but every proof gets one. */
  answered(): void {
    if (this.#out.length === 0) return;
    this.#out[0]!--;
    if (this.#out[0]! > 0) return;
    this.#out.shift();
    if (this.#gathered.length > 0) this.#send();
  }

  #send(): void {
    const proofs = this.#gathered;
    this.#gathered = [];
    this.#out.push(proofs.length);
    for (const proof of proofs) this.#post(proof);
  }
}
