/** Where a relay keeps its directory, made ready: the path, the lock, the store in the version of this program. */
import { chmodSync, closeSync, fsyncSync, openSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import envPaths from 'env-paths';
import { OptionError, SupernodeError } from '../protocol/errors.ts';
import { storeError, unavailableError } from './lmdb-errors.ts';
import { DATA_FILE, LmdbStore } from './lmdb-store.ts';
import { isLockFile, lockStore } from './lock.ts';
import { makeDirectory } from './make-directory.ts';
import { makeMemoryPlace } from './memory-place.ts';

const OWNER_ONLY_DIRECTORY = 0o700;
/** About 40 million small records. */
export const DEFAULT_MAX_BYTES = 16 * 1024 ** 3;
const LMDB_FILES = new Set([DATA_FILE, 'lock.mdb']);

export interface PlaceOptions {
  /** Default: the data directory of this user, with the relay's port in it. */
  path?: string | undefined;
  /** Default DEFAULT_MAX_BYTES. */
  maxBytes?: number | undefined;
}

export interface DirectoryPlace {
  path: string;
  /** Whether a store opened there must sync what it commits. */
  durable: boolean;
  /** Gives the lock back, and removes a directory in memory. Close the store before. */
  release(): Promise<void>;
}

/** Where `supernode start` keeps a relay's key and its directory. */
export function defaultDataDirectory(port: number): string {
  return join(envPaths('supernode', { suffix: '' }).data, `relay-${port}`);
}

/** Of a relay's data directory, the part that is the store. */
export function storePath(dataDirectory: string): string {
  return join(resolve(dataDirectory), 'directory');
}

/**
 * Makes the store's directory, takes its lock, and creates, checks and migrates the store. Workers open it afterwards.
 * @throws SupernodeError `directory-in-use`, `directory-corrupt`, `directory-version`, `directory-full`, or
 *   `directory-unavailable` when the path cannot be used; OptionError when there is no path and the port is 0.
 */
export async function openPlace(options: ':memory:' | PlaceOptions, port: number): Promise<DirectoryPlace> {
  if (options === ':memory:') return openMemoryPlace();
  if (options.path === undefined && port === 0) {
    throw new OptionError(
      'The relay option directory needs a path when the port is 0: the next start has another.',
    );
  }
  const path = resolve(options.path ?? storePath(defaultDataDirectory(port)));
  prepare(path);
  const lock = lockPlace(path);
  try {
    await openOnce(path, true, options.maxBytes);
    syncDirectory(path);
    syncDirectory(dirname(path));
  } catch (error) {
    lock.release();
    throw storeError(path, error);
  }
  return { path, durable: true, release: async () => lock.release() };
}

async function openMemoryPlace(): Promise<DirectoryPlace> {
  const path = makeMemoryPlace();
  const remove = () => rmSync(path, { recursive: true, force: true });
  process.on('exit', remove);
  const release = async () => {
    process.off('exit', remove);
    remove();
  };
  try {
    await openOnce(path, false, undefined);
  } catch (error) {
    await release();
    throw error;
  }
  return { path, durable: false, release };
}

async function openOnce(path: string, durable: boolean, maxBytes: number | undefined): Promise<void> {
  const store = LmdbStore.open(path, { durable, maxBytes: maxBytes ?? DEFAULT_MAX_BYTES, look: 'branches' });
  await store.close();
}

/** @throws SupernodeError when this is no place for a store. */
function prepare(path: string): void {
  try {
    makeDirectory(path);
    const names = readdirSync(path);
    const foreign = names.find((name) => !LMDB_FILES.has(name) && !isLockFile(name));
    if (foreign !== undefined && !names.includes(DATA_FILE)) {
      throw unavailableError(path, `it holds other files, such as ${foreign}; name an empty directory`);
    }
    closeToOthers(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const isFile = code === 'EEXIST' || code === 'ENOTDIR';
    if (isFile)
      throw unavailableError(path, 'it, or a part of its path, is a file and not a directory', error);
    throw storeError(path, error);
  }
}

/** Whoever reads it has everybody's mail; whoever made the directory by hand may have left it open. */
function closeToOthers(path: string): void {
  if (process.platform === 'win32' || (statSync(path).mode & 0o077) === 0) return;
  chmodSync(path, OWNER_ONLY_DIRECTORY);
}

function lockPlace(path: string) {
  try {
    return lockStore(path);
  } catch (error) {
    if (error instanceof SupernodeError) throw error;
    throw unavailableError(path, `it cannot be written to (${(error as Error).message})`, error);
  }
}

/** A file's name is on the disk when its directory was synced; not every system lets a directory be. */
function syncDirectory(path: string): void {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, 'r');
    fsyncSync(descriptor);
  } catch {
    return;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
