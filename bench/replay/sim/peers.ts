/**
 * The peers, as a row each, no objects. The world alone writes them.
 *
 *   off --begin--> waiting --attempt--> asking --served--> online
 *    ^                ^                    |                 |
 *    |                '--- refused, late --'                 |
 *    '---- crash, reboot ------------------------------------+--- relay lost, or another login --> waiting
 *
 *   a row    the wheel's (12 bytes) | asked ms 4 | next 4 | before 4 | round 2 | window 2 | relay 2 | state 1 | attempt 1
 *
 * Sessions of a relay are a doubly linked list through `next` and `before`. What is seldom asked is in columns.
 */
import type { Relay } from './relay.ts';
import { ROW_WORDS, WHEEL_WORDS } from './wheel.ts';

export const OFF = 0;
export const WAITING = 1;
export const ASKING = 2;
export const ONLINE = 3;

const NONE = -1;
const MOST_ATTEMPTS = 255;

/** A row, and where its fields are, in units of their size. */
const WORDS = ROW_WORDS;
const ASKED = WHEEL_WORDS;
const NEXT = WHEEL_WORDS + 1;
const BEFORE = WHEEL_WORDS + 2;
const HALVES = WORDS * 2;
const ROUND = (WHEEL_WORDS + 3) * 2;
const WINDOW = ROUND + 1;
const RELAY = ROUND + 2;
const BYTES = WORDS * 4;
const STATE = (RELAY + 1) * 2;
const ATTEMPT = STATE + 1;

export class Peers {
  readonly count: number;
  /** The rows, by the size of a field. */
  readonly #words: Int32Array;
  readonly #halves: Int16Array;
  readonly #rounds: Uint16Array;
  readonly #bytes: Uint8Array;
  /** Runs the version that crashes, and is one of those that do. */
  readonly crashes: Uint8Array;
  /** Its session will end in a crash. */
  readonly doomed: Uint8Array;
  /** How many are in each state. */
  readonly counts = [0, 0, 0, 0];

  /** @param rows the wheel's. */
  constructor(count: number, rows: ArrayBuffer) {
    this.count = count;
    this.#words = new Int32Array(rows);
    this.#halves = new Int16Array(rows);
    this.#rounds = new Uint16Array(rows);
    this.#bytes = new Uint8Array(rows);
    this.counts[OFF] = count;
    for (let peer = 0; peer < count; peer++) {
      this.setRelay(peer, NONE);
      this.setWindow(peer, NONE);
    }
    this.crashes = new Uint8Array(count);
    this.doomed = new Uint8Array(count);
  }

  state(peer: number): number {
    return this.#bytes[peer * BYTES + STATE]!;
  }

  become(peer: number, state: number): void {
    const at = peer * BYTES + STATE;
    this.counts[this.#bytes[at]!]!--;
    this.counts[state]!++;
    this.#bytes[at] = state;
  }

  askedMs(peer: number): number {
    return this.#words[peer * WORDS + ASKED]!;
  }

  /** Counts attempts, so that an answer to an old one is known. */
  round(peer: number): number {
    return this.#rounds[peer * HALVES + ROUND]!;
  }

  /** No answer to what it asked is waited for any more. */
  nextRound(peer: number): void {
    this.#rounds[peer * HALVES + ROUND]!++;
  }

  asks(peer: number, now: number): void {
    this.nextRound(peer);
    this.become(peer, ASKING);
    this.#words[peer * WORDS + ASKED] = now;
  }

  attempt(peer: number): number {
    return this.#bytes[peer * BYTES + ATTEMPT]!;
  }

  setAttempt(peer: number, attempt: number): void {
    this.#bytes[peer * BYTES + ATTEMPT] = Math.min(MOST_ATTEMPTS, attempt);
  }

  /** The window of 10 minutes in which this login was last asked for; -1: not yet. */
  window(peer: number): number {
    return this.#halves[peer * HALVES + WINDOW]!;
  }

  setWindow(peer: number, window: number): void {
    this.#halves[peer * HALVES + WINDOW] = window;
  }

  /** The relay it is at, or was at last; -1: none. */
  relay(peer: number): number {
    return this.#halves[peer * HALVES + RELAY]!;
  }

  setRelay(peer: number, relay: number): void {
    this.#halves[peer * HALVES + RELAY] = relay;
  }

  join(peer: number, relay: Relay): void {
    this.become(peer, ONLINE);
    this.setRelay(peer, relay.id);
    const words = this.#words;
    const next = relay.first;
    words[peer * WORDS + NEXT] = next;
    words[peer * WORDS + BEFORE] = NONE;
    if (next !== NONE) words[next * WORDS + BEFORE] = peer;
    relay.first = peer;
    relay.sessions++;
  }

  leave(peer: number, relay: Relay): void {
    const words = this.#words;
    const next = words[peer * WORDS + NEXT]!;
    const before = words[peer * WORDS + BEFORE]!;
    if (before === NONE) relay.first = next;
    else words[before * WORDS + NEXT] = next;
    if (next !== NONE) words[next * WORDS + BEFORE] = before;
    relay.sessions--;
  }
}
