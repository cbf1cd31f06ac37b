/**
 * The queue of a relay without admission control: first in, first out, and whoever comes is queued. Its memory is bounded
 * only so that the replay's is.
 *
 *   #peer #round #sinceMs   [ . . x x n x x . . ]     a ring; x waits, n are logins of one millisecond that nobody waits for
 */
const LEAST = 64;
/** A relay that holds more has ended long before. */
export const MOST_QUEUED = 1 << 20;
const NOBODY = -1;

export class Fifo {
  #peer = new Int32Array(LEAST);
  /** Where nobody waits: how many logins. */
  #round = new Int32Array(LEAST);
  #since = new Int32Array(LEAST);
  #head = 0;
  /** Places of the ring that are taken. */
  #taken = 0;
  size = 0;

  /** @returns false when it is full. */
  push(peer: number, round: number, sinceMs: number): boolean {
    if (this.size === MOST_QUEUED) return false;
    this.size++;
    this.#add(peer, round, sinceMs);
    return true;
  }

  /** A login that will not be waited for when its turn comes, so that a count will do. @returns false when it is full. */
  pushNobody(sinceMs: number): boolean {
    if (this.size === MOST_QUEUED) return false;
    this.size++;
    const last = (this.#head + this.#taken - 1) & (this.#peer.length - 1);
    if (this.#taken > 0 && this.#peer[last] === NOBODY && this.#since[last] === sinceMs) this.#round[last]!++;
    else this.#add(NOBODY, 1, sinceMs);
    return true;
  }

  /** The oldest one's, while there is any; -1: nobody. */
  get peer(): number {
    return this.#peer[this.#head]!;
  }
  get round(): number {
    return this.#round[this.#head]!;
  }
  get sinceMs(): number {
    return this.#since[this.#head]!;
  }

  drop(): void {
    this.size--;
    if (this.peer === NOBODY && --this.#round[this.#head]! > 0) return;
    this.#head = (this.#head + 1) & (this.#peer.length - 1);
    this.#taken--;
  }

  clear(): void {
    this.size = 0;
    this.#peer = new Int32Array(LEAST);
    this.#round = new Int32Array(LEAST);
    this.#since = new Int32Array(LEAST);
    this.#head = 0;
    this.#taken = 0;
  }

  #add(peer: number, round: number, sinceMs: number): void {
    if (this.#taken === this.#peer.length) this.#grow();
    const at = (this.#head + this.#taken++) & (this.#peer.length - 1);
    this.#peer[at] = peer;
    this.#round[at] = round;
    this.#since[at] = sinceMs;
  }

  #grow(): void {
    const grow = (old: Int32Array): Int32Array<ArrayBuffer> => {
      const room = new Int32Array(old.length * 2);
      room.set(old.subarray(this.#head));
      room.set(old.subarray(0, this.#head), old.length - this.#head);
      return room;
    };
    this.#peer = grow(this.#peer);
    this.#round = grow(this.#round);
    this.#since = grow(this.#since);
    this.#head = 0;
  }
}
