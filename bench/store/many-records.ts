/**
 * A store with many real records, for benchmarks: every record is signed by a key of its own and claims a name. Signing a
 * million takes two minutes, so it is kept in the temporary directory and used again for as long as its peers are findable.
 *
 *   supernode-bench-store-COUNT-vN/
 *     store/     as a relay has it     keys   32 bytes of each peer, in the order in which they came     done   when
 */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LmdbStore } from '../../core/directory/lmdb-store.ts';
import { encodeRecord, recordExpiresMs } from '../../core/directory/record.ts';
import { expiryKey, u64Bytes } from '../../core/directory/rows.ts';
import { loadIdentity } from '../load/load-identity.ts';

/** Of what is written here: a store of another version is made anew. */
const VERSION = 1;
const BATCH = 10_000;
const RECORD_LIFE_MS = 30 * 24 * 3_600_000;
/** Peers are findable for 72 h after they were seen. */
const KEPT_FOR_MS = 48 * 3_600_000;
const MAX_BYTES = 16 * 1024 ** 3;
const NOTHING = new Uint8Array(0);

export interface ManyRecords {
  /** The store's directory. */
  path: string;
  keys: Uint8Array;
}

/** @param onProgress hears how many there are. */
export async function manyRecords(count: number, onProgress?: (done: number) => void): Promise<ManyRecords> {
  const directory = join(tmpdir(), `supernode-bench-store-${count}-v${VERSION}`);
  const path = join(directory, 'store');
  const done = join(directory, 'done');
  if (!existsSync(done) || Date.now() - Number(readFileSync(done, 'utf8')) > KEPT_FOR_MS) {
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    const startedAtMs = Date.now();
    await build(path, join(directory, 'keys'), count, onProgress);
    writeFileSync(done, String(startedAtMs));
  }
  return { path, keys: readFileSync(join(directory, 'keys')) };
}

export function nameOf(index: number): string {
  return `peer-${index.toString(36).padStart(5, '0')}`;
}

async function build(
  path: string,
  keysFile: string,
  count: number,
  onProgress?: (done: number) => void,
): Promise<void> {
  const store = LmdbStore.open(path, { durable: false, maxBytes: MAX_BYTES });
  const keys = openSync(keysFile, 'w');
  try {
    for (let from = 0; from < count; from += BATCH) {
      const to = Math.min(count, from + BATCH);
      const peers: Uint8Array[] = [];
      store.transaction(() => {
        for (let index = from; index < to; index++) peers.push(putOne(store, index));
      });
      writeSync(keys, Buffer.concat(peers));
      onProgress?.(to);
      await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    closeSync(keys);
    await store.close();
  }
}

function putOne(store: LmdbStore, index: number): Uint8Array {
  const identity = loadIdentity();
  const name = nameOf(index);
  const profile = Buffer.from(JSON.stringify({ about: `peer ${index} of a benchmark`, language: 'en' }));
  const nowMs = Date.now();
  const record = encodeRecord(identity, {
    seq: 1,
    expiresMs: nowMs + RECORD_LIFE_MS,
    searchable: index % 2 === 0,
    name,
    profile,
  });
  const key = identity.publicKey;
  const { records, names, searchable, seen, expiries } = store.tables;
  records.put(key, record);
  names.put(Buffer.from(name), key);
  if (index % 2 === 0) searchable.put(Buffer.from(name), key);
  seen.put(key, u64Bytes(nowMs));
  expiries.put(expiryKey(recordExpiresMs(record), key), NOTHING);
  return key;
}
