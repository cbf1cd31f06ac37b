/**
 * The directory in LMDB: one file, mapped into memory, that any number of threads and processes read while one writes.
 *
 *   path/data.mdb   thirteen named tables: those of store.ts, and `meta` (store-version.ts)
 *   path/lock.mdb   LMDB's own: who reads which snapshot, and the writer's lock; it may be deleted when nobody has it open
 *
 * Durable: the pages of a transaction are written and synced, then the meta page that makes them count is written with
 * O_DSYNC, and only then does transaction() return. Without `durable` nothing is synced: for a store in memory.
 *
 * Reads see one snapshot during one run of the event loop, the newest at the first of them; at the end of the run it is
 * given back. A thread that sleeps between its tasks thus never holds back pages that a writer could use again.
 *
 * maxBytes bounds the pages in use. The file can be larger by pages that were freed and wait to be used again: those of
 * the last two transactions, and what an export holds back while it runs.
 */
import { statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { open, type RootDatabase, type Transaction } from 'lmdb';
import { checkDataFile, type Depth } from './data-file.ts';
import { explainPartialWrite } from './disk-room.ts';
import { corruptError, fullError, isPartialWrite, storeError, unavailableError } from './lmdb-errors.ts';
import { type BinaryDatabase, type DatabaseStats, LmdbTable, type TableOwner } from './lmdb-table.ts';
import { makeDirectory } from './make-directory.ts';
import { type DirectoryStore, TABLES, type TableName } from './store.ts';
import { bringToVersion, MIGRATIONS, type Migration } from './store-version.ts';

export const DATA_FILE = 'data.mdb';
const OWNER_ONLY = 0o600;
/**
 * Look-ups are random: reading ahead would fill memory with pages that nobody asked for. Both reach LMDB, and lmdb's
 * types lack them.
 */
const MISSING_FROM_TYPES = { noReadAhead: true, permissionsMode: OWNER_ONLY };
/** Address space, not memory: with less than the file may come to need, LMDB would map it anew under its readers. */
const MAP_FACTOR = 2;
const MAP_MARGIN_BYTES = 256 * 1024 * 1024;
const MAP_STEP_BYTES = 1024 * 1024;
/** 256 vaults of 64 KiB are 16 MiB: a file farther than this from its bound need not be measured before a commit. */
const LARGEST_TRANSACTION_BYTES = 64 * 1024 * 1024;
const META_PAGES = 2;
/** Of stat, whatever those of the file system are. */
const BLOCK_BYTES = 512;
/** Readers at once: a few for each thread of the relay, and the tools. */
const MAX_READERS = 512;

export interface LmdbStoreOptions {
  /** Whether a transaction is on the disk when it returns. */
  durable: boolean;
  /** Bytes of pages in use beyond which nothing more is stored. */
  maxBytes: number;
  /** Nothing is created, stamped or migrated, and transactions are refused. Default false. */
  readOnly?: boolean;
  /** What of the file is looked at before it is mapped. Default `header`. */
  look?: Depth;
  /** Instead of this program's own: for tests of the mechanism. */
  migrations?: readonly Migration[];
}

export type Tables = Readonly<Record<TableName, LmdbTable>>;

export class LmdbStore implements DirectoryStore {
  readonly path: string;
  readonly readOnly: boolean;
  readonly version: number;
  readonly tables: Tables;
  readonly meta: LmdbTable;
  readonly #root: RootDatabase<Uint8Array, Uint8Array>;
  readonly #maxBytes: number;
  readonly #file: string;
  readonly #databases = new Map<string, BinaryDatabase>();
  #writing = false;
  #closed = false;
  #snapshotHeld = false;

  /**
   * Opens the store in this directory, and creates it when there is none. Several threads may open the same one.
   * @throws SupernodeError `directory-corrupt`, `directory-version`, `directory-full` or `directory-unavailable`.
   */
  static open(path: string, options: LmdbStoreOptions): LmdbStore {
    try {
      if (!options.readOnly) makeDirectory(path);
      const exists = checkDataFile(join(path, DATA_FILE), options.look ?? 'header');
      if (!exists && options.readOnly) throw unavailableError(path, 'there is no store in it');
      return new LmdbStore(path, options);
    } catch (error) {
      throw storeError(path, error);
    }
  }

  private constructor(path: string, options: LmdbStoreOptions) {
    this.path = path;
    this.#file = join(path, DATA_FILE);
    this.readOnly = options.readOnly === true;
    this.#maxBytes = options.maxBytes;
    const mapBytes = options.maxBytes * MAP_FACTOR + MAP_MARGIN_BYTES;
    this.#root = open<Uint8Array, Uint8Array>(path, {
      encoding: 'binary',
      keyEncoding: 'binary',
      maxDbs: TABLES.length + 2,
      maxReaders: MAX_READERS,
      mapSize: Math.ceil(mapBytes / MAP_STEP_BYTES) * MAP_STEP_BYTES,
      noSubdir: false,
      // One commit, one sync, in order: with overlapping syncs a commit is visible before it is on the disk.
      overlappingSync: false,
      noSync: !options.durable,
      readOnly: this.readOnly,
      ...MISSING_FROM_TYPES,
    });
    try {
      for (const name of [...TABLES, 'meta']) this.#databases.set(name, this.#openDatabase(name));
      this.tables = this.#tablesFor(undefined);
      this.meta = new LmdbTable('meta', this.#databases.get('meta')!, this.#ownerFor(undefined));
      this.version = bringToVersion(this, options.migrations ?? MIGRATIONS);
    } catch (error) {
      void this.#root.close();
      throw error;
    }
  }

  transaction<T>(work: () => T): T {
    if (this.readOnly) throw unavailableError(this.path, 'it was opened for reading only');
    if (this.#writing) throw new Error('A transaction of the directory was started inside another.');
    this.#assertOpen();
    let result: T | undefined;
    this.#writing = true;
    try {
      this.#root.transactionSync(() => {
        this.#assertBegun();
        const before = this.#bytesInUse();
        this.#lengthen();
        result = work();
        this.#assertRoom(before);
      });
    } catch (error) {
      this.#writing = false;
      // The first commit that a full disk takes in part says EIO; it is asked again, to know whether it is full.
      throw storeError(
        this.path,
        isPartialWrite(error) ? explainPartialWrite(this.#root, this.path, error) : error,
      );
    } finally {
      this.#writing = false;
    }
    return result as T;
  }

  /** The tables as they are now, for as long as it is held: consistent over all of them, whatever is written meanwhile. */
  snapshot(): { tables: Tables; release(): void } {
    this.#assertOpen();
    this.#giveBack();
    const transaction = this.#root.useReadTransaction();
    return { tables: this.#tablesFor(transaction), release: () => transaction.done() };
  }

  bytes(): number {
    const { size, blocks } = statSync(this.#file);
    return Math.min(size, blocks * BLOCK_BYTES);
  }

  /** Of the pages in use: the file is larger by those that wait to be used again. */
  usedBytes(): number {
    const { pageSize, free, ...root } = this.#root.getStats() as DatabaseStats;
    let pages = META_PAGES + pagesOf(root) + pagesOf(free);
    for (const database of this.#databases.values()) pages += pagesOf(database.getStats() as DatabaseStats);
    return pages * pageSize;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#giveBack();
    this.#closed = true;
    await this.#root.close();
  }

  #openDatabase(name: string): BinaryDatabase {
    const database: BinaryDatabase | undefined = this.#root.openDB<Uint8Array, Uint8Array>({
      name,
      encoding: 'binary',
      keyEncoding: 'binary',
    });
    // lmdb's types leave out that it is undefined in a store opened for reading that lacks it.
    if (database === undefined) throw corruptError(this.path, `it has no table ${name}`);
    return database;
  }

  #tablesFor(snapshot: Transaction | undefined): Tables {
    const owner = this.#ownerFor(snapshot);
    const entries = TABLES.map((name) => [name, new LmdbTable(name, this.#databases.get(name)!, owner)]);
    return Object.freeze(Object.fromEntries(entries)) as Tables;
  }

  #ownerFor(snapshot: Transaction | undefined): TableOwner {
    return {
      path: this.path,
      snapshot,
      beforeRead: () => {
        this.#assertOpen();
        if (snapshot === undefined && !this.#writing) this.#holdSnapshot();
      },
      beforeWrite: () => {
        if (!this.#writing) throw new Error('A table of the directory was written to outside a transaction.');
      },
    };
  }

  #holdSnapshot(): void {
    if (this.#snapshotHeld) return;
    this.#snapshotHeld = true;
    queueMicrotask(() => this.#giveBack());
  }

  #giveBack(): void {
    if (!this.#snapshotHeld) return;
    this.#snapshotHeld = false;
    if (!this.#closed) (this.#root as unknown as { resetReadTxn(): void }).resetReadTxn();
  }

  #assertOpen(): void {
    if (this.#closed) throw unavailableError(this.path, 'it was closed');
  }

  /**
   * lmdb ignores that LMDB refused to begin, which it does for good after a failure while writing a meta page or the
   * death of a thread inside a transaction; the first write would end the process.
   */
  #assertBegun(): void {
    if (this.#root.getWriteTxnId() !== 0) return;
    throw unavailableError(
      this.path,
      'an earlier failure of the disk left it in doubt; start the relay anew',
    );
  }

  /**
   * Pages that a transaction allocates and frees again are never written, but count as the file's: it would be shorter
   * than it says, and could not be told from one that was cut off. So it is longer than any transaction needs, by a
   * hole that takes no room on the disk. Under the writer's lock: nobody else changes its length.
   */
  #lengthen(): void {
    // Windows has no holes unless asked for, and lmdb lengthens the file there by itself.
    if (process.platform === 'win32') return;
    const { lastPageNumber, pageSize } = this.#root.getStats() as DatabaseStats;
    const wanted = (lastPageNumber + 1) * pageSize + LARGEST_TRANSACTION_BYTES;
    try {
      if (statSync(this.#file).size >= wanted) return;
      truncateSync(this.#file, wanted + LARGEST_TRANSACTION_BYTES);
    } catch {
      // A limit on the size of files: then a file may have to be looked through when it is opened (data-file.ts).
    }
  }

  /** Undefined while the file is too small for it to matter. */
  #bytesInUse(): number | undefined {
    const { lastPageNumber, pageSize } = this.#root.getStats() as DatabaseStats;
    const fileBytes = (lastPageNumber + 1) * pageSize;
    return fileBytes + LARGEST_TRANSACTION_BYTES <= this.#maxBytes ? undefined : this.usedBytes();
  }

  /** A transaction that needs no more than there was may always go on: that is how room is made. */
  #assertRoom(before: number | undefined): void {
    if (before === undefined) return;
    const after = this.#bytesInUse()!;
    if (after <= this.#maxBytes || after <= before) return;
    throw fullError(this.path, `it holds the ${this.#maxBytes} bytes that it may`);
  }
}

function pagesOf(
  stats: Pick<DatabaseStats, 'treeBranchPageCount' | 'treeLeafPageCount' | 'overflowPages'>,
): number {
  return stats.treeBranchPageCount + stats.treeLeafPageCount + stats.overflowPages;
}
