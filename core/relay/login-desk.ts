/**
 * Logins on their way through the main thread: admission (is there room, or when will there be: core/overload), then from
 * the shard to the directory pool (is the signature the peer's?), then to the embedder's `authorize` (is the peer
 * welcome?), then back to the shard as a verdict.
 *
 *   take --> admission --> verify --> authorize --> verdict        a resume was verified by its shard
 *                '-- refused: busy, with a turn to come back in
 */
import * as v from 'valibot';
import { Admission, type Refused } from '../overload/admission.ts';
import { OptionError } from '../protocol/errors.ts';
import { MAX_LOGINS_PENDING } from '../protocol/limits.ts';
import { peerIdOf } from '../protocol/peer-id.ts';
import { type Budget, DEFAULT_ACCOUNT } from '../threads/accounts.ts';
import { keyText } from '../threads/key-text.ts';
import type { Arrival, LoginProof, ProofAnswer, Verdict } from '../threads/messages.ts';
import type { WhyReason } from '../threads/why-reasons.ts';
import { type BudgetOptions, budgetSchema, resolveBudget, TENANT_LABEL } from './budget-options.ts';
import { PROOFS_PER_TASK, TROUBLE_EVERY_MS } from './limits.ts';
import { type LoginWaits, Waits } from './login-waits.ts';
import type { Authorization, Login } from './options.ts';
import type { Tenants } from './tenants.ts';

export interface LoginDeskHost {
  /** One answer per proof; rejects when the pool is gone. */
  verify(proofs: LoginProof[]): Promise<ProofAnswer[]>;
  authorize: ((login: Login) => Authorization | Promise<Authorization>) | null;
  authorizeTimeoutMs: number;
  /** Tasks that the pool works on at once. */
  verifiers: number;
  /** See AdmissionOptions.maxLoginsPerSec. */
  maxLoginsPerSec: number | 'measured';
  /** How long the login must stay away for its version's sake; 0: not at all. */
  delayMs(proof: LoginProof, now: number): number;
  /** null: peers have no tenants. */
  tenants: Pick<Tenants, 'admit' | 'retryAfterMs'> | null;
  /** Whether the peer is logged in already: the login takes that one's place. */
  isHere(peer: Uint8Array): boolean;
  answer(shard: number, verdicts: Verdict[]): void;
  warn(code: string, message: string): void;
}

interface Waiting {
  shard: number;
  proof: LoginProof;
  since: number;
  /** Once the proof is checked. */
  arrival?: Arrival;
}

/** How the desk stands: part of a relay's stats. */
export interface LoginDeskStats {
  /** Logins per second: the option's, or as measured. */
  perSec: number;
  /** Logins that wait, are being checked or authorized. */
  pending: number;
  /** Peers that were told when to come back, and have not yet. */
  turns: number;
  /** After how long the last of them is due, milliseconds. */
  backlogMs: number;
  /** Whether it serves the newest first and sheds what waited long. */
  overloaded: boolean;
  /** Logins that were told to come back, since the start. */
  refused: number;
  /** How long logins waited to be checked, milliseconds, over the last 10 to 20 s. */
  waitMs: LoginWaits;
}

/** What verifying one signature costs, until it was measured here (docs/architecture.md). */
const VERIFY_MS = 0.15;
/** When a login could not be decided on, for a reason that is not the load. */
const RETRY_MS = 1_000;
/**
 * While logins wait, those that waited too long are looked for this often, and those whose turn it is are taken together: a
 * task for each costs the threads as much again as its signature.
 */
const LOOK_MS = 20;
/** So long after a login was refused more are expected to be. */
const REFUSES_MS = 100;

export class LoginDesk {
  readonly #host: LoginDeskHost;
  readonly #admission: Admission<Waiting>;
  readonly #waits = new Waits();
  #verifying = 0;
  /** Taken from admission and not settled. */
  #working = 0;
  #refused = 0;
  #look: NodeJS.Timeout | null = null;
  /** The rate allows none just now: at the next look those are taken for which there is room then. */
  #gathers = false;
  #refusedAt = Number.NEGATIVE_INFINITY;
  #warnAt = Number.NEGATIVE_INFINITY;

