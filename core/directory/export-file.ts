/** `supernode directory export`: a store as lines of text, as it was at one moment, in bounded memory. */
import { createHash } from 'node:crypto';
import { peerIdOf } from '../protocol/peer-id.ts';
import { EXPORTED, type ExportedTable, FORMAT } from './export-format.ts';
import type { Tables } from './lmdb-store.ts';
import { parseRecord } from './record.ts';
import {
  LIST_ALLOWED,
  LIST_BLOCKED,
  listedIn,
  listKey,
  readMail,
  readMailbox,
  readPolicy,
  readU64,
  seqOfMail,
} from './rows.ts';
import { type Progress, pause, ROWS_AT_ONCE, withStore } from './tool-store.ts';
import { parseVault } from './vault.ts';

export interface ExportSummary {
  rows: number;
  /** Rows that were left out, since what is stored is not what was written: see `check`. */
  damaged: number;
  bytes: number;
}

export interface ExportOptions {
  onProgress?: (progress: Progress) => void;
}

type Row = Record<string, unknown>;
const KEY_BYTES = 32;

/**
 * Works beside a relay that runs on the store. Rows that are damaged are left out and counted.
 * @param write takes text; a promise that it returns is waited for.
 * @throws SupernodeError `directory-corrupt`, `directory-version` or `directory-unavailable`; what `write` throws.
 */
export function exportDirectory(
  path: string,
  write: (text: string) => Promise<void> | undefined,
  options: ExportOptions = {},
): Promise<ExportSummary> {
  return withStore(path, 'branches', async ({ tables }) => {
    const digest = createHash('sha256');
    const summary: ExportSummary = { rows: 0, damaged: 0, bytes: 0 };
    let total = 0;
    for (const name of EXPORTED) total += tables[name].count();
    const send = async (text: string): Promise<void> => {
      digest.update(text);
      summary.bytes += Buffer.byteLength(text);
      await write(text);
    };
    await send(header(tables));
    let lines = '';
    let waiting = 0;
    for (const [name, key, value] of rowsOf(tables)) {
      const row = value && readable(tables, name, key, value);
      if (row === undefined) summary.damaged++;
      else {
        lines += `${JSON.stringify({ table: name, ...row })}\n`;
        summary.rows++;
      }
      if (++waiting < ROWS_AT_ONCE && lines.length < CHUNK_CHARACTERS) continue;
      await send(lines);
      await pause();
      lines = '';
      waiting = 0;
      options.onProgress?.({ done: summary.rows + summary.damaged, total });
    }
    await send(lines);
    const { rows, damaged } = summary;
    await write(`${JSON.stringify({ end: true, rows, damaged, sha256: digest.digest('hex') })}\n`);
    return summary;
  });
}

const CHUNK_CHARACTERS = 256 * 1024;

function header(tables: Tables): string {
  const rows = Object.fromEntries(EXPORTED.map((name) => [name, tables[name].count()]));
  const exportedAt = new Date().toISOString();
  return `${JSON.stringify({ supernode: 'directory', format: FORMAT, exportedAt, rows })}\n`;
}

function* rowsOf(tables: Tables): Generator<[ExportedTable, Uint8Array, Uint8Array | undefined]> {
  for (const name of EXPORTED) {
    for (const [key, value] of tables[name].scan()) yield [name, key, value];
  }
}

/** Undefined when the bytes are not what the table holds. */
function readable(tables: Tables, name: ExportedTable, key: Uint8Array, value: Uint8Array): Row | undefined {
  try {
    return WRITERS[name](key, value, tables);
  } catch {
    return undefined;
  }
}

const WRITERS: Record<ExportedTable, (key: Uint8Array, value: Uint8Array, tables: Tables) => Row> = {
  records(key, value) {
    const { name, seq, expiresMs } = parseRecord(value);
    return { id: peerIdOf(key), name, seq, expiresMs, record: base64(value) };
  },
  seen: (key, value) => ({ id: peerIdOf(key), seenMs: readU64(value) }),
  policies(key, value, tables) {
    const { visibility, reach } = readPolicy(value);
    const listed = (list: number) =>
      [...tables.lists.range({ from: listKey(key, list), before: listKey(key, list + 1) })].map(([row]) =>
        peerIdOf(listedIn(row)),
      );
    return {
      id: peerIdOf(key),
      visibility,
      reach,
      allowed: listed(LIST_ALLOWED),
      blocked: listed(LIST_BLOCKED),
    };
  },
  vaults(key, value) {
    return { id: peerIdOf(key), revision: parseVault(value).revision, vault: base64(value) };
  },
  mail(key, value) {
    const { from, id, sentMs, expiresMs, receipt, bytes } = readMail(value);
    return {
      id: peerIdOf(key.subarray(0, KEY_BYTES)),
      seq: seqOfMail(key),
      from: peerIdOf(from),
      messageId: base64(id),
      sentMs,
      expiresMs,
      receipt,
      bytes: bytes && base64(bytes),
    };
  },
  mailboxes: (key, value) => ({ id: peerIdOf(key), nextSeq: readMailbox(value).nextSeq }),
};

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url');
}
