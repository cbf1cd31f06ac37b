/**
 * Versions for answers that are read from a snapshot.
 *
 * The store shows one snapshot during a run of the event loop. A version that is taken after the snapshot was may
 * already count a write that the snapshot lacks, and an answer that was cached with it would be stale for ever. So
 * writers bump a counter for all writes first, and then those of what they wrote: while the counter for all is what it
 * was before the snapshot, the versions are exact. If not, an older number is given: nobody holds it for current.
 */
import type { Versions } from '../threads/versions.ts';

/** No name is empty, so this counter is nobody's; some key may share it, which costs a needless look at the store. */
const ALL_WRITES = '';

export interface SnapshotVersion {
  value: number;
  isExact: boolean;
}

export class SnapshotVersions {
  readonly #versions: Versions;
  /** Of all writes, as it was when this run of the event loop first came here; null: it has not. */
  #before: number | null = null;

  constructor(versions: Versions) {
    this.#versions = versions;
  }

  /** Before the store is read. */
  begin(): void {
    if (this.#before !== null) return;
    this.#before = this.#versions.current(ALL_WRITES);
    queueMicrotask(() => {
      this.#before = null;
    });
  }

  of(keyOrName: Uint8Array | string): SnapshotVersion {
    const value = this.#versions.current(keyOrName);
    const isExact = this.#versions.current(ALL_WRITES) === this.#before;
    return { value: isExact ? value : value - 1, isExact };
  }

  /** After a commit, before anybody is told of it. */
  bump(touched: Iterable<Uint8Array | string>): void {
    this.#versions.bump(ALL_WRITES);
    for (const one of touched) this.#versions.bump(one);
  }
}
