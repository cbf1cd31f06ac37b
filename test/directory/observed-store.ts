/** A store that counts what is read of it, and whose disk fails when it is told to. */
import type { DirectoryStore, Table, TableName } from '../../core/directory/store.ts';
import { SupernodeError } from '../../core/protocol/errors.ts';

export class ObservedStore implements DirectoryStore {
  readonly tables: Readonly<Record<TableName, Table>>;
  /** Tables in the order in which they were read. */
  readonly reads: TableName[] = [];
  /** Writes that still succeed; the next one throws what `failure` makes. */
  writesLeft = Number.POSITIVE_INFINITY;
  failure: () => Error = () => new SupernodeError('directory-full', 'The disk is full, says the test.');
  /** Fails when everything was written, as a commit does. */
  commitFails = false;
  transactions = 0;
  readonly #store: DirectoryStore;

  constructor(store: DirectoryStore) {
    this.#store = store;
    const entries = Object.entries(store.tables) as [TableName, Table][];
    this.tables = Object.fromEntries(
      entries.map(([name, table]) => [name, this.#observed(name, table)]),
    ) as Record<TableName, Table>;
  }

  transaction<T>(work: () => T): T {
    this.transactions++;
    return this.#store.transaction(() => {
      const result = work();
      if (this.commitFails) throw this.failure();
      return result;
    });
  }

  bytes(): number {
    return this.#store.bytes();
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  #observed(name: TableName, table: Table): Table {
    const noted = <T>(result: T): T => {
      this.reads.push(name);
      return result;
    };
    const writing = <T>(write: () => T): T => {
      if (this.writesLeft-- <= 0) throw this.failure();
      return write();
    };
    return {
      get: (key) => noted(table.get(key)),
      has: (key) => noted(table.has(key)),
      range: (range) => noted(table.range(range)),
      count: () => table.count(),
      put: (key, value) => writing(() => table.put(key, value)),
      remove: (key) => writing(() => table.remove(key)),
    };
  }
}
