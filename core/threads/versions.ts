/**
 * Which cached answers of the directory are stale: one counter per hash of a key or name, in a SharedArrayBuffer.
 *
 * A directory worker bumps the counter after the commit and before the writer is answered; who reads the store takes
 * the counter before it reads. So a cached answer whose counter is current was read after the last acknowledged write.
 * Two keys that share a counter cost a needless look at the store, never a stale answer.
 */
const SLOTS = 65_536;

export function createVersions(): SharedArrayBuffer {
  return new SharedArrayBuffer(SLOTS * 4);
}

/** What counts the changes of a peer's policy alone: its key's own counter counts each of its comings and goings too. */
export function policyOf(peer: Uint8Array): Uint8Array {
  const name = new Uint8Array(peer.length + 1);
  name.set(peer);
  return name;
}

export class Versions {
  readonly #slots: Int32Array;
  readonly #encoder = new TextEncoder();

  constructor(table: SharedArrayBuffer) {
    this.#slots = new Int32Array(table);
  }

  /** Of a peer's key, of its policy, or of a name (as text). */
  current(of: Uint8Array | string): number {
    return Atomics.load(this.#slots, this.#slot(of));
  }

  bump(of: Uint8Array | string): void {
    Atomics.add(this.#slots, this.#slot(of), 1);
  }

  /** FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/). Whoever makes keys collide only makes them slower. */
  #slot(of: Uint8Array | string): number {
    const bytes = typeof of === 'string' ? this.#encoder.encode(of) : of;
    let hash = 0x811c9dc5;
    for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
    return (hash ^ (hash >>> 16)) & (SLOTS - 1);
  }
}
