/** `supernode directory stats`: what is in a store, without reading all of it. */
import { readExpiryKey, readMailExpiryKey } from './rows.ts';
import { TABLES, type TableName } from './store.ts';
import { holderOf, withStore } from './tool-store.ts';

export interface DirectoryStats {
  path: string;
  version: number;
  /** The process that runs on it, or null. */
  pid: number | null;
  /** Of the file, and of its pages that are in use: the rest is used again before the file grows. */
  fileBytes: number;
  usedBytes: number;
  rows: Record<TableName, number>;
  /** Pages of the table. */
  tableBytes: Record<TableName, number>;
  /** Milliseconds since 1970 of what ends first, or null. */
  nextRecordExpiryMs: number | null;
  nextMailExpiryMs: number | null;
}

/** @throws SupernodeError `directory-corrupt`, `directory-version` or `directory-unavailable`. */
export async function statsDirectory(path: string): Promise<DirectoryStats> {
  return withStore(path, 'branches', async ({ store, tables }) => {
    const rows = {} as Record<TableName, number>;
    const tableBytes = {} as Record<TableName, number>;
    for (const name of TABLES) {
      rows[name] = tables[name].count();
      tableBytes[name] = tables[name].pages() * tables[name].stats().pageSize;
    }
    const [record] = tables.expiries.range({ most: 1 });
    const [mail] = tables.mailExpiries.range({ most: 1 });
    return {
      path,
      version: store.version,
      pid: holderOf(path) ?? null,
      fileBytes: store.bytes(),
      usedBytes: store.usedBytes(),
      rows,
      tableBytes,
      nextRecordExpiryMs: record ? readExpiryKey(record[0]).expiresMs : null,
      nextMailExpiryMs: mail ? readMailExpiryKey(mail[0]).expiresMs : null,
    };
  });
}
