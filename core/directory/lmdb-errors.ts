/** What a failure of LMDB or of the disk means to the directory: one of three codes, each with its own remedy. */
import { constants } from 'node:os';
import { SupernodeError } from '../protocol/errors.ts';

/** lmdb.h. LMDB's own numbers are negative, the system's are positive. */
const MDB_PAGE_NOTFOUND = -30_797;
const MDB_CORRUPTED = -30_796;
const MDB_VERSION_MISMATCH = -30_794;
const MDB_INVALID = -30_793;
const MDB_MAP_FULL = -30_792;

const DAMAGE = new Set([MDB_PAGE_NOTFOUND, MDB_CORRUPTED, MDB_VERSION_MISMATCH, MDB_INVALID]);
/** Windows has no number for the last two; undefined is no code of an error. */
const { ENOSPC, EFBIG, EIO } = constants.errno;
const EDQUOT = constants.errno.EDQUOT as number | undefined;
const FULL = new Set<number | undefined>([MDB_MAP_FULL, ENOSPC, EFBIG, EDQUOT]);
const FULL_NAMES = new Set(['ENOSPC', 'EFBIG', 'EDQUOT']);

export function fullError(path: string, why: string, cause?: unknown): SupernodeError {
  return new SupernodeError('directory-full', `The directory ${path} is full: ${why}; nothing was stored.`, {
    cause,
  });
}

export function corruptError(path: string, what: string, cause?: unknown): SupernodeError {
  return new SupernodeError(
    'directory-corrupt',
    `The directory ${path} is damaged: ${what}. Stop the relay, run "supernode directory check", and restore it ` +
      'from an export or a backup.',
    { cause },
  );
}

export function unavailableError(path: string, why: string, cause?: unknown): SupernodeError {
  return new SupernodeError('directory-unavailable', `The directory ${path} cannot be used: ${why}.`, {
    cause,
  });
}

/**
 * An error of lmdb (its `code` is a number) or of node:fs as one of ours; anything else, such as what a transaction's
 * own work threw, comes back as it is.
 */
export function storeError(path: string, error: unknown): unknown {
  if (error instanceof SupernodeError || !(error instanceof Error)) return error;
  const { code } = error as { code?: unknown };
  if (typeof code === 'number') {
    if (FULL.has(code)) return fullError(path, error.message, error);
    if (DAMAGE.has(code)) return corruptError(path, error.message, error);
    return unavailableError(path, error.message, error);
  }
  if (typeof code === 'string' && 'syscall' in error) {
    return FULL_NAMES.has(code)
      ? fullError(path, error.message, error)
      : unavailableError(path, error.message, error);
  }
  return error;
}

/** A write that the disk took only in part ends as EIO: on a full disk that is the first sign of it. */
export function isPartialWrite(error: unknown): boolean {
  return error instanceof Error && (error as { code?: unknown }).code === EIO;
}
