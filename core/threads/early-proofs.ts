/**
 * Which early resumes were taken, so that one that somebody saw is worth nothing when it is sent again (RFC 8446 §8.2 and 8.3
 * do the same for TLS). Each names the moment when it was made, by the clock of the relay that gave the ticket: taken
 * within EARLY_WINDOW_MS of it, so it must be known for no longer than that. In a SharedArrayBuffer for all shards:
 *
 *   words  0..2    the period that each place holds; NONE while it is cleared
 *          3..5    1 when anything was taken in it
 *          16..    PLACES x WORDS words: a Bloom filter of one word each (Putze, Sanders and Singler, 2007)
 *
 *   period  |----- k-1 -----|------ k ------|----- k+1 -----|      of two windows each
 *                                  ^now: those of k, and of the neighbour that is nearer, can be taken
 *
 * Three bits each: when half a million came in 20 s, one in a hundred is taken for one that was seen, when a million did, one in
 * twenty. Who is refused here says `resume` after `hello`, which needs no memory: a full filter costs a round trip and lets nobody in.
 */
import { processMs } from './process-clock.ts';

/** How far a proof may be from the moment that it names: how long a connection takes, and how wrong clocks become in a ticket's life. */
export const EARLY_WINDOW_MS = 10_000;
const PERIOD_MS = 2 * EARLY_WINDOW_MS;
const PLACES = 3;
const WORD_BITS = 18;
const WORDS = 2 ** WORD_BITS;
const DIRTY = PLACES;
const HEADER = 16;
const NONE = -1;

export function createEarlyProofs(now: number): SharedArrayBuffer {
  const shared = new SharedArrayBuffer((HEADER + PLACES * WORDS) * 4);
  new Int32Array(shared).fill(NONE, 0, PLACES);
  turnEarlyProofs(shared, now);
  return shared;
}

/** Makes room for the periods that come, as long as the timer runs. By one thread; while it stands still, none is taken. */
export function keepEarlyProofs(shared: SharedArrayBuffer): NodeJS.Timeout {
  return setInterval(() => turnEarlyProofs(shared, processMs()), EARLY_WINDOW_MS / 4).unref();
}

/** @param now processMs(). */
export function turnEarlyProofs(shared: SharedArrayBuffer, now: number): void {
  const words = new Int32Array(shared);
  const current = Math.floor(now / PERIOD_MS);
  for (let period = current - 1; period <= current + 1; period++) {
    const place = placeOf(period);
    if (Atomics.load(words, place) === period) continue;
    Atomics.store(words, place, NONE);
    const at = HEADER + place * WORDS;
    // Pages that nobody has written to take no memory.
    if (Atomics.exchange(words, DIRTY + place, 0) !== 0) words.fill(0, at, at + WORDS);
    Atomics.store(words, place, period);
  }
}

export class EarlyProofs {
  readonly #words: Int32Array;

  constructor(shared: SharedArrayBuffer) {
    this.#words = new Int32Array(shared);
  }

  /**
   * @param proof an HMAC that was checked: its bits are as good as random. @param madeMs when it says that it was made.
   * @returns true once for each proof, and only near the moment when it was made.
   */
  take(proof: Uint8Array, madeMs: number, now: number): boolean {
    if (!(Math.abs(now - madeMs) <= EARLY_WINDOW_MS)) return false;
    const words = this.#words;
    const period = Math.floor(madeMs / PERIOD_MS);
    const place = placeOf(period);
    if (Atomics.load(words, place) !== period) return false;
    if (words[DIRTY + place] === 0) Atomics.store(words, DIRTY + place, 1);
    const word = ((proof[0]! << 16) | (proof[1]! << 8) | proof[2]!) >>> (24 - WORD_BITS);
    const bits = (1 << (proof[3]! & 31)) | (1 << (proof[4]! & 31)) | (1 << (proof[5]! & 31));
    const before = Atomics.or(words, HEADER + place * WORDS + word, bits);
    // The place may have been cleared between the two looks by a clock that went on while this thread stood still.
    return (before & bits) !== bits && Atomics.load(words, place) === period;
  }
}

function placeOf(period: number): number {
  return ((period % PLACES) + PLACES) % PLACES;
}
