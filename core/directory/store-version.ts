/**
 * Which layout a store has, and how an older one is brought to this program's. The number stands in the store itself
 * (table `meta`, key `version`), so it is copied, restored and rolled back with the rest.
 *
 * MIGRATIONS[n] turns version n + 1 into n + 2, in one transaction with the new number: a crash leaves either.
 */
import { SupernodeError } from '../protocol/errors.ts';
import { corruptError } from './lmdb-errors.ts';
import type { Table, TableName } from './store.ts';

export type Migration = (tables: Readonly<Record<TableName, Table>>) => void;

export const MIGRATIONS: readonly Migration[] = [];

const VERSION_KEY = new TextEncoder().encode('version');

/** What the version needs of a store. */
export interface VersionedStore {
  readonly path: string;
  readonly readOnly: boolean;
  readonly meta: Table;
  readonly tables: Readonly<Record<TableName, Table>>;
  transaction<T>(work: () => T): T;
}

/**
 * Stamps a new store, and migrates an older one step by step.
 * @returns the version that it has now.
 * @throws SupernodeError `directory-version` when the store is newer, or older and cannot be written to;
 *   `directory-corrupt` when it has rows and no version.
 */
export function bringToVersion(store: VersionedStore, migrations: readonly Migration[]): number {
  const newest = migrations.length + 1;
  if (versionOf(store) === newest) return newest;
  if (store.readOnly) throw needsMigration(store, newest);
  let at: number | undefined;
  do {
    // Read again inside: another thread or process may have come first.
    at = store.transaction(() => {
      const version = versionOf(store);
      if (version === newest) return version;
      if (version !== undefined && version > newest) throw tooNew(store, version, newest);
      if (version === undefined) assertEmpty(store);
      else migrations[version - 1]!(store.tables);
      const next = version === undefined ? newest : version + 1;
      store.meta.put(VERSION_KEY, encode(next));
      return next;
    });
  } while (at < newest);
  return newest;
}

function versionOf(store: VersionedStore): number | undefined {
  const value = store.meta.get(VERSION_KEY);
  if (value === undefined) return undefined;
  const version = value.length === 4 ? new DataView(value.buffer, value.byteOffset).getUint32(0) : 0;
  if (version === 0) throw corruptError(store.path, 'its version is no number');
  return version;
}

function encode(version: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, version);
  return bytes;
}

function assertEmpty(store: VersionedStore): void {
  if (Object.values(store.tables).every((table) => table.count() === 0)) return;
  throw corruptError(store.path, 'it has rows and no version');
}

function tooNew(store: VersionedStore, version: number, newest: number): SupernodeError {
  return new SupernodeError(
    'directory-version',
    `The directory ${store.path} has version ${version}, and this program knows up to ${newest}: run a newer one.`,
  );
}

function needsMigration(store: VersionedStore, newest: number): SupernodeError {
  const version = versionOf(store);
  if (version !== undefined && version > newest) return tooNew(store, version, newest);
  return new SupernodeError(
    'directory-version',
    `The directory ${store.path} has version ${version ?? 0} and must be brought to ${newest}: start its relay once.`,
  );
}
