/**
 * A flood of logins, each over a fresh connection, by keys that sign correctly. As many as one core makes (`closed`), or in
 * waves: many connect and hold their proofs back, then all proofs go out at a rate that no relay takes (`waves`). One core
 * cannot sign, connect and log in at ten times what a relay's core takes; with what it did before, it can.
 *
 *   wave: connect `sockets`, sign each | send all proofs at ratePerSec | each leaves when it is answered
 */
import { setTimeout as after } from 'node:timers/promises';
import { LoadFault } from './fault.ts';
import { LatencyRecorder } from './latency.ts';
import { loadIdentity } from './load-identity.ts';
import {
  type AttemptHost,
  type Comer,
  LoginAttempt,
  type LoginRefusal,
  type Target,
  targetOf,
} from './login-attempt.ts';
import type { AnyLoginProof } from './scenarios/scenario.ts';

/** Connections that a wave makes at a time. */
const CONNECTING = 64;
const POLL_MS = 2;
const DRAIN_DEADLINE_MS = 25_000;

export interface FloodCounts {
  done: number;
  refused: Record<string, number>;
}

export class LoginFlood implements AttemptHost {
  readonly #target: Target;
  readonly #fail: (fault: LoadFault) => void;
  readonly #out: Comer[];
  readonly #in: LoginAttempt[] = [];
  readonly #under = new Set<LoginAttempt>();
  /** Of a wave: those that wait for their proofs to be sent. */
  readonly #greeted: { attempt: LoginAttempt; message: Uint8Array }[] = [];
  #proof: AnyLoginProof = 'signature';
  #holdBack = false;
  #leavesAtOnce = false;
  /** Who is in stays. */
  #stay = false;
  #beginMost = 0;
  #beginning = false;
  #latency = new LatencyRecorder();
  #counts: FloodCounts = { done: 0, refused: {} };

  constructor(address: string, peers: number, fail: (fault: LoadFault) => void) {
    this.#target = targetOf(address);
    this.#fail = fail;
    this.#out = Array.from({ length: peers }, () => ({ identity: loadIdentity(), ticket: null }));
  }

  /** From now on; the latency is that of connection and login. */
  reset(): void {
    this.#latency = new LatencyRecorder();
    this.#counts = { done: 0, refused: {} };
  }

  get counts(): FloodCounts {
    return this.#counts;
  }

  histogram(): string {
    return this.#latency.encode();
  }

  /** So many logins are under way from now on; who has been in for longest leaves and comes again. */
  begin(concurrency: number, proof: AnyLoginProof): void {
    this.#proof = proof;
    this.#leavesAtOnce = false;
    this.#beginMost = concurrency;
    this.#pump();
  }

  /** All come, so many at a time, and stay until `leave`. Resolves when all are in. */
  async comeAll(concurrency: number, proof: AnyLoginProof): Promise<void> {
    this.#stay = true;
    this.begin(concurrency, proof);
    await this.#until(() => this.#under.size === 0 && this.#out.length === 0, 'logins of a crowd');
    this.#beginMost = 0;
    this.#stay = false;
  }

  /** No more logins begin; resolves when those under way have ended, and everybody has left. */
  async stop(): Promise<void> {
    this.#beginMost = 0;
    await this.#until(() => this.#under.size === 0, 'logins under way');
    this.leave();
  }

  /** One wave. @returns the rate at which the proofs went out. */
  async wave(sockets: number, ratePerSec: number): Promise<number> {
    this.#proof = 'signature';
    this.#holdBack = true;
    this.#leavesAtOnce = true;
    for (let begun = 0; begun < sockets; ) {
      while (begun < sockets && this.#under.size - this.#greeted.length < CONNECTING) {
        if (!this.#beginOne()) break;
        begun++;
      }
      if (begun < sockets) await after(1);
    }
    await this.#until(() => this.#greeted.length >= this.#under.size, 'connections of a wave');
    const perSec = await this.#sendAll(ratePerSec);
    this.#holdBack = false;
    await this.#until(() => this.#under.size === 0, 'logins of a wave');
    return perSec;
  }

  leave(): void {
    for (const attempt of this.#in.splice(0)) {
      attempt.leave();
      this.#out.push(attempt.comer);
    }
  }

  abandon(): void {
    this.#beginMost = 0;
    for (const attempt of this.#under) attempt.leave();
    this.#under.clear();
    this.#greeted.length = 0;
    this.leave();
  }

  greeted(attempt: LoginAttempt): void {
    const message = attempt.prepare(this.#proof);
    if (this.#holdBack) this.#greeted.push({ attempt, message });
    else attempt.send(message);
  }

  ended(attempt: LoginAttempt, error: LoginRefusal | LoadFault | null): void {
    if (!this.#under.delete(attempt)) return;
    if (error === null) {
      this.#counts.done++;
      this.#latency.record(performance.now() - attempt.startedAtMs);
      if (this.#leavesAtOnce) {
        attempt.leave();
        this.#out.push(attempt.comer);
      } else {
        this.#in.push(attempt);
      }
    } else {
      this.#out.push(attempt.comer);
      const { refused } = this.#counts;
      const code = error instanceof LoadFault ? error.fault : error.code;
      refused[code] = (refused[code] ?? 0) + 1;
      // A flood may be turned away in any way, but nothing may come that is wrong.
      if (error instanceof LoadFault && error.fault === 'corrupted') this.#fail(error);
    }
    this.#beginSoon();
  }

  #beginSoon(): void {
    if (this.#beginning || this.#beginMost === 0) return;
    this.#beginning = true;
    setImmediate(() => {
      this.#beginning = false;
      this.#pump();
    });
  }

  #pump(): void {
    while (this.#under.size < this.#beginMost && this.#beginOne());
  }

  #beginOne(): boolean {
    let comer = this.#out.shift();
    if (!comer) {
      const longestIn = this.#stay ? undefined : this.#in.shift();
      if (!longestIn) return false;
      longestIn.leave();
      comer = longestIn.comer;
    }
    this.#under.add(new LoginAttempt(this.#target, comer, this, this.#proof === 'early'));
    return true;
  }

  async #sendAll(ratePerSec: number): Promise<number> {
    const startedAtMs = performance.now();
    const all = this.#greeted.splice(0);
    let sent = 0;
    while (sent < all.length) {
      const due = Math.min(all.length, ((performance.now() - startedAtMs) * ratePerSec) / 1000);
      for (; sent < due; sent++) all[sent]!.attempt.send(all[sent]!.message);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return (sent * 1000) / (performance.now() - startedAtMs);
  }

  async #until(done: () => boolean, what: string): Promise<void> {
    const deadline = performance.now() + DRAIN_DEADLINE_MS;
    while (!done()) {
      if (performance.now() > deadline)
        throw new LoadFault('broken', `There were ${what} for ${DRAIN_DEADLINE_MS} ms after the last began.`);
      await after(POLL_MS);
    }
  }
}
