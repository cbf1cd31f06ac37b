/** Stores in fresh directories, removed with the test. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { LmdbStore, type LmdbStoreOptions } from '../../core/directory/lmdb-store.ts';

const MiB = 1024 * 1024;
const opened: LmdbStore[] = [];
const made: string[] = [];

afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
  for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true });
});

export function freshPath(): string {
  const parent = mkdtempSync(join(tmpdir(), 'supernode-store-'));
  made.push(parent);
  return join(parent, 'directory');
}

export function openStore(path: string, options: Partial<LmdbStoreOptions> = {}): LmdbStore {
  const store = LmdbStore.open(path, { durable: false, maxBytes: 64 * MiB, ...options });
  opened.push(store);
  return store;
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function text(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}
