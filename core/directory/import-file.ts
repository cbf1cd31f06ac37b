/** `supernode directory import`: the lines of an export into a store, in bounded memory, a transaction at a time. */
import { createHash, type Hash } from 'node:crypto';
import {
  badFile,
  type ExportRow,
  type ExportTrailer,
  MAX_LINE_BYTES,
  parseHeader,
  parseLine,
} from './export-format.ts';
import { importRow, type Outcome } from './import-rows.ts';
import { LmdbStore } from './lmdb-store.ts';
import { DEFAULT_MAX_BYTES, openPlace } from './place.ts';
import { type Progress, pause, ROWS_AT_ONCE } from './tool-store.ts';

const NEWLINE = 10;
/** Records whose names another had when they came: they wait for the end of the records. About 1 KiB each. */
const MOST_WAITING = 10_000;
const MOST_BATCH_BYTES = 8 * 1024 * 1024;

export interface ImportSummary {
  /** Rows that were stored. */
  stored: number;
  /** Rows that were not, since the store has the same or newer ones. */
  kept: number;
  /** Records and vaults that do not verify. */
  refused: number;
  /** Records whose name another peer has in the store. */
  taken: number;
}

export interface ImportOptions {
  maxBytes?: number | undefined;
  onProgress?: (progress: Progress) => void;
}

/**
 * Creates the store when there is none. One that was broken off is run again with the same file: what is there is kept.
 * @param source the export's bytes.
 * @throws SupernodeError `directory-in-use` while a relay runs on it, `directory-full`, `io` when the file is no export,
 *   has changed or was cut off; what came before has been stored then.
 */
export async function importDirectory(
  path: string,
  source: AsyncIterable<Uint8Array>,
  options: ImportOptions = {},
): Promise<ImportSummary> {
  const place = await openPlace({ path, maxBytes: options.maxBytes }, 0);
  try {
    const maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
    const store = LmdbStore.open(place.path, { durable: true, maxBytes });
    try {
      return await new Import(store, options).run(source);
    } finally {
      await store.close();
    }
  } finally {
    await place.release();
  }
}

/** Checks the digest of an export without storing anything. @throws SupernodeError `io`, as importDirectory. */
export async function verifyExport(source: AsyncIterable<Uint8Array>): Promise<void> {
  const reader = new Lines(source);
  for await (const { row } of reader.rows()) void row;
}

class Import {
  readonly #store: LmdbStore;
  readonly #options: ImportOptions;
  readonly #counts: Record<Outcome, number> = { stored: 0, kept: 0, refused: 0, taken: 0 };
  #batch: ExportRow[] = [];
  #batchBytes = 0;
  #waiting: ExportRow[] = [];
  #inRecords = true;

  constructor(store: LmdbStore, options: ImportOptions) {
    this.#store = store;
    this.#options = options;
  }

  async run(source: AsyncIterable<Uint8Array>): Promise<ImportSummary> {
    const lines = new Lines(source);
    let done = 0;
    try {
      for await (const { row, bytes } of lines.rows()) {
        if (this.#inRecords && row.table !== 'records') this.#endRecords();
        this.#batch.push(row);
        this.#batchBytes += bytes;
        done++;
        if (this.#batch.length < ROWS_AT_ONCE && this.#batchBytes < MOST_BATCH_BYTES) continue;
        this.#commit();
        this.#options.onProgress?.({ done, total: lines.expectedRows });
        await pause();
      }
    } catch (error) {
      // What came whole before the damage is kept, as the message says.
      this.#endRecords();
      throw error;
    }
    this.#endRecords();
    return { ...this.#counts };
  }

  #endRecords(): void {
    this.#commit();
    this.#inRecords = false;
    // A name that moved from one peer to another is free once the former owner's newer record has come.
    for (let before = -1; this.#waiting.length > 0 && this.#waiting.length !== before; ) {
      before = this.#waiting.length;
      this.#batch = this.#waiting;
      this.#waiting = [];
      this.#counts.taken -= before;
      this.#commit();
    }
    this.#waiting = [];
  }

  #commit(): void {
    const batch = this.#batch;
    if (batch.length === 0) return;
    this.#batch = [];
    this.#batchBytes = 0;
    const outcomes = this.#store.transaction(() => batch.map((row) => importRow(this.#store, row)));
    for (const [index, outcome] of outcomes.entries()) {
      this.#counts[outcome]++;
      if (outcome === 'taken' && this.#waiting.length < MOST_WAITING) this.#waiting.push(batch[index]!);
    }
  }
}

/** The lines of an export, checked against its last one. */
class Lines {
  readonly #source: AsyncIterable<Uint8Array>;
  readonly #digest: Hash = createHash('sha256');
  expectedRows = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source;
  }

  async *rows(): AsyncGenerator<{ row: ExportRow; bytes: number }> {
    let number = 0;
    let rows = 0;
    let trailer: ExportTrailer | undefined;
    for await (const line of this.#lines()) {
      number++;
      if (trailer) throw badFile(`line ${number} comes after its end`);
      const text = Buffer.from(line.buffer, line.byteOffset, line.length).toString('utf8');
      if (number === 1) {
        this.expectedRows = Object.values(parseHeader(text).rows).reduce((sum, count) => sum + count, 0);
      } else {
        const parsed = parseLine(text, number);
        if ('end' in parsed) {
          trailer = parsed;
          continue;
        }
        rows++;
        yield { row: parsed, bytes: line.length };
      }
      this.#digest.update(line);
    }
    this.#assertWhole(trailer, rows);
  }

  #assertWhole(trailer: ExportTrailer | undefined, rows: number): void {
    if (trailer === undefined) throw badFile(`it was cut off after ${rows} rows, which were read`);
    if (trailer.rows !== rows) throw badFile(`it has ${rows} rows, and its end says ${trailer.rows}`);
    if (trailer.sha256 === this.#digest.digest('hex')) return;
    throw badFile('it was changed after it was written: its digest is another');
  }

  /** With their newlines: the digest is over bytes. The last one may lack it, and is then half a line. */
  async *#lines(): AsyncGenerator<Uint8Array> {
    let rest: Uint8Array = new Uint8Array(0);
    for await (const chunk of this.#source) {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let from = 0;
      for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE, from)) {
        yield rest.subarray(from, end + 1);
        from = end + 1;
      }
      rest = rest.subarray(from);
      if (rest.length > MAX_LINE_BYTES) throw badFile(`it has a line of more than ${MAX_LINE_BYTES} bytes`);
    }
    if (rest.length > 0) throw badFile('it was cut off within a line; the rows before it were read');
  }
}
