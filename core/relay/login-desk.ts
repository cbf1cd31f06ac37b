/**
 * Logins on their way through the main thread: from a shard to the directory pool (is the signature the peer's?), then
 * to the embedder's `authorize` (is the peer welcome?), then back to the shard as a verdict. Bounded: beyond
 * MAX_LOGINS_PENDING a login is told to come back.
 */
import { MAX_LOGINS_PENDING } from '../protocol/limits.ts';
import { peerIdOf } from '../protocol/peer-id.ts';
import type { Arrival, LoginProof, ProofAnswer, Verdict } from '../threads/messages.ts';
import { PROOFS_PER_TASK } from './limits.ts';
import type { Authorization, Login } from './options.ts';

export interface LoginDeskHost {
  /** One answer per proof; rejects when the pool is gone. */
  verify(proofs: LoginProof[]): Promise<ProofAnswer[]>;
  authorize: ((login: Login) => Authorization | Promise<Authorization>) | null;
  authorizeTimeoutMs: number;
  /** Tasks that the pool works on at once. */
  verifiers: number;
  answer(shard: number, verdicts: Verdict[]): void;
  warn(code: string, message: string): void;
}

interface Waiting {
  shard: number;
  proof: LoginProof;
  /** Once the proof is checked. */
  arrival?: Arrival;
}

/** What verifying one signature costs, for the time that a refused login is told to wait (docs/architecture.md). */
const VERIFY_MS = 0.15;
const LEAST_RETRY_MS = 1_000;

export class LoginDesk {
  readonly #host: LoginDeskHost;
  #queue: Waiting[] = [];
  #verifying = 0;
  /** Logins that are here: queued, being verified or being authorized. */
  #pending = 0;

  constructor(host: LoginDeskHost) {
    this.#host = host;
  }

  take(shard: number, proofs: LoginProof[]): void {
    const refused: Verdict[] = [];
    for (const proof of proofs) {
      if (this.#pending >= MAX_LOGINS_PENDING) {
        const retryAfterMs = Math.ceil(LEAST_RETRY_MS + this.#pending * VERIFY_MS);
        refused.push(refusal(proof, 'busy', 'Too many logins wait already.', retryAfterMs));
      } else {
        this.#pending++;
        if (proof.resumed) void this.#authorize({ shard, proof });
        else this.#queue.push({ shard, proof });
      }
    }
    if (refused.length > 0) this.#host.answer(shard, refused);
    this.#verifyNext();
  }

  #verifyNext(): void {
    while (this.#queue.length > 0 && this.#verifying < this.#host.verifiers) {
      this.#verifying++;
      void this.#verify(this.#queue.splice(0, PROOFS_PER_TASK));
    }
  }

  async #verify(batch: Waiting[]): Promise<void> {
    let proven: ProofAnswer[];
    try {
      proven = await this.#host.verify(batch.map(({ proof }) => proof));
    } catch (error) {
      this.#host.warn('verify-failed', `Login proofs could not be checked: ${(error as Error).message}`);
      for (const { shard, proof } of batch) {
        this.#settle(shard, refusal(proof, 'busy', 'The login could not be checked.', LEAST_RETRY_MS));
      }
      return;
    } finally {
      this.#verifying--;
      this.#verifyNext();
    }
    const verdicts = new Map<number, Verdict[]>();
    batch.forEach((waiting, index) => {
      const { ok, arrival } = proven[index]!;
      if (arrival !== null) waiting.arrival = arrival;
      if (ok && this.#host.authorize) {
        void this.#authorize(waiting);
        return;
      }
      this.#pending--;
      const { shard, proof } = waiting;
      const verdict = ok
        ? admission(waiting)
        : refusal(proof, 'bad-proof', 'The signature is not that of the peer over this login.');
      const list = verdicts.get(shard);
      if (list) list.push(verdict);
      else verdicts.set(shard, [verdict]);
    });
    for (const [shard, list] of verdicts) this.#host.answer(shard, list);
  }

  async #authorize(waiting: Waiting): Promise<void> {
    const { shard, proof } = waiting;
    const { client, resumed, ip } = proof;
    const login = { peer: peerIdOf(proof.peer), client, resumed, ip };
    let verdict = admission(waiting);
    try {
      const answer: unknown = await this.#inTime(login);
      const authorization = answer as Partial<Authorization> | null | undefined;
      if (authorization?.allowed !== true) {
        if (authorization?.allowed !== false) {
          this.#host.warn(
            'authorize-answer',
            'authorize answered neither allow nor deny(reason); the peer is kept out.',
          );
        }
        const reason = String(
          (authorization as { reason?: unknown } | undefined)?.reason ?? 'not authorized',
        );
        verdict = refusal(proof, 'denied', reason.slice(0, 200));
      }
    } catch (error) {
      this.#host.warn(
        'authorize-failed',
        `authorize failed, so the peer is kept out: ${(error as Error)?.message}`,
      );
      verdict = refusal(proof, 'busy', 'The login could not be authorized now.', LEAST_RETRY_MS);
    }
    this.#settle(shard, verdict);
  }

  async #inTime(login: Login): Promise<Authorization> {
    const { authorize, authorizeTimeoutMs } = this.#host;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`no answer within ${authorizeTimeoutMs} ms`)),
        authorizeTimeoutMs,
      );
    });
    try {
      return await Promise.race([authorize!(login), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #settle(shard: number, verdict: Verdict): void {
    this.#pending--;
    this.#host.answer(shard, [verdict]);
  }
}

function admission({ proof, arrival }: Waiting): Verdict {
  const { slot, generation } = proof;
  return { slot, generation, refusal: null, ...(arrival === undefined ? {} : { arrival }) };
}

function refusal(
  { slot, generation }: LoginProof,
  code: NonNullable<Verdict['refusal']>['code'],
  message: string,
  retryAfterMs?: number,
): Verdict {
  return {
    slot,
    generation,
    refusal: { code, message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
  };
}
