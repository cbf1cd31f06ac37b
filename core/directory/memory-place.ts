/**
 * Where a directory is kept that ends with its process: LMDB needs a file, so it gets one on a file system in memory.
 *
 *   /dev/shm/supernode-memory-PID-STARTED-XXXXXX/     else the same in the directory for temporary files
 *
 * The process is in the name, so that the next relay can remove what a killed one left.
 */
import { accessSync, constants, lstatSync, mkdtempSync, readdirSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive, ownMark } from './process-mark.ts';

const MEMORY_FILES = '/dev/shm';
/** A container may have 64 MiB there: then rather a disk. About 500,000 records. */
const LEAST_FREE_BYTES = 256 * 1024 * 1024;
const NAME = /^supernode-memory-(\d{1,10})-([0-9a-f.]*)-\w{6}$/;

export function makeMemoryPlace(): string {
  const { pid, started } = ownMark();
  const parent = memoryParent();
  removeLeftovers(parent);
  return mkdtempSync(join(parent, `supernode-memory-${pid}-${started}-`));
}

export function memoryParent(): string {
  try {
    accessSync(MEMORY_FILES, constants.W_OK | constants.X_OK);
    const { bavail, bsize } = statfsSync(MEMORY_FILES);
    if (bavail * bsize >= LEAST_FREE_BYTES) return MEMORY_FILES;
  } catch {
    // Not Linux, or closed to this user.
  }
  return tmpdir();
}

/** Another user's, and one that vanishes meanwhile, are left alone. */
function removeLeftovers(parent: string): void {
  for (const name of readdirSync(parent)) {
    const match = NAME.exec(name);
    if (match === null || isAlive({ pid: Number(match[1]), started: match[2]! })) continue;
    try {
      const found = lstatSync(join(parent, name));
      if (!found.isDirectory() || (process.getuid !== undefined && found.uid !== process.getuid())) continue;
      rmSync(join(parent, name), { recursive: true, force: true });
    } catch {
      // It is tried again at the next start.
    }
  }
}
