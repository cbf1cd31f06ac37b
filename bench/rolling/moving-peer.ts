/**
 * A peer that does what a relay that leaves tells it (docs/protocol.md §8.2), over raw sockets so that thousands fit into a
 * process:
 *
 *   in --moving--> in --drained--> away --retryAfterMs + jitter--> (login at the successors in their order) --> in
 *
 * When it tries is the client's own policy (core/client/comeback.ts).
 */
import { Comeback } from '../../core/client/comeback.ts';
import { DEFAULT_RECONNECT } from '../../core/client/options.ts';
import type { Identity } from '../../core/identity/identity.ts';
import { ControlPeer, type PeerHost } from '../load/scenarios/control-peer.ts';
import { RelayRefusal } from '../load/scenarios/refusal.ts';

export interface MovingHost extends PeerHost {
  /** The connection has ended: it was told to, or it broke. */
  lost(peer: MovingPeer): void;
  back(peer: MovingPeer): void;
}

export class MovingPeer {
  readonly identity: Identity;
  readonly #host: MovingHost;
  readonly #comeback: Comeback;
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
    this.#comeback = new Comeback(DEFAULT_RECONNECT, random);
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
    this.#comeback.connected(performance.now());
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

  /** The first login: comes back in its turn as often as the relay is too busy. */
  async logInPatiently(): Promise<void> {
    for (;;) {
      try {
        return await this.logIn();
      } catch (error) {
        if (!(error instanceof RelayRefusal) || error.retryAfterMs === null) throw error;
        this.#comeback.told(error.retryAfterMs);
        await new Promise((resolve) => setTimeout(resolve, this.#comeback.nextMs(performance.now())));
      }
    }
  }

  leave(): void {
    this.#stopped = true;
    this.#peer?.leave();
    this.#peer = null;
  }

  #comeBack(): void {
    const successors = this.#moving?.successors ?? [];
    const urls = [...successors, this.#url];
    if (this.#moving !== null) {
      this.#comeback.told(this.#moving.retryAfterMs);
      if (successors.length === 0) this.#comeback.restarts(performance.now());
    }
    const attempt = (order: number): void => {
      setTimeout(() => {
        if (this.#stopped) return;
        this.logIn(urls[order % urls.length]).then(
          () => this.#host.back(this),
          (error: unknown) => {
            this.failures++;
            const retryAfterMs = error instanceof RelayRefusal ? error.retryAfterMs : null;
            if (retryAfterMs !== null) this.#comeback.told(retryAfterMs);
            const hasTurn = retryAfterMs !== null && (error as RelayRefusal).code === 'busy';
            attempt(hasTurn ? order : order + 1);
          },
        );
      }, this.#comeback.nextMs(performance.now()));
    };
    attempt(0);
  }
}
