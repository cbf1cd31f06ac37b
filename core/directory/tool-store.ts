/** How the tools look at a store: for reading only, beside a relay that runs on it, as it was at one moment. */
import { join } from 'node:path';
import type { Depth } from './data-file.ts';
import { DATA_FILE, LmdbStore, type Tables } from './lmdb-store.ts';
import { lockHolder } from './lock.ts';
import { DEFAULT_MAX_BYTES } from './place.ts';

/** Rows after which a tool lets the event loop run: signals, progress, and whoever takes what it writes. */
export const ROWS_AT_ONCE = 500;

export interface Progress {
  done: number;
  /** Rows in all, as far as is known. */
  total: number;
}

export interface ToolView {
  store: LmdbStore;
  tables: Tables;
}

/**
 * @param look how much of the file to look at first; ignored while a relay writes to it, which has looked itself.
 * @throws SupernodeError `directory-corrupt`, `directory-version` or `directory-unavailable`.
 */
export async function withStore<T>(
  path: string,
  look: Depth,
  work: (view: ToolView) => Promise<T>,
): Promise<T> {
  const isLive = holderOf(path) !== undefined;
  const store = LmdbStore.open(path, {
    durable: true,
    readOnly: true,
    maxBytes: DEFAULT_MAX_BYTES,
    look: isLive ? 'header' : look,
  });
  try {
    const { tables, release } = store.snapshot();
    try {
      return await work({ store, tables });
    } finally {
      release();
    }
  } finally {
    await store.close();
  }
}

export function dataFile(path: string): string {
  return join(path, DATA_FILE);
}

/** The process that has the store, if one has. A store that is not there is found out by opening it. */
export function holderOf(path: string): number | undefined {
  try {
    return lockHolder(path)?.pid;
  } catch {
    return undefined;
  }
}

/** Lets the event loop run once. */
export function pause(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
