/**
 * Peers that log in, leave, and log in again. Each is in one place:
 *
 *   out --begin--> trying --ready--> in --(longest in) begin--> trying
 *                  trying --refused--> waiting --its time--> trying       (the same login, the same due time)
 *                  trying --refused for good--> given up
 */

import type { Identity } from '../../../core/identity/identity.ts';
import { type BackoffBounds, fullJitterMs } from '../../../core/overload/backoff.ts';
import { ControlPeer, type PeerHost, type Ticket } from './control-peer.ts';
import { faultOf } from './deadline.ts';
import type { Draws } from './draws.ts';
import type { LoginCounts } from './login-counts.ts';
import type { Span } from './operation.ts';
import { RelayRefusal } from './refusal.ts';
import type { LoginProofKind } from './scenario.ts';

/** docs/protocol.md §7: full jitter up to 250 ms x 2^n, at most 30 s. */
const BACKOFF: BackoffBounds = { baseMs: 250, capMs: 30_000 };
/** Codes after which a client comes back by itself (docs/protocol.md §7). */
const COMES_BACK = new Set(['busy', 'relay-full', 'login-timeout', 'overloaded', 'slow-reader', 'internal']);

interface Comer {
  identity: Identity;
  ticket: Ticket | null;
  peer: ControlPeer | null;
}

export interface CrowdHost extends PeerHost {
  /** A login ended, or a peer is free again: there may be something to begin. */
  freed(): void;
}

export class LoginCrowd {
  readonly #address: string;
  readonly #draws: Draws;
  readonly #counts: LoginCounts;
  readonly #host: CrowdHost;
  #out: Comer[];
  readonly #in = new Set<Comer>();
  readonly #waiting = new Map<Comer, { timer: NodeJS.Timeout; span: Span }>();
  #trying = 0;
  #givenUp = 0;
  #proof: LoginProofKind = 'signature';

  constructor(address: string, identities: Identity[], draws: Draws, counts: LoginCounts, host: CrowdHost) {
    this.#address = address;
    this.#draws = draws;
    this.#counts = counts;
    this.#host = host;
    this.#out = identities.map((identity) => ({ identity, ticket: null, peer: null }));
  }

  get trying(): number {
    return this.#trying;
  }

  get loggedIn(): number {
    return this.#in.size;
  }

  get givenUp(): number {
    return this.#givenUp;
  }

  /** What the next logins prove themselves with. */
  prove(proof: LoginProofKind): void {
    this.#proof = proof;
  }

  /** Peers that have no ticket yet, and could get one. */
  get withoutTicket(): number {
    return this.#out.filter(({ ticket }) => ticket === null).length;
  }

  /** Begins a login of the next peer. @returns false when every peer is trying, waiting or given up. */
  begin(dueAtMs: number): boolean {
    const comer = this.#out.shift() ?? this.#longestIn();
    if (!comer) return false;
    void this.#try(comer, this.#counts.login.begin(dueAtMs), 0);
    return true;
  }

  /** Those that wait for a next try are out again. */
  stopWaiting(): void {
    for (const [comer, { timer, span }] of this.#waiting) {
      clearTimeout(timer);
      this.#counts.login.drop(span);
      this.#out.push(comer);
    }
    this.#waiting.clear();
  }

  leave(): void {
    this.stopWaiting();
    for (const comer of this.#in) {
      comer.peer?.leave();
      comer.peer = null;
      this.#out.push(comer);
    }
    this.#in.clear();
  }

  #longestIn(): Comer | null {
    const [comer] = this.#in;
    if (!comer) return null;
    this.#in.delete(comer);
    comer.peer?.leave();
    comer.peer = null;
    return comer;
  }

  async #try(comer: Comer, span: Span, tries: number): Promise<void> {
    this.#trying++;
    const { login, handshake } = this.#counts;
    const ticket = this.#proof === 'ticket' ? comer.ticket : null;
    const startedAtMs = performance.now();
    const shake = handshake.begin(startedAtMs);
    try {
      const peer = await ControlPeer.login(this.#address, comer.identity, ticket, this.#host);
      const readyAtMs = performance.now();
      handshake.end(shake, readyAtMs);
      login.end(span, readyAtMs);
      if (peer.ticketRefused) this.#counts.ticketsRefused++;
      comer.ticket = peer.ticket;
      comer.peer = peer;
      this.#in.add(comer);
    } catch (error) {
      handshake.drop(shake);
      if (error instanceof RelayRefusal) this.#refused(comer, span, tries, error);
      else this.#host.broke(faultOf(error), null);
    }
    this.#trying--;
    this.#host.freed();
  }

  #refused(comer: Comer, span: Span, tries: number, refusal: RelayRefusal): void {
    this.#counts.countRefusal(refusal);
    if (!COMES_BACK.has(refusal.code)) {
      this.#counts.login.drop(span);
      this.#givenUp++;
      return;
    }
    const refusedAtMs = performance.now();
    const jitterMs = fullJitterMs(tries, BACKOFF, () => this.#draws.uniform());
    // A timer may fire a millisecond early.
    const waitMs = Math.ceil(Math.max(jitterMs, refusal.retryAfterMs ?? 0)) + 1;
    const timer = setTimeout(() => {
      this.#waiting.delete(comer);
      this.#counts.countRetry(refusal, performance.now() - refusedAtMs);
      void this.#try(comer, span, tries + 1);
    }, waitMs);
    this.#waiting.set(comer, { timer, span });
  }
}
