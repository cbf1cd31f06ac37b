/**
 * A peer that does what a relay that leaves tells it (docs/protocol.md §8.2), over raw sockets so that thousands fit into a
 * process:
 *
 *   in --moving--> in --drained--> away --retryAfterMs + jitter--> (login at the successors in their order) --> in
 */
import type { Identity } from '../../core/identity/identity.ts';
import { type BackoffBounds, fullJitterMs } from '../../core/overload/backoff.ts';
import { ControlPeer, type PeerHost } from '../load/scenarios/control-peer.ts';
import { RelayRefusal } from '../load/scenarios/refusal.ts';

/** docs/protocol.md §7. */
const BACKOFF: BackoffBounds = { baseMs: 250, capMs: 30_000 };

export interface MovingHost extends PeerHost {
  /** The connection has ended: it was told to, or it broke. */
  lost(peer: MovingPeer): void;
  back(peer: MovingPeer): void;
}

export class MovingPeer {
  readonly identity: Identity;
  readonly #host: MovingHost;
  readonly #random: () => number;
  #url: string;
  #peer: ControlPeer | null = null;
  /** Whether tickets of one relay are good at the next: they have the same key. */
  readonly #oneKey: boolean;
  #ticket: ControlPeer['ticket'] = null;
  #moving: { retryAfterMs: number; successors?: string[] | undefined } | null = null;
  #stopped = false;
  failures = 0;

  constructor(url: string, identity: Identity, oneKey: boolean, random: () => number, host: MovingHost) {
    this.#url = url;
    this.identity = identity;
    this.#oneKey = oneKey;
    this.#random = random;
    this.#host = host;
  }

  /** Null while it is away. */
  get here(): ControlPeer | null {
    return this.#peer;
  }

  /** Whether its last login was by a ticket. */
  get resumed(): boolean {
    return this.#peer?.resumed ?? false;
  }

  async logIn(url = this.#url): Promise<void> {
    const ticket = this.#oneKey ? this.#ticket : null;
    const peer = await ControlPeer.login(url, this.identity, ticket, this.#host);
    this.#url = url;
    this.#moving = null;
    this.#ticket = peer.ticket;
    if (this.#stopped) {
      peer.leave();
      return;
    }
    this.#peer = peer;
    peer.onmoving = (moving) => {
      this.#moving = moving;
    };
    peer.onended = () => {
      this.#peer = null;
      this.#host.lost(this);
      this.#comeBack();
    };
  }

  leave(): void {
    this.#stopped = true;
    this.#peer?.leave();
    this.#peer = null;
  }

  #comeBack(): void {
    const urls = [...(this.#moving?.successors ?? []), this.#url];
    const attempt = (order: number, tries: number, leastMs: number): void => {
      if (this.#stopped) return;
      const waitMs = leastMs + fullJitterMs(tries, BACKOFF, this.#random);
      setTimeout(() => {
        if (this.#stopped) return;
        this.logIn(urls[order % urls.length]).then(
          () => this.#host.back(this),
          (error: unknown) => {
            this.failures++;
            const retryAfterMs = error instanceof RelayRefusal ? error.retryAfterMs : null;
            const hasTurn = retryAfterMs !== null && (error as RelayRefusal).code === 'busy';
            attempt(hasTurn ? order : order + 1, tries + 1, retryAfterMs ?? 0);
          },
        );
      }, waitMs);
    };
    attempt(0, 0, this.#moving?.retryAfterMs ?? 0);
  }
}
