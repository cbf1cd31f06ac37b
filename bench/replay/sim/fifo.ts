/**
 * The queue of a relay without admission control: first in, first out, and whoever comes is queued. Its memory is bounded
 * only so that the replay's is.
 *
 *   #peer #round #sinceMs   [ . . x x x x . . ]     a ring; x waits
 */
const LEAST = 64;
/** 1 M logins x 12 bytes: a relay that holds more has ended long before. */
export const MOST_QUEUED = 1 << 20;

export class Fifo {
  #peer = new Int32Array(LEAST);
  #round = new Int32Array(LEAST);
  #since = new Int32Array(LEAST);
  #head = 0;
  size = 0;

  /** @returns false when it is full. */
  push(peer: number, round: number, sinceMs: number): boolean {
    if (this.size === MOST_QUEUED) return false;
    if (this.size === this.#peer.length) this.#grow();
    const at = (this.#head + this.size++) & (this.#peer.length - 1);
    this.#peer[at] = peer;
    this.#round[at] = round;
    this.#since[at] = sinceMs;
    return true;
  }

  /** The oldest one's, while there is any. */
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
    this.#head = (this.#head + 1) & (this.#peer.length - 1);
    this.size--;
  }

  clear(): void {
    this.size = 0;
    this.#peer = new Int32Array(LEAST);
    this.#round = new Int32Array(LEAST);
    this.#since = new Int32Array(LEAST);
    this.#head = 0;
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
