/**
 * `supernode directory check`: whether a store is what the relay takes it for. First LMDB's own pages, without LMDB
 * (data-pages.ts); then every row: its checksum, its signature, and that the tables agree with each other.
 *
 * Works beside a relay, on one snapshot. Memory does not grow with the store; beyond `most` findings only their number.
 */
import { SupernodeError } from '../protocol/errors.ts';
import { CHECKS } from './check-rows.ts';
import type { Tables } from './lmdb-store.ts';
import { TABLES, type TableName } from './store.ts';
import { type Progress, pause, ROWS_AT_ONCE, withStore } from './tool-store.ts';

export const DEFAULT_MOST_FINDINGS = 100;

export interface Finding {
  /** Null: the file as a whole. */
  table: TableName | null;
  /** Hexadecimal; null: none in particular. */
  key: string | null;
  what: string;
}

export interface CheckResult {
  /** The first ones. */
  findings: Finding[];
  /** How many there are in all. */
  found: number;
  rows: number;
}

export interface CheckOptions {
  /** Findings to list, default DEFAULT_MOST_FINDINGS. */
  most?: number;
  onProgress?: (progress: Progress) => void;
}

/** @throws SupernodeError `directory-version`; `directory-unavailable` when there is no store, or it cannot be read. */
export async function checkDirectory(path: string, options: CheckOptions = {}): Promise<CheckResult> {
  const result: CheckResult = { findings: [], found: 0, rows: 0 };
  const most = options.most ?? DEFAULT_MOST_FINDINGS;
  const find = (table: TableName | null, key: Uint8Array | null, what: string): void => {
    result.found++;
    if (result.findings.length >= most) return;
    result.findings.push({ table, key: key && Buffer.from(key).toString('hex'), what });
  };
  try {
    await withStore(path, 'pages', ({ tables }) => checkTables(tables, find, result, options.onProgress));
  } catch (error) {
    const isDamage = error instanceof SupernodeError && error.code === 'directory-corrupt';
    if (!isDamage) throw error;
    find(null, null, error.message);
  }
  return result;
}

type Find = (table: TableName, key: Uint8Array, what: string) => void;

async function checkTables(
  tables: Tables,
  find: Find,
  result: CheckResult,
  onProgress: CheckOptions['onProgress'],
): Promise<void> {
  let total = 0;
  for (const name of TABLES) total += tables[name].count();
  for (const name of TABLES) {
    const check = CHECKS[name];
    for (const [key, value] of tables[name].scan()) {
      const what =
        value === undefined ? 'its checksum does not hold' : careful(() => check(key, value, tables));
      if (what !== undefined) find(name, key, what);
      if (++result.rows % ROWS_AT_ONCE !== 0) continue;
      onProgress?.({ done: result.rows, total });
      await pause();
    }
  }
}

/** A row that another row's check reads may be damaged too: that is a finding, and no end. */
function careful(check: () => string | undefined): string | undefined {
  try {
    return check();
  } catch (error) {
    if (error instanceof SupernodeError || error instanceof RangeError) return error.message;
    throw error;
  }
}
