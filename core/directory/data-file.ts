/**
 * A look at LMDB's file before LMDB maps it: it trusts what it maps, and a page that it is sent to and the file does
 * not have ends the process with SIGBUS.
 *
 *   0      page header 24: number u64, transaction u64, pad u16, flags u16 (8: a meta page), bounds 2 x u16
 *   24     magic u32, format u32 | 48 the trees of free pages and of tables, 48 bytes each; the first begins with the
 *          page size u32 | 144 last page u64 | 152 transaction u64
 *   page size  the second meta page, alike; the one with the higher transaction counts
 *
 * Numbers are in the byte order of the machine that wrote it: little-endian on all that lmdb is built for.
 */
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { walkPages } from './data-pages.ts';
import { corruptError, unavailableError } from './lmdb-errors.ts';

const MAGIC = 0xbe_ef_c0_de;
const FORMAT = 2;
const META_BYTES = 168;
const META_FLAG = 8;
const FREE_TREE_AT = 48;
const MAIN_TREE_AT = 96;
const LEAST_PAGE_BYTES = 512;
const MOST_PAGE_BYTES = 65_536;
/** 2^53 bytes in the smallest pages: beyond it numbers are no longer exact. */
const MOST_PAGES = 2n ** 44n;

/**
 * What of the file is read: `header` the two meta pages; `branches` also the inner pages of all trees, about 1% of the
 * file, so that no page is missing but values' own; `pages` all that is in use.
 */
export type Depth = 'header' | 'branches' | 'pages';

interface Meta {
  pageBytes: number;
  lastPage: number;
  transaction: number;
  free: Buffer;
  main: Buffer;
}

/**
 * @returns false when there is no file yet, or an empty one: a store that was never written.
 * @throws SupernodeError `directory-corrupt` when the file is not a store's, or lacks pages; `directory-unavailable` when
 *   it is no file. What the system says of a file that it does not let us read.
 */
export function checkDataFile(file: string, depth: Depth): boolean {
  const path = dirname(file);
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined || (found.isFile() && found.size === 0)) return false;
  if (!found.isFile()) throw unavailableError(path, `${file} is not a file`);
  const descriptor = openSync(file, 'r');
  try {
    const meta = newestMeta(path, descriptor);
    // After the meta pages: another process may write, and it makes the file longer first.
    const pages = Math.floor(fstatSync(descriptor).size / meta.pageBytes);
    // A file can be shorter than it says and whole: its last pages were used and freed in one transaction.
    const deep = pages <= meta.lastPage ? 'pages' : depth;
    if (deep === 'header') return true;
    const damage = walkPages(descriptor, meta.pageBytes, pages, [meta.free, meta.main], deep === 'pages');
    if (damage !== undefined) throw corruptError(path, `in data.mdb ${damage}`);
  } finally {
    closeSync(descriptor);
  }
  return true;
}

function newestMeta(path: string, descriptor: number): Meta {
  const first = readMeta(path, descriptor, 0);
  const second = readMeta(path, descriptor, first.pageBytes);
  return second.transaction > first.transaction ? second : first;
}

function readMeta(path: string, descriptor: number, at: number): Meta {
  const bytes = Buffer.alloc(META_BYTES);
  if (readSync(descriptor, bytes, 0, META_BYTES, at) !== META_BYTES) {
    throw corruptError(path, 'data.mdb ends before its header does');
  }
  const isMeta = (bytes.readUInt16LE(18) & META_FLAG) !== 0 && bytes.readUInt32LE(24) === MAGIC;
  if (!isMeta) throw corruptError(path, 'data.mdb does not begin as a store does');
  if ((bytes.readUInt32LE(28) & 0xff_ff) !== FORMAT) {
    throw corruptError(path, `data.mdb has format ${bytes.readUInt32LE(28)} and not ${FORMAT}`);
  }
  const pageBytes = bytes.readUInt32LE(FREE_TREE_AT);
  const isSize = pageBytes >= LEAST_PAGE_BYTES && pageBytes <= MOST_PAGE_BYTES;
  if (!isSize || (pageBytes & (pageBytes - 1)) !== 0) {
    throw corruptError(path, `data.mdb has pages of ${pageBytes} bytes`);
  }
  const lastPage = bytes.readBigUInt64LE(144);
  if (lastPage > MOST_PAGES) throw corruptError(path, `data.mdb names a page ${lastPage}`);
  return {
    pageBytes,
    lastPage: Number(lastPage),
    transaction: Number(bytes.readBigUInt64LE(152)),
    free: bytes.subarray(FREE_TREE_AT, MAIN_TREE_AT),
    main: bytes.subarray(MAIN_TREE_AT, MAIN_TREE_AT + 48),
  };
}
