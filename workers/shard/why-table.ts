/**
 * One bounded table of a shard's ledger (why.ts): counts by minute of (peer, other, reason).
 *
 *   words   16 a row: the peer's key, the other's (zeros: nobody in particular)
 *   reason  index in WHY_NAMES
 *   counts  16 a row: one per minute, at minute % 16; valid are those of the 16 minutes up to `minute`
 *   chain   the next row of the same hash bucket
 *   newer, older   the list of all rows, the one that was noted last in front
 *
 * A new entry takes the row that was not noted for longest. Nothing allocates but `find`.
 */

import { fillRandom } from '../../core/identity/random-pool.ts';
import { KEY_BYTES } from '../../core/protocol/peer-id.ts';
import { finish, mix } from '../../core/threads/key-hash.ts';

export const MINUTES = 15;
/**
 * Entries of one peer that name an other; those after them are noted without. So it takes 4,096 / (64 + 40 reasons)
 * peers to push out what is known of the others.
 */
export const MOST_OTHERS = 64;

const MINUTE_MS = 60_000;
/** MINUTES and the minute that has begun. */
const COLUMNS = MINUTES + 1;
const KEY_WORDS = KEY_BYTES / 4;
const ROW_WORDS = 2 * KEY_WORDS;
const NONE = -1;
/** Counters of a peer's entries with an other; peers that share one share the bound. */
const PEER_BUCKETS = 8_192;

export interface WhyRow {
  peer: Uint8Array;
  other: Uint8Array | null;
  reason: number;
  /** When it was noted last, milliseconds since 1970. */
  atMs: number;
  /** Counts by minute, newest first: [when it began, milliseconds since 1970; count]. */
  minutes: [number, number][];
}

export class WhyTable {
  readonly #most: number;
  readonly #mask: number;
  /** Secret: keys are chosen by strangers. */
  readonly #seed = new Int32Array(ROW_WORDS);
  /** The keys that are being noted. */
  readonly #given = new Int32Array(ROW_WORDS);
  readonly #heads: Int32Array;
  readonly #words: Int32Array;
  readonly #reason: Uint8Array;
  readonly #counts: Uint32Array;
  readonly #minute: Float64Array;
  readonly #atMs: Float64Array;
  readonly #chain: Int32Array;
  readonly #newer: Int32Array;
  readonly #older: Int32Array;
  readonly #othersOfPeer = new Uint16Array(PEER_BUCKETS);
  #newest = NONE;
  #oldest = NONE;
  #size = 0;
  #forgotten = 0;

