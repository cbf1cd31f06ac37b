/**
 * Who logs in, in a storm: peers that obey, each of which comes back when it was told to and stays once it is in; and peers
 * that do not wait, which come again as soon as they were refused, at whatever rate is left of the storm's, and leave when
 * they get in only to come again. Every attempt is a fresh connection and a valid signature.
 */
import { LoadFault } from '../load/fault.ts';
import { loadIdentity } from '../load/load-identity.ts';
import {
  type AttemptHost,
  type Comer,
  LoginAttempt,
  type LoginRefusal,
  type Target,
  targetOf,
} from '../load/login-attempt.ts';

/** Peers do not come in groups: the shorter a step, the fewer begin in one. */
const STEP_MS = 1;
/**
 * What the load could not begin in time is caught up with at no more than this many times the storm's rate, and a step makes up
 * for no more than MOST_STEP_MS. Peers on machines of their own do not come 200 at once because one process was held up for
 * 100 ms: such a burst held up calls by 8 ms, in which the relay did nothing but accept.
 */
const MOST_TIMES_RATE = 2;
const MOST_STEP_MS = 16;

interface Peer extends Comer {
  obeys: boolean;
  /** When it came first, and when it was in; performance.now(). */
  cameAtMs: number;
  inAtMs: number;
  attempts: number;
}

export interface CrowdPlan {
  address: string;
  obeying: number;
  hasty: number;
  /** Sockets at once, of both. */
  sockets: number;
  attemptsPerSec: number;
  attempts: number;
}

export class Crowd implements AttemptHost {
  readonly #plan: CrowdPlan;
  readonly #target: Target;
  readonly #obeying: Peer[];
  readonly #hasty: Peer[];
  /** Those of the obeying whose time has come. */
  #due: Peer[] = [];
  readonly #under = new Set<LoginAttempt>();
  readonly #in = new Set<LoginAttempt>();
  readonly #refused: Record<string, number> = {};
  #timer: NodeJS.Timeout | null = null;
  #owed = 0;
  #at = 0;
  #attempts = 0;
  #hastyLogins = 0;
  #mostSockets = 0;
  #beganMs = 0;
  #lastBegunMs = 0;

  constructor(plan: CrowdPlan) {
    this.#plan = plan;
    this.#target = targetOf(plan.address);
    const some = (count: number, obeys: boolean): Peer[] =>
      Array.from({ length: count }, () => ({
        identity: loadIdentity(),
        ticket: null,
        obeys,
        cameAtMs: 0,
        inAtMs: 0,
        attempts: 0,
      }));
    this.#obeying = some(plan.obeying, true);
    this.#hasty = some(plan.hasty, false);
  }

  /** Those who do not wait begin. */
  begin(): void {
    this.#at = performance.now();
    this.#beganMs = this.#at;
    this.#timer = setInterval(() => this.#step(), STEP_MS);
  }

  /** All who obey want in from now on. */
  release(): void {
    this.#due = [...this.#obeying];
  }

  get done(): boolean {
    return this.#attempts >= this.#plan.attempts && this.inCount === this.#obeying.length;
  }

  get inCount(): number {
    return this.#obeying.filter(({ inAtMs }) => inAtMs > 0).length;
  }

  figures() {
    const came = this.#obeying.filter(({ cameAtMs }) => cameAtMs > 0);
    const inside = came.filter(({ inAtMs }) => inAtMs > 0);
    const first = came.reduce((least, { cameAtMs }) => Math.min(least, cameAtMs), Number.POSITIVE_INFINITY);
    const last = inside.reduce((most, { inAtMs }) => Math.max(most, inAtMs), 0);
    const attempts = came.reduce((sum, peer) => sum + peer.attempts, 0);
    // Attempts of those who had a turn: beyond the first one, which told them that there is a crowd.
    const refusedFirst = came.filter((peer) => peer.attempts > 1);
    const inTurn = refusedFirst.reduce((sum, peer) => sum + peer.attempts - 1, 0);
    return {
      attempts: this.#attempts,
      begunForMs: this.#lastBegunMs - this.#beganMs,
      refused: { ...this.#refused },
      mostSockets: this.#mostSockets,
      hastyLogins: this.#hastyLogins,
      obeying: came.length,
      in: inside.length,
      allInMs: last - first,
      attemptsEach: attempts / Math.max(1, came.length),
      attemptsInTurn: inTurn / Math.max(1, refusedFirst.length),
    };
  }

  stop(): void {
    clearInterval(this.#timer ?? undefined);
    for (const attempt of [...this.#under, ...this.#in]) attempt.leave();
    this.#under.clear();
    this.#in.clear();
  }

  greeted(attempt: LoginAttempt): void {
    attempt.send(attempt.prepare('signature'));
  }

  ended(attempt: LoginAttempt, error: LoginRefusal | LoadFault | null): void {
    if (!this.#under.delete(attempt)) return;
    const peer = attempt.comer as Peer;
    if (error === null && peer.obeys) {
      peer.inAtMs = performance.now();
      this.#in.add(attempt);
      return;
    }
    // A connection that failed says no time: a second, as a client's first back-off may be.
    let waitMs = 1_000;
    if (error === null) {
      this.#hastyLogins++;
      attempt.leave();
    } else if (error instanceof LoadFault) {
      this.#count(error.fault);
    } else {
      this.#count(error.code);
      waitMs = error.retryAfterMs ?? waitMs;
    }
    if (peer.obeys) setTimeout(() => this.#due.push(peer), waitMs);
    else this.#hasty.push(peer);
  }

  #count(refusal: string): void {
    this.#refused[refusal] = (this.#refused[refusal] ?? 0) + 1;
  }

  /** As many attempts as are owed since the last step, within bounds: first of those whose turn it is. */
  #step(): void {
    const now = performance.now();
    const { attemptsPerSec, sockets, attempts } = this.#plan;
    this.#owed = Math.min(attemptsPerSec, this.#owed + ((now - this.#at) * attemptsPerSec) / 1_000);
    const stepMs = Math.min(MOST_STEP_MS, now - this.#at);
    let most = Math.ceil((MOST_TIMES_RATE * attemptsPerSec * stepMs) / 1_000);
    this.#at = now;
    for (; this.#owed >= 1 && most > 0 && this.#under.size + this.#in.size < sockets; this.#owed--, most--) {
      const peer = this.#due.shift() ?? (this.#attempts < attempts ? this.#hasty.shift() : undefined);
      if (peer === undefined) break;
      if (peer.attempts === 0) peer.cameAtMs = now;
      peer.attempts++;
      this.#attempts++;
      this.#lastBegunMs = now;
      this.#under.add(new LoginAttempt(this.#target, peer, this, false));
    }
    this.#mostSockets = Math.max(this.#mostSockets, this.#under.size + this.#in.size);
  }
}
