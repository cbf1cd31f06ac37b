/**
 * How many connections each address prefix has open, and how many it made of late: count-min sketches in a SharedArrayBuffer
 * (Cormode and Muthukrishnan, 2005), so that any number of prefixes takes the same room, 128 KiB. A count may be too high,
 * when others fell into the same column in every row; it is never too low. The columns follow from a secret: nobody can
 * choose addresses that collide with another's.
 *
 *   words   0            sockets that are not logged in, of all shards
 *           1..2         the secret
 *           16..         open connections: ROWS rows of COLUMNS words
 *           then         new connections:  ROWS rows of COLUMNS words [ window 10 bits | count 22 bits ]
 *
 * Every shard writes, with Atomics, in its `upgrade` and `close` callbacks.
 */
import { randomFillSync } from 'node:crypto';

const ROWS = 4;
const COLUMNS = 4_096;
const HEADER = 16;
const UNAUTHENTICATED = 0;
const SECRET = 1;
const OPEN = HEADER;
const MADE = OPEN + ROWS * COLUMNS;
const COUNT_BITS = 22;
const MOST_COUNT = 2 ** COUNT_BITS - 1;
const WINDOWS = 2 ** (32 - COUNT_BITS);

/** New connections are counted in windows of this length. */
export const WINDOW_MS = 5_000;

export function createPrefixCounts(): SharedArrayBuffer {
  const shared = new SharedArrayBuffer((MADE + ROWS * COLUMNS) * 4);
  const secret = new Int32Array(2);
  randomFillSync(secret);
  new Int32Array(shared).set(secret, SECRET);
  return shared;
}

export class PrefixCounts {
  readonly #words: Int32Array;

  constructor(shared: SharedArrayBuffer) {
    this.#words = new Int32Array(shared);
  }

  /** Sockets that are not logged in, over all shards. */
  get unauthenticated(): number {
    return Atomics.load(this.#words, UNAUTHENTICATED);
  }

  addUnauthenticated(n: number): void {
    Atomics.add(this.#words, UNAUTHENTICATED, n);
  }

  /** What stands for a prefix below: 32 bits, never 0. */
  mark(high: number, low: number): number {
    const secret = this.#words;
    const mixed = mix(mix(high ^ secret[SECRET]!) ^ low ^ secret[SECRET + 1]!);
    return mixed === 0 ? 1 : mixed;
  }

  /** Connections that the prefix has open, or a few more. */
  open(mark: number): number {
    let least = MOST_COUNT;
    for (let row = 0; row < ROWS; row++) {
      least = Math.min(least, Atomics.load(this.#words, OPEN + at(mark, row)));
    }
    return least;
  }

  addOpen(mark: number, n: number): void {
    for (let row = 0; row < ROWS; row++) Atomics.add(this.#words, OPEN + at(mark, row), n);
  }

  /** Counts a new connection of the prefix. @returns how many it made in this window, or a few more. */
  made(mark: number, nowMs: number): number {
    const window = Math.floor(nowMs / WINDOW_MS) % WINDOWS;
    let least = MOST_COUNT;
    for (let row = 0; row < ROWS; row++) {
      const word = MADE + at(mark, row);
      for (;;) {
        const before = Atomics.load(this.#words, word);
        const isNow = before >>> COUNT_BITS === window;
        const count = isNow ? Math.min(MOST_COUNT, (before & MOST_COUNT) + 1) : 1;
        const after = (window << COUNT_BITS) | count;
        if (Atomics.compareExchange(this.#words, word, before, after) !== before) continue;
        least = Math.min(least, count);
        break;
      }
    }
    return least;
  }
}

/** A column of each row, from 32 bits: multiplied by an odd number of the row's own. */
function at(mark: number, row: number): number {
  return row * COLUMNS + (mix(mark ^ Math.imul(row + 1, 0x9e3779b1)) & (COLUMNS - 1));
}

/** The finaliser of MurmurHash3: every bit of the result depends on every bit given. */
function mix(given: number): number {
  let bits = given | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}