  constructor(host: LoginDeskHost) {
    this.#host = host;
    this.#admission = new Admission({
      perSec: host.maxLoginsPerSec,
      initialPerSec: (host.verifiers * 1_000) / VERIFY_MS,
      mostPending: MAX_LOGINS_PENDING,
      random: Math.random,
    });
  }

  take(shard: number, proofs: LoginProof[]): void {
    const now = performance.now();
    const refused: Refused<Waiting>[] = [];
    for (const proof of proofs) {
      const delayMs = this.#host.delayMs(proof, now);
      if (delayMs > 0) {
        const message = 'Clients of this version fail too often, so they wait before each login.';
        this.#host.answer(shard, [refusal(proof, 'busy', message, delayMs, 'version-delayed')]);
        continue;
      }
      const waiting = { shard, proof, since: now };
      const who = keyText(proof.peer);
      const answer = this.#admission.offer(waiting, proof.resumed ? 'resume' : 'full', now, who);
      if (answer) refused.push({ item: waiting, retryAfterMs: answer.retryAfterMs });
    }
    this.#refuse(refused, now);
    if (!this.#gathers) this.#next();
  }

  /** After how long the last of those who were told to come back is due, milliseconds. */
  get backlogMs(): number {
    return Math.round(this.#admission.backlogMs(performance.now()));
  }

  /** Whether it serves the newest first and sheds what waited long. */
  get overloaded(): boolean {
    return this.#admission.overloaded;
  }

  stats(): LoginDeskStats {
    const now = performance.now();
    const admission = this.#admission;
    return {
      perSec: admission.perSec,
      pending: admission.queued + this.#working,
      turns: admission.turns,
      backlogMs: this.backlogMs,
      overloaded: this.overloaded,
      refused: this.#refused,
      waitMs: this.#waits.read(now),
    };
  }

  /** Takes what may be taken now, and looks again while anything waits. */
  #next(): void {
    for (;;) {
      const now = performance.now();
      const most = this.#verifying < this.#host.verifiers ? this.#room() : 0;
      const { batch, refused } = this.#admission.take(most, now);
      this.#refuse(refused, now);
      if (batch.length === 0) break;
      this.#working += batch.length;
      for (const { since } of batch) this.#waits.add(now - since, now);
      this.#work(batch);
    }
    if (this.#admission.queued > 0 && this.#look === null) {
      const now = performance.now();
      const nextMs = Math.ceil(this.#admission.nextMs(now));
      // A lower rate has room for no more than one in that time, which is lost if nobody takes it.
      this.#gathers = nextMs > 0 && this.#admission.perSec * LOOK_MS >= 1_000;
      // With no rate it is the verifiers that are busy, and who is done looks by itself: only those who waited too long are left. While
      // logins are refused they are told bit by bit, not 20 ms of them at once.
      const soonMs = nextMs > 0 ? nextMs : now - this.#refusedAt < REFUSES_MS ? 1 : LOOK_MS;
      const ms = this.#gathers ? LOOK_MS : Math.min(LOOK_MS, soonMs);
      this.#look = setTimeout(() => {
        this.#look = null;
        this.#gathers = false;
        this.#next();
      }, ms);
      this.#look.unref();
    }
  }

  /** Logins under way are bounded too: `authorize` may take its time. */
  #room(): number {
    return Math.min(PROOFS_PER_TASK, MAX_LOGINS_PENDING - this.#working);
  }

  #work(batch: Waiting[]): void {
    const proofs: Waiting[] = [];
    for (const waiting of batch) {
      if (!waiting.proof.resumed) proofs.push(waiting);
      else if (this.#host.authorize) void this.#authorize(waiting);
      // A version that is watched: its shard sends the resumes here to be admitted.
      else this.#settle(waiting.shard, admitted(waiting));
    }
    if (proofs.length === 0) return;
    this.#verifying++;
    void this.#verify(proofs);
  }

  async #verify(batch: Waiting[]): Promise<void> {
    let proven: ProofAnswer[];
    try {
      proven = await this.#host.verify(batch.map(({ proof }) => proof));
    } catch (error) {
      this.#host.warn('verify-failed', `Login proofs could not be checked: ${(error as Error).message}`);
      for (const { shard, proof } of batch) {
        const message = 'The login could not be checked.';
        this.#settle(shard, refusal(proof, 'busy', message, RETRY_MS, 'verify-failed'));
      }
      return;
    } finally {
      this.#verifying--;
      if (!this.#gathers) this.#next();
    }
    const verdicts = new Map<number, Verdict[]>();
    let settled = 0;
    batch.forEach((waiting, index) => {
      const { ok, arrival } = proven[index]!;
      if (arrival !== null) waiting.arrival = arrival;
      if (ok && this.#host.authorize) {
        void this.#authorize(waiting);
        return;
      }
      settled++;
      const { shard, proof } = waiting;
      const verdict = ok
        ? admitted(waiting)
        : refusal(proof, 'bad-proof', 'The signature is not that of the peer over this login.');
      const list = verdicts.get(shard);
      if (list) list.push(verdict);
      else verdicts.set(shard, [verdict]);
    });
    if (settled > 0) this.#done(settled);
    for (const [shard, list] of verdicts) this.#host.answer(shard, list);
  }

  async #authorize(waiting: Waiting): Promise<void> {
    const { shard, proof } = waiting;
    const { client, resumed, ip } = proof;
    const login = { peer: peerIdOf(proof.peer), client, resumed, ip };
    let verdict = admitted(waiting);
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
      } else {
        verdict = this.#granted(waiting, grantOf(authorization as Grant));
      }
    } catch (error) {
      this.#host.warn(
        'authorize-failed',
        `authorize failed, so the peer is kept out: ${(error as Error)?.message}`,
      );
      const message = 'The login could not be authorized now.';
      verdict = refusal(proof, 'busy', message, RETRY_MS, 'authorize-failed');
    }
    this.#settle(shard, verdict);
  }

  /** It is welcome: is there room for its tenant? */
  #granted(waiting: Waiting, { tenant, budget }: ReturnType<typeof grantOf>): Verdict {
    const { tenants, isHere } = this.#host;
    if (tenants === null) {
      const account = DEFAULT_ACCOUNT;
      return budget === null ? admitted(waiting) : { ...admitted(waiting), granted: { account, budget } };
    }
    const { peer } = waiting.proof;
    const account = tenants.admit(tenant, isHere(peer), performance.now());
    if (account === null) {
      const message = 'This tenant has as many sessions as it may.';
      return refusal(waiting.proof, 'tenant-full', message, tenants.retryAfterMs(Math.random));
    }
    return { ...admitted(waiting), granted: { account, budget } };
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
    this.#done(1);
    this.#host.answer(shard, [verdict]);
  }

  #done(n: number): void {
    this.#working -= n;
    this.#admission.done(n, performance.now());
  }

  #refuse(refused: Refused<Waiting>[], now: number): void {
    if (refused.length === 0) return;
    this.#refused += refused.length;
    this.#refusedAt = now;
    const verdicts = new Map<number, Verdict[]>();
    for (const { item, retryAfterMs } of refused) {
      const verdict = refusal(
        item.proof,
        'busy',
        'More log in than this relay can take now; come back in your turn.',
        retryAfterMs,
      );
      const list = verdicts.get(item.shard);
      if (list) list.push(verdict);
      else verdicts.set(item.shard, [verdict]);
    }
    for (const [shard, list] of verdicts) this.#host.answer(shard, list);
    if (now - this.#warnAt < TROUBLE_EVERY_MS) return;
    this.#warnAt = now;
    const { backlogMs } = this;
    const { perSec } = this.#admission;
    this.#host.warn(
      'logins-refused',
      `More log in than this relay takes, ${Math.round(perSec)} per second: ${this.#refused} were told to come back so far, the last of them in ${Math.ceil(backlogMs / 1_000)} s.`,
    );
  }
}

