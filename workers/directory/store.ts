/** The directory of this thread: opened when a task first needs it, in the store that all threads of the pool share. */
import { workerData } from 'node:worker_threads';
import { Directory } from '../../core/directory/directory.ts';
import { LmdbStore } from '../../core/directory/lmdb-store.ts';
import { verifySignature } from '../../core/identity/verify.ts';
import { SupernodeError } from '../../core/protocol/errors.ts';
import type { DirectorySettings, Trouble } from '../../core/threads/directory-messages.ts';
import { PresenceTable } from '../../core/threads/presence.ts';
import { Versions } from '../../core/threads/versions.ts';

let opened: { store: LmdbStore; directory: Directory } | null = null;
/** By code: a disk that fails does so for every ask of a batch. */
const troubles = new Map<string, string>();

/**
 * Null when this relay has none, and outside the pool.
 * @throws SupernodeError `directory-corrupt`, `directory-full` or `directory-unavailable` when it cannot be opened.
 */
export function theDirectory(): Directory | null {
  const settings = workerData as DirectorySettings | null;
  if (!settings?.store) return null;
  opened ??= open(settings, settings.store);
  return opened.directory;
}

export async function closeDirectory(): Promise<void> {
  const closing = opened;
  opened = null;
  await closing?.store.close();
}

/** Notes for the operator what a peer is told less of. The first of a kind says most. */
export function noteTrouble(error: unknown): void {
  const isOurs = error instanceof SupernodeError;
  const code = isOurs ? error.code : 'contained-fault';
  if (troubles.has(code)) return;
  troubles.set(code, isOurs ? error.message : `directory: ${error instanceof Error ? error.stack : error}`);
}

/** What was noted since the last call. */
export function takeTroubles(): Trouble[] {
  const taken = Array.from(troubles, ([code, message]) => ({ code, message }));
  troubles.clear();
  return taken;
}

function open(settings: DirectorySettings, place: NonNullable<DirectorySettings['store']>) {
  const { durable, maxBytes, path } = place;
  const store = LmdbStore.open(path, { durable, maxBytes });
  const directory = new Directory(store, {
    presence: new PresenceTable(settings.presence),
    versions: new Versions(settings.versions),
    recordTtlMs: settings.recordTtlMs,
    maxRecords: settings.maxRecords,
    now: Date.now,
    verify: verifySignature,
    onFault: noteTrouble,
  });
  return { store, directory };
}
