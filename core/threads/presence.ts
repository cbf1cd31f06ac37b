/**
 * Who is logged in, and where: one open-addressing table in a SharedArrayBuffer. Every shard reads it without a
 * message or a lock; a shard writes it under a lock when a peer logs in, leaves or changes its flags, never on the
 * packet path.
 *
 *   word 0        lock (0 free, 1 held)            words 4..11   hash seed (secret: keys are chosen by strangers)
 *   word 1        entries in use                   word 2        version: odd while a removal moves entries
 *   word 3        most entries at once             word 16..     buckets of 12 words:
 *
 *      0        sequence: odd while a writer changes the bucket
 *      1        owner shard + 1 in bits 0..15, flags in bits 16..23; 0: empty
 *      2, 3     session slot, session generation
 *      4..11    the peer's key
 *
 * Linear probing at no more than half load. A removal shifts the entries behind it back, so there are no tombstones
 * and a probe never grows with age; a reader that misses checks the version, since the entry that it looked for may
 * have moved across its path. Readers verify the bucket's sequence number, as with a seqlock; what lies between its two
 * reads is read plainly (a third faster than Atomics), and a store between keeps the second from overtaking it.
 */

import { KEY_BYTES } from '../protocol/peer-id.ts';
import { finish, mix } from './key-hash.ts';

const LOCK = 0;
const COUNT = 1;
const VERSION = 2;
const CAPACITY = 3;
const SEED = 4;
const FIRST = 16;
const BUCKET = 12;
const KEY_WORDS = KEY_BYTES / 4;
const OWNER_MASK = 0xffff;
const FLAGS_SHIFT = 16;
/** A reader that was overtaken this often takes the lock instead: the writer may have lost its processor. */
const MAX_RETRIES = 64;
const LOCK_SPINS = 256;

/** Flag of a peer that is here and away. */
export const PRESENCE_AWAY = 1;
/** Flag of a peer whom everyone may see and reach, and who blocks nobody: shards answer for it by themselves. */
export const PRESENCE_PLAIN = 2;

/** Where a session is, and its flags. `generation` tells it from an earlier session in the same slot. */
export interface Place {
  shard: number;
  slot: number;
  generation: number;
  /** PRESENCE_AWAY and PRESENCE_PLAIN. Not a part of what a place is: `release` and `setFlags` do not compare it. */
  flags: number;
}

/** @param maxPeers most entries at once; @param seed 32 secret random bytes. */
export function createPresence(maxPeers: number, seed: Uint8Array): SharedArrayBuffer {
  let buckets = 16;
  while (buckets < maxPeers * 2) buckets *= 2;
  const table = new SharedArrayBuffer((FIRST + buckets * BUCKET) * 4);
  new Int32Array(table)[CAPACITY] = maxPeers;
  new Uint8Array(table, SEED * 4, KEY_BYTES).set(seed.subarray(0, KEY_BYTES));
  return table;
}

export class PresenceTable {
  readonly #words: Int32Array;
  readonly #buckets: number;
  readonly #mask: number;
  readonly #seed: Int32Array;
  /** The key being worked on, as words: probing compares words, not bytes. */
  readonly #keyWords = new Int32Array(KEY_WORDS);
  readonly #keyBytes = new Uint8Array(this.#keyWords.buffer);
  /** This thread's own: an Atomics store here is a fence, also on processors that reorder reads. */
  readonly #fence = new Int32Array(1);

  constructor(table: SharedArrayBuffer) {
    this.#words = new Int32Array(table);
    this.#buckets = (this.#words.length - FIRST) / BUCKET;
    this.#mask = this.#buckets - 1;
    this.#seed = this.#words.slice(SEED, SEED + KEY_WORDS);
  }

