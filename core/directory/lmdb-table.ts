/**
 * A table in LMDB.
 *
 *   value on the disk:  CRC-32 of key and value, u32 | value
 *
 * LMDB has no checksums of its own: without one, a flipped bit in the file would be served as if it had been stored.
 * The key is part of the sum, so that a value under another's key is noticed too.
 */
import { crc32 } from 'node:zlib';
import type { Database, Transaction } from 'lmdb';
import { corruptError, storeError } from './lmdb-errors.ts';
import type { Range, Table } from './store.ts';

export const CRC_BYTES = 4;
export type BinaryDatabase = Database<Uint8Array, Uint8Array>;

/** What a table needs to know of its store. */
export interface TableOwner {
  readonly path: string;
  /** Called before each read: the snapshot is the newest at the start of this run of the event loop. */
  beforeRead(): void;
  /** @throws when no transaction is open. */
  beforeWrite(): void;
  /** The snapshot to read from, if not the newest. */
  readonly snapshot: Transaction | undefined;
}

export class LmdbTable implements Table {
  readonly #database: BinaryDatabase;
  readonly #owner: TableOwner;
  readonly #name: string;

  constructor(name: string, database: BinaryDatabase, owner: TableOwner) {
    this.#name = name;
    this.#database = database;
    this.#owner = owner;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const stored = this.#stored(key);
    return stored === undefined ? undefined : this.#open(key, stored);
  }

  has(key: Uint8Array): boolean {
    return this.#stored(key) !== undefined;
  }

  *range({ from, before, most }: Range): Generator<[key: Uint8Array, value: Uint8Array]> {
    const entries = this.#entries(from, before, most);
    try {
      for (;;) {
        const step = this.#read(() => entries.next());
        if (step.done) return;
        // lmdb gives Buffers of their own memory; plain arrays compare and clone as such.
        yield [plain(step.value.key), this.#open(step.value.key, step.value.value)];
      }
    } finally {
      entries.return?.();
    }
  }

  /** Keys whose value's checksum does not hold, with the others' values: for a check that goes on after damage. */
  *scan(from?: Uint8Array): Generator<[key: Uint8Array, value: Uint8Array | undefined]> {
    const entries = this.#entries(from, undefined, undefined);
    try {
      for (;;) {
        const step = this.#read(() => entries.next());
        if (step.done) return;
        const { key, value } = step.value;
        yield [plain(key), sealHolds(key, value) ? plain(value, CRC_BYTES) : undefined];
      }
    } finally {
      entries.return?.();
    }
  }

  count(): number {
    return this.#read(() => this.stats().entryCount);
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#owner.beforeWrite();
    const sealed = new Uint8Array(CRC_BYTES + value.length);
    new DataView(sealed.buffer).setUint32(0, seal(key, value));
    sealed.set(value, CRC_BYTES);
    this.#database.putSync(key, sealed);
  }

  remove(key: Uint8Array): boolean {
    this.#owner.beforeWrite();
    return this.#database.removeSync(key);
  }

  /** Pages in use, as the transaction that runs sees them. */
  pages(): number {
    const { treeBranchPageCount, treeLeafPageCount, overflowPages } = this.stats();
    return treeBranchPageCount + treeLeafPageCount + overflowPages;
  }

  stats(): DatabaseStats {
    return this.#database.getStats() as DatabaseStats;
  }

  #options(): { transaction: Transaction } | undefined {
    const { snapshot } = this.#owner;
    return snapshot === undefined ? undefined : { transaction: snapshot };
  }

  #entries(from: Uint8Array | undefined, before: Uint8Array | undefined, most: number | undefined) {
    return this.#read(() =>
      this.#database
        .getRange({
          ...(from && { start: from }),
          ...(before && { end: before }),
          ...(most !== undefined && { limit: most }),
          ...this.#options(),
        })
        [Symbol.iterator](),
    );
  }

  /** As #read, without a closure: a look-up reads four times. */
  #stored(key: Uint8Array): Uint8Array | undefined {
    this.#owner.beforeRead();
    try {
      return this.#database.get(key, this.#options());
    } catch (error) {
      throw storeError(this.#owner.path, error);
    }
  }

  #read<T>(read: () => T): T {
    this.#owner.beforeRead();
    try {
      return read();
    } catch (error) {
      throw storeError(this.#owner.path, error);
    }
  }

  #open(key: Uint8Array, stored: Uint8Array): Uint8Array {
    if (!sealHolds(key, stored)) {
      const shown = Buffer.from(key).toString('hex').slice(0, 80);
      throw corruptError(this.#owner.path, `the value at ${shown} in the table ${this.#name} has changed`);
    }
    return plain(stored, CRC_BYTES);
  }
}

/** As lmdb's getStats gives it; its types leave it open. */
export interface DatabaseStats {
  pageSize: number;
  treeBranchPageCount: number;
  treeLeafPageCount: number;
  overflowPages: number;
  entryCount: number;
  lastPageNumber: number;
  free: Omit<DatabaseStats, 'free' | 'lastPageNumber'>;
}

function seal(key: Uint8Array, value: Uint8Array): number {
  return crc32(value, crc32(key));
}

function sealHolds(key: Uint8Array, stored: Uint8Array): boolean {
  if (stored.length < CRC_BYTES) return false;
  const expected = new DataView(stored.buffer, stored.byteOffset).getUint32(0);
  return seal(key, plain(stored, CRC_BYTES)) === expected;
}

function plain(bytes: Uint8Array, from = 0): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + from, bytes.length - from);
}
