/**
 * The peers, as columns: a row each, no objects. The world alone writes them.
 *
 *   off --begin--> waiting --attempt--> asking --served--> online
 *    ^                ^                    |                 |
 *    |                '--- refused, late --'                 |
 *    '---- crash, reboot ------------------------------------+--- relay lost, or another login --> waiting
 *
 * Sessions of a relay are a doubly linked list through `nextOf` and `beforeOf`.
 */
import type { Relay } from './relay.ts';

export const OFF = 0;
export const WAITING = 1;
export const ASKING = 2;
export const ONLINE = 3;

const NONE = -1;

export class Peers {
  readonly count: number;
  readonly state: Uint8Array;
  /** The relay it is at, or was at last. */
  readonly relay: Int16Array;
  readonly attempt: Uint8Array;
  /** Counts attempts, so that an answer to an old one is known. */
  readonly round: Uint16Array;
  readonly askedMs: Int32Array;
  /** The window of 10 minutes in which this login was last asked for; -1: not yet. */
  readonly window: Int16Array;
  /** Runs the version that crashes, and is one of those that do. */
  readonly crashes: Uint8Array;
  /** Its session will end in a crash. */
  readonly doomed: Uint8Array;
  readonly #nextOf: Int32Array;
  readonly #beforeOf: Int32Array;
  /** How many are in each state. */
  readonly counts = [0, 0, 0, 0];

  constructor(count: number) {
    this.count = count;
    this.state = new Uint8Array(count);
    this.counts[OFF] = count;
    this.relay = new Int16Array(count).fill(NONE);
    this.attempt = new Uint8Array(count);
    this.round = new Uint16Array(count);
    this.askedMs = new Int32Array(count);
    this.window = new Int16Array(count).fill(NONE);
    this.crashes = new Uint8Array(count);
    this.doomed = new Uint8Array(count);
    this.#nextOf = new Int32Array(count).fill(NONE);
    this.#beforeOf = new Int32Array(count).fill(NONE);
  }

  become(peer: number, state: number): void {
    this.counts[this.state[peer]!]!--;
    this.counts[state]!++;
    this.state[peer] = state;
  }

  join(peer: number, relay: Relay): void {
    this.become(peer, ONLINE);
    this.relay[peer] = relay.id;
    const next = relay.first;
    this.#nextOf[peer] = next;
    this.#beforeOf[peer] = NONE;
    if (next !== NONE) this.#beforeOf[next] = peer;
    relay.first = peer;
    relay.sessions++;
  }

  leave(peer: number, relay: Relay): void {
    const next = this.#nextOf[peer]!;
    const before = this.#beforeOf[peer]!;
    if (before === NONE) relay.first = next;
    else this.#nextOf[before] = next;
    if (next !== NONE) this.#beforeOf[next] = before;
    relay.sessions--;
  }

  nextOf(peer: number): number {
    return this.#nextOf[peer]!;
  }
}