type Grant = Extract<Authorization, { allowed: true }>;

/** @throws when the answer of `authorize` is none. */
function grantOf({ tenant, budget }: Grant): { tenant: string | undefined; budget: Budget | null } {
  if (tenant !== undefined && (typeof tenant !== 'string' || !TENANT_LABEL.test(tenant))) {
    throw new OptionError('its tenant must be 1 to 64 printable ASCII characters without spaces');
  }
  if (budget === undefined) return { tenant, budget: null };
  const parsed = v.safeParse(budgetSchema, budget);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const name = issue.path?.map((item) => String(item.key)).join('.') ?? '';
    throw new OptionError(`its budget${name && `.${name}`} must be ${issue.message}`);
  }
  return { tenant, budget: resolveBudget(parsed.output as BudgetOptions) };
}

function admitted({ proof, arrival }: Waiting): Verdict {
  const { slot, generation } = proof;
  return { slot, generation, refusal: null, ...(arrival === undefined ? {} : { arrival }) };
}

function refusal(
  { slot, generation }: LoginProof,
  code: NonNullable<Verdict['refusal']>['code'],
  message: string,
  retryAfterMs?: number,
  why?: WhyReason,
): Verdict {
  return {
    slot,
    generation,
    refusal: {
      code,
      message,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...(why === undefined ? {} : { why }),
    },
  };
}
