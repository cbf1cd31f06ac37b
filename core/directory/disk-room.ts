/**
 * What a write that the disk took only in part means. The kernel reports a full disk, a quota or a file-size limit
 * only when it can take nothing at all; before that it takes a part, and LMDB makes EIO of it.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { RootDatabase } from 'lmdb';

const PROBE_BYTES = 1024 * 1024;

/**
 * Writes zeros behind the end of the data file and takes them off again, under the lock of the writer.
 * @returns the error that this met, else the one given.
 */
export function explainPartialWrite(
  root: RootDatabase<Uint8Array, Uint8Array>,
  path: string,
  error: unknown,
): unknown {
  let met: unknown;
  try {
    root.transactionSync(() => {
      met = probe(join(path, 'data.mdb'));
    });
  } catch {
    return error;
  }
  return met ?? error;
}

function probe(file: string): unknown {
  const descriptor = openSync(file, 'r+');
  try {
    const end = fstatSync(descriptor).size;
    try {
      for (let at = 0; at < PROBE_BYTES; ) {
        at += writeSync(descriptor, new Uint8Array(PROBE_BYTES - at), 0, PROBE_BYTES - at, end + at);
      }
      return undefined;
    } catch (error) {
      return error;
    } finally {
      ftruncateSync(descriptor, end);
    }
  } finally {
    closeSync(descriptor);
  }
}
