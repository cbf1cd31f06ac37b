/**
 * Walks the pages of LMDB's file without LMDB, to learn whether each that is in use is there and is what it should be.
 *
 *   tree     pad u32, flags u16, depth u16, pages 3 x u64, entries u64, 40 root u64 (all ones: empty)
 *   page     number u64, transaction u64, pad u16, 18 flags u16 (1 branch, 2 leaf, 4 overflow), 20 bytes of offsets u16
 *            (overflow: pages u32), 22 upper u16, 24 offsets of nodes u16, counted from byte 24
 *   node     lo u16, hi u16, flags u16, length of key u16, key, data
 *            branch: page lo + hi << 16 + flags << 32 | leaf: length of data lo + hi << 16; flags 1: the data are the
 *            number of an overflow page, 2: the data are a tree
 */
import { readSync } from 'node:fs';

const PAGE_HEADER_BYTES = 24;
const NODE_HEADER_BYTES = 8;
const TREE_BYTES = 48;
const ROOT_AT = 40;
const BRANCH = 1;
const LEAF = 2;
const OVERFLOW = 4;
const BIG_DATA = 1;
const SUB_TREE = 2;
const EMPTY = 0xff_ff_ff_ff_ff_ff_ff_ffn;
/** 512-byte pages of two entries each would hold 2^32 of them. */
const MOST_LEVELS = 32;

/** What is wrong, as part of a sentence. */
class Damage extends Error {}

/**
 * @param pages in the file.
 * @param leaves also of the tables, and their values' own pages; the leaves of the tree of tables are always read.
 * @returns what is wrong, or undefined.
 */
export function walkPages(
  descriptor: number,
  pageBytes: number,
  pages: number,
  [free, main]: [free: Buffer, main: Buffer],
  leaves: boolean,
): string | undefined {
  const walk = new Walk(descriptor, pageBytes, pages);
  try {
    walk.tree(free, leaves, () => undefined);
    walk.tree(main, true, (table) => walk.tree(table, leaves, noTree));
    return undefined;
  } catch (error) {
    if (error instanceof Damage) return error.message;
    throw error;
  }
}

function noTree(): never {
  throw new Damage('a value of a table is a tree');
}

class Walk {
  readonly #descriptor: number;
  readonly #pageBytes: number;
  readonly #pages: number;
  /** One bit a page: a page that two others point to is damage, and a circle would have no end. */
  readonly #seen: Uint8Array;

  constructor(descriptor: number, pageBytes: number, pages: number) {
    this.#descriptor = descriptor;
    this.#pageBytes = pageBytes;
    this.#pages = pages;
    this.#seen = new Uint8Array(Math.ceil(pages / 8));
  }

  tree(tree: Buffer, leaves: boolean, onTree: (tree: Buffer) => void): void {
    const root = tree.readBigUInt64LE(ROOT_AT);
    const levels = tree.readUInt16LE(6);
    if (root === EMPTY) return;
    if (levels < 1 || levels > MOST_LEVELS) throw new Damage(`a tree has ${levels} levels`);
    this.#page(Number(root), levels, leaves, onTree);
  }

  #page(number: number, levels: number, leaves: boolean, onTree: (tree: Buffer) => void): void {
    this.#mark(number, 1);
    if (levels === 1 && !leaves) return;
    const page = this.#read(number, levels === 1 ? LEAF : BRANCH);
    const nodes = page.readUInt16LE(20) >> 1;
    if (PAGE_HEADER_BYTES + 2 * nodes > this.#pageBytes)
      throw new Damage(`page ${number} has ${nodes} entries`);
    for (let index = 0; index < nodes; index++) {
      const at = PAGE_HEADER_BYTES + page.readUInt16LE(PAGE_HEADER_BYTES + 2 * index);
      if (at + NODE_HEADER_BYTES > this.#pageBytes)
        throw new Damage(`page ${number} has an entry outside itself`);
      if (levels > 1) {
        const child = page.readUInt32LE(at) + page.readUInt16LE(at + 4) * 2 ** 32;
        this.#page(child, levels - 1, leaves, onTree);
      } else {
        this.#leafNode(page, number, at, onTree);
      }
    }
  }

  #leafNode(page: Buffer, number: number, at: number, onTree: (tree: Buffer) => void): void {
    const flags = page.readUInt16LE(at + 4);
    const dataAt = at + NODE_HEADER_BYTES + page.readUInt16LE(at + 6);
    const length = page.readUInt32LE(at);
    const inPage = (flags & BIG_DATA) === 0 ? length : 8;
    if (dataAt + inPage > this.#pageBytes) throw new Damage(`page ${number} has an entry that leaves it`);
    if ((flags & BIG_DATA) !== 0) {
      const first = Number(page.readBigUInt64LE(dataAt));
      const count = Math.ceil((PAGE_HEADER_BYTES + length) / this.#pageBytes);
      this.#mark(first, count);
      this.#read(first, OVERFLOW);
    } else if ((flags & SUB_TREE) !== 0) {
      if (length !== TREE_BYTES) throw new Damage(`page ${number} has a tree of ${length} bytes`);
      onTree(Buffer.from(page.subarray(dataAt, dataAt + TREE_BYTES)));
    }
  }

  #mark(first: number, count: number): void {
    if (!(first >= 2 && first + count <= this.#pages)) {
      throw new Damage(`page ${first + count - 1} is in use, and the file has ${this.#pages}`);
    }
    for (let number = first; number < first + count; number++) {
      const bit = 1 << (number & 7);
      if ((this.#seen[number >> 3]! & bit) !== 0) throw new Damage(`page ${number} is in use twice`);
      this.#seen[number >> 3]! |= bit;
    }
  }

  #read(number: number, kind: number): Buffer {
    const page = Buffer.allocUnsafe(this.#pageBytes);
    const got = readSync(this.#descriptor, page, 0, this.#pageBytes, number * this.#pageBytes);
    if (got !== this.#pageBytes) throw new Damage(`page ${number} cannot be read whole`);
    const isSo = Number(page.readBigUInt64LE(0)) === number && (page.readUInt16LE(18) & kind) !== 0;
    if (!isSo) throw new Damage(`page ${number} is not what it should be`);
    return page;
  }
}