  /** Entries in use. */
  get size(): number {
    return Atomics.load(this.#words, COUNT);
  }

  /** Most entries at once. */
  get capacity(): number {
    return this.#words[CAPACITY]!;
  }

  /** Fills `into` and returns true when the peer is logged in. No lock, no allocation. */
  find(key: Uint8Array, into: Place): boolean {
    this.#load(key);
    return this.#find(into);
  }

  /** The same for the key in bytes[at, at + 32). */
  findAt(bytes: Uint8Array, at: number, into: Place): boolean {
    if (at + KEY_BYTES > bytes.length) throw new RangeError('A key must lie within the bytes.');
    const words = this.#keyWords;
    for (let i = 0, b = at; i < KEY_WORDS; i++, b += 4) {
      words[i] = bytes[b]! | (bytes[b + 1]! << 8) | (bytes[b + 2]! << 16) | (bytes[b + 3]! << 24);
    }
    return this.#find(into);
  }

  #find(into: Place): boolean {
    for (let tries = 0; tries < MAX_RETRIES; tries++) {
      const version = Atomics.load(this.#words, VERSION);
      const found = this.#tryFind(into);
      if (found > 0) return true;
      if (found === 0 && (version & 1) === 0 && Atomics.load(this.#words, VERSION) === version) return false;
    }
    this.#lock();
    try {
      return this.#tryFind(into) > 0;
    } finally {
      this.#unlock();
    }
  }

  /**
   * Makes `place` the peer's place, with its flags. @returns 'new'; 'replaced' with the former place in `former`; or 'full'.
   */
  claim(key: Uint8Array, place: Place, former: Place): 'new' | 'replaced' | 'full' {
    this.#load(key);
    this.#lock();
    try {
      const words = this.#words;
      let at = this.#home();
      while (words[at + 1] !== 0) {
        if (this.#keyIsAt(at)) {
          this.#readPlace(at, former);
          this.#write(at, place);
          return 'replaced';
        }
        at = this.#next(at);
      }
      if (words[COUNT]! >= this.capacity) return 'full';
      this.#write(at, place);
      Atomics.store(words, COUNT, words[COUNT]! + 1);
      return 'new';
    } finally {
      this.#unlock();
    }
  }

  /** Removes the peer if `place` is still its place. @returns whether it was. */
  release(key: Uint8Array, place: Place): boolean {
    this.#load(key);
    this.#lock();
    try {
      const words = this.#words;
      let at = this.#home();
      while (words[at + 1] !== 0) {
        if (this.#keyIsAt(at)) {
          const same = this.#isPlace(at, place);
          if (same) this.#remove(at);
          return same;
        }
        at = this.#next(at);
      }
      return false;
    } finally {
      this.#unlock();
    }
  }

  /** Sets the peer's flags if `place` is still its place. @returns whether it was. */
  setFlags(key: Uint8Array, place: Place, flags: number): boolean {
    this.#load(key);
    this.#lock();
    try {
      const words = this.#words;
      for (let at = this.#home(); words[at + 1] !== 0; at = this.#next(at)) {
        if (!this.#keyIsAt(at)) continue;
        if (!this.#isPlace(at, place)) return false;
        // One word, and not what finds the entry: readers need no new sequence number for it.
        Atomics.store(words, at + 1, ownerWord(place.shard, flags));
        return true;
      }
      return false;
    } finally {
      this.#unlock();
    }
  }

  /** 1 found, 0 not found, -1 overtaken by a writer. */
  #tryFind(into: Place): number {
    const words = this.#words;
    let at = this.#home();
    for (let probes = 0; probes < this.#buckets; probes++) {
      const sequence = Atomics.load(words, at);
      if ((sequence & 1) !== 0) return -1;
      if (words[at + 1] === 0) return this.#stillIs(at, sequence) ? 0 : -1;
      if (this.#keyIsAt(at)) {
        this.#readPlace(at, into);
        return this.#stillIs(at, sequence) ? 1 : -1;
      }
      at = this.#next(at);
    }
    return 0;
  }

  #stillIs(at: number, sequence: number): boolean {
    Atomics.store(this.#fence, 0, 0);
    return Atomics.load(this.#words, at) === sequence;
  }

  #isPlace(at: number, place: Place): boolean {
    const words = this.#words;
    return (
      (words[at + 1]! & OWNER_MASK) === place.shard + 1 &&
      words[at + 2] === place.slot &&
      words[at + 3] === place.generation
    );
  }

  /** Shifts the entries behind `hole` back, until one that is empty or at home (Knuth, TAOCP 6.4, algorithm R). */
  #remove(hole: number): void {
    const words = this.#words;
    Atomics.add(words, VERSION, 1);
    let at = hole;
    let empty = hole;
    for (;;) {
      at = this.#next(at);
      if (words[at + 1] === 0) break;
      const home = this.#homeOf(at);
      const homeToAt = (at - home + this.#buckets * BUCKET) % (this.#buckets * BUCKET);
      const emptyToAt = (at - empty + this.#buckets * BUCKET) % (this.#buckets * BUCKET);
      if (homeToAt < emptyToAt) continue;
      Atomics.add(words, empty, 1);
      for (let i = 1; i < BUCKET; i++) Atomics.store(words, empty + i, words[at + i]!);
      Atomics.add(words, empty, 1);
      empty = at;
    }
    Atomics.add(words, empty, 1);
    for (let i = 1; i < BUCKET; i++) Atomics.store(words, empty + i, 0);
    Atomics.add(words, empty, 1);
    Atomics.store(words, COUNT, words[COUNT]! - 1);
    Atomics.add(words, VERSION, 1);
  }

  #write(at: number, place: Place): void {
    const words = this.#words;
    Atomics.add(words, at, 1);
    Atomics.store(words, at + 2, place.slot);
    Atomics.store(words, at + 3, place.generation);
    for (let i = 0; i < KEY_WORDS; i++) Atomics.store(words, at + 4 + i, this.#keyWords[i]!);
    Atomics.store(words, at + 1, ownerWord(place.shard, place.flags));
    Atomics.add(words, at, 1);
  }

  #readPlace(at: number, into: Place): void {
    const words = this.#words;
    const owner = words[at + 1]!;
    into.shard = (owner & OWNER_MASK) - 1;
    into.flags = owner >>> FLAGS_SHIFT;
    into.slot = words[at + 2]!;
    into.generation = words[at + 3]!;
  }

  #keyIsAt(at: number): boolean {
    for (let i = 0; i < KEY_WORDS; i++) {
      if (this.#words[at + 4 + i] !== this.#keyWords[i]) return false;
    }
    return true;
  }

  #load(key: Uint8Array): void {
    if (key.length !== KEY_BYTES) throw new RangeError(`A peer's key has 32 bytes, not ${key.length}.`);
    this.#keyBytes.set(key);
  }

  #home(): number {
    let hash = 0;
    for (let i = 0; i < KEY_WORDS; i++) hash = mix(hash, this.#keyWords[i]!, this.#seed[i]!);
    return FIRST + (finish(hash) & this.#mask) * BUCKET;
  }

  #homeOf(at: number): number {
    let hash = 0;
    for (let i = 0; i < KEY_WORDS; i++) hash = mix(hash, this.#words[at + 4 + i]!, this.#seed[i]!);
    return FIRST + (finish(hash) & this.#mask) * BUCKET;
  }

  #next(at: number): number {
    const next = at + BUCKET;
    return next < this.#words.length ? next : FIRST;
  }

  #lock(): void {
    for (let spins = 0; Atomics.compareExchange(this.#words, LOCK, 0, 1) !== 0; spins++) {
      // Held for about a microsecond, unless its holder lost the processor: then sleep instead of burning it.
      if (spins >= LOCK_SPINS) Atomics.wait(this.#words, LOCK, 1, 1);
    }
  }

  #unlock(): void {
    Atomics.store(this.#words, LOCK, 0);
    Atomics.notify(this.#words, LOCK, 1);
  }
}

function ownerWord(shard: number, flags: number): number {
  return (shard + 1) | (flags << FLAGS_SHIFT);
}