  /** @param most entries, a power of two. */
  constructor(most: number) {
    this.#most = most;
    this.#mask = most * 2 - 1;
    fillRandom(new Uint8Array(this.#seed.buffer));
    this.#heads = new Int32Array(most * 2).fill(NONE);
    this.#words = new Int32Array(most * ROW_WORDS);
    this.#reason = new Uint8Array(most);
    this.#counts = new Uint32Array(most * COLUMNS);
    this.#minute = new Float64Array(most);
    this.#atMs = new Float64Array(most);
    this.#chain = new Int32Array(most);
    this.#newer = new Int32Array(most);
    this.#older = new Int32Array(most);
  }

  get size(): number {
    return this.#size;
  }

  /** Entries of the last MINUTES whose row was needed for another. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** @param otherAt where the other's key begins in `others`. @returns the row, for `again`. */
  note(
    peer: Uint8Array,
    others: Uint8Array | null,
    otherAt: number,
    reason: number,
    count: number,
    nowMs: number,
  ): number {
    const given = this.#given;
    loadKey(given, 0, peer, 0);
    if (others === null) given.fill(0, KEY_WORDS);
    else loadKey(given, KEY_WORDS, others, otherAt);
    let row = this.#find(this.#homeOf(given, 0, reason), reason);
    if (row === NONE && this.#namesOther(given, 0)) {
      if (this.#othersOfPeer[this.#peerBucket(given, 0)]! >= MOST_OTHERS) {
        given.fill(0, KEY_WORDS);
        row = this.#find(this.#homeOf(given, 0, reason), reason);
      }
    }
    if (row === NONE) row = this.#add(reason, nowMs);
    else this.#toFront(row);
    this.again(row, count, nowMs);
    return row;
  }

  /** More of what `note` noted last. */
  again(row: number, count: number, nowMs: number): void {
    const minute = Math.floor(nowMs / MINUTE_MS);
    // A clock that was set back: the minute lasts longer.
    for (let passed = Math.min(minute - this.#minute[row]!, COLUMNS); passed > 0; passed--) {
      this.#counts[row * COLUMNS + ((minute - passed + 1) % COLUMNS)] = 0;
    }
    if (minute > this.#minute[row]!) this.#minute[row] = minute;
    this.#counts[row * COLUMNS + (this.#minute[row]! % COLUMNS)]! += count;
    this.#atMs[row] = nowMs;
  }

  /**
   * Of the last MINUTES, what `peer` is in, on either side, the last noted first; with `other`, what both are in.
   * Looks at every row.
   */
  find(peer: Uint8Array, other: Uint8Array | null, nowMs: number): WhyRow[] {
    const [one, two] = [new Int32Array(KEY_WORDS), new Int32Array(KEY_WORDS)];
    loadKey(one, 0, peer, 0);
    if (other !== null) loadKey(two, 0, other, 0);
    const found: WhyRow[] = [];
    for (let row = this.#newest; row !== NONE; row = this.#older[row]!) {
      const first = row * ROW_WORDS;
      const second = first + KEY_WORDS;
      const isIn = this.#keyIs(first, one)
        ? other === null || this.#keyIs(second, two)
        : this.#keyIs(second, one) && (other === null || this.#keyIs(first, two));
      const minutes = isIn ? this.#minutesOf(row, nowMs) : [];
      if (minutes.length > 0) found.push(this.#rowOf(row, minutes));
    }
    return found;
  }

  #minutesOf(row: number, nowMs: number): [number, number][] {
    const minutes: [number, number][] = [];
    const last = this.#minute[row]!;
    const oldest = Math.max(last - COLUMNS + 1, Math.floor(nowMs / MINUTE_MS) - MINUTES);
    for (let minute = last; minute >= oldest; minute--) {
      const count = this.#counts[row * COLUMNS + (minute % COLUMNS)]!;
      if (count > 0) minutes.push([minute * MINUTE_MS, count]);
    }
    return minutes;
  }

  #rowOf(row: number, minutes: [number, number][]): WhyRow {
    const keys = new Uint8Array(this.#words.buffer, row * ROW_WORDS * 4, ROW_WORDS * 4);
    return {
      peer: keys.slice(0, KEY_BYTES),
      other: this.#namesOther(this.#words, row * ROW_WORDS) ? keys.slice(KEY_BYTES) : null,
      reason: this.#reason[row]!,
      atMs: this.#atMs[row]!,
      minutes,
    };
  }

  // --- the hash table -------------------------------------------------------------------------------------------------

  #find(home: number, reason: number): number {
    for (let row = this.#heads[home]!; row !== NONE; row = this.#chain[row]!) {
      if (this.#reason[row] === reason && this.#isGiven(row * ROW_WORDS)) return row;
    }
    return NONE;
  }

  /** A row for what is given, in front. */
  #add(reason: number, nowMs: number): number {
    const row = this.#size < this.#most ? this.#size++ : this.#freeOldest(nowMs);
    this.#words.set(this.#given, row * ROW_WORDS);
    this.#reason[row] = reason;
    this.#counts.fill(0, row * COLUMNS, (row + 1) * COLUMNS);
    this.#minute[row] = Math.floor(nowMs / MINUTE_MS);
    const home = this.#homeOf(this.#given, 0, reason);
    this.#chain[row] = this.#heads[home]!;
    this.#heads[home] = row;
    if (this.#namesOther(this.#given, 0)) this.#othersOfPeer[this.#peerBucket(this.#given, 0)]!++;
    this.#putInFront(row);
    return row;
  }

  #freeOldest(nowMs: number): number {
    const row = this.#oldest;
    const at = row * ROW_WORDS;
    if (this.#atMs[row]! > nowMs - MINUTES * MINUTE_MS) this.#forgotten++;
    if (this.#namesOther(this.#words, at)) this.#othersOfPeer[this.#peerBucket(this.#words, at)]!--;
    const home = this.#homeOf(this.#words, at, this.#reason[row]!);
    if (this.#heads[home] === row) this.#heads[home] = this.#chain[row]!;
    else {
      let before = this.#heads[home]!;
      while (this.#chain[before] !== row) before = this.#chain[before]!;
      this.#chain[before] = this.#chain[row]!;
    }
    this.#takeOut(row);
    return row;
  }

  #isGiven(at: number): boolean {
    for (let i = 0; i < ROW_WORDS; i++) if (this.#words[at + i] !== this.#given[i]) return false;
    return true;
  }

  #keyIs(at: number, key: Int32Array): boolean {
    for (let i = 0; i < KEY_WORDS; i++) if (this.#words[at + i] !== key[i]) return false;
    return true;
  }

  #namesOther(words: Int32Array, at: number): boolean {
    for (let i = KEY_WORDS; i < ROW_WORDS; i++) if (words[at + i] !== 0) return true;
    return false;
  }

  #peerBucket(words: Int32Array, at: number): number {
    let hash = 0;
    for (let i = 0; i < KEY_WORDS; i++) hash = mix(hash, words[at + i]!, this.#seed[i]!);
    return finish(hash) & (PEER_BUCKETS - 1);
  }

  #homeOf(words: Int32Array, at: number, reason: number): number {
    let hash = reason;
    for (let i = 0; i < ROW_WORDS; i++) hash = mix(hash, words[at + i]!, this.#seed[i]!);
    return finish(hash) & this.#mask;
  }

  // --- the list -------------------------------------------------------------------------------------------------------

  #toFront(row: number): void {
    if (row === this.#newest) return;
    this.#takeOut(row);
    this.#putInFront(row);
  }

  #putInFront(row: number): void {
    this.#newer[row] = NONE;
    this.#older[row] = this.#newest;
    if (this.#newest === NONE) this.#oldest = row;
    else this.#newer[this.#newest] = row;
    this.#newest = row;
  }

  #takeOut(row: number): void {
    const newer = this.#newer[row]!;
    const older = this.#older[row]!;
    if (newer === NONE) this.#newest = older;
    else this.#older[newer] = older;
    if (older === NONE) this.#oldest = newer;
    else this.#newer[older] = newer;
  }
}

function loadKey(into: Int32Array, word: number, bytes: Uint8Array, at: number): void {
  for (let i = word, b = at; i < word + KEY_WORDS; i++, b += 4) {
    into[i] = bytes[b]! | (bytes[b + 1]! << 8) | (bytes[b + 2]! << 16) | (bytes[b + 3]! << 24);
  }
}
