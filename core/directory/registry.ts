/**
 * Records, and the names that they claim. A stored record is the claim of its name: the tables `names`, `searchable` and
 * `expiries` follow from `records`, and change with it in one transaction. So a name has one owner at a time, whatever
 * comes in between: who comes first has it until its own record gives it up, or has expired.
 *
 * Every method that writes must be called in a transaction, and throws before its first write or not at all.
 */
import type { WriteAsk } from '../threads/directory-messages.ts';
import { sameBytes } from './bytes.ts';
import type { Publication, SignedRecord } from './publication.ts';
import { type PeerRecord, parseRecord } from './record.ts';
import { Refusal } from './refusal.ts';
import { expiryKey, readExpiryKey, readU64, u64Bytes } from './rows.ts';
import { utf8Bytes } from './signed.ts';
import type { DirectoryStore } from './store.ts';

/** Called with every key and name whose look-up may give another answer from now on. */
export type Touch = (of: Uint8Array | string) => void;

const NOTHING = new Uint8Array(0);

export class Registry {
  readonly #store: DirectoryStore;
  readonly #maxRecords: number;

  constructor(store: DirectoryStore, maxRecords: number) {
    this.#store = store;
    this.#maxRecords = maxRecords;
  }

  /** @throws Refusal `stale-record`, `name-taken` or `directory-full`. */
  publish(publication: Publication, nowMs: number, touch: Touch): { revision: number } {
    const { record, former } = publication;
    const own = this.#recordOf(record.key);
    if (own) checkSeq(record, own);
    const rival = this.#rivalOf(record);
    const isGone = rival !== undefined && rival.expiresMs <= nowMs;
    if (rival && !isGone) checkTransfer(record, rival, former);
    if (!own) this.#checkRoom(isGone ? 1 : 0);

    if (rival && isGone) this.#remove(rival, touch);
    if (rival && !isGone && former) this.#replace(rival, former, touch);
    this.#replace(own, publication, touch);
    this.#store.tables.seen.put(record.key, u64Bytes(nowMs));
    return { revision: record.seq };
  }

  /** Kept only for those who have a record; never set back. */
  seen({ peer, seenMs }: Extract<WriteAsk, { t: 'seen' }>, touch: Touch): void {
    const { records, seen } = this.#store.tables;
    if (!records.has(peer)) return;
    const known = seen.get(peer);
    if (known && readU64(known) >= seenMs) return;
    seen.put(peer, u64Bytes(seenMs));
    touch(peer);
  }

  /** Removes at most `most` records that expired, with their names. */
  sweep(nowMs: number, most: number, touch: Touch): { records: number; more: boolean } {
    const { expiries } = this.#store.tables;
    const due = [...expiries.range({ before: u64Bytes(nowMs + 1), most })];
    let removed = 0;
    for (const [key] of due) {
      const record = this.#recordOf(readExpiryKey(key).peer);
      // No row without its record is ever written; if one is there, it must not come up in every sweep.
      if (record === undefined || record.expiresMs > nowMs) {
        expiries.remove(key);
        continue;
      }
      this.#remove(record, touch);
      removed++;
    }
    return { records: removed, more: due.length === most };
  }

  #recordOf(peer: Uint8Array): PeerRecord | undefined {
    const bytes = this.#store.tables.records.get(peer);
    return bytes && parseRecord(bytes);
  }

  /** The stored record of another peer that has this record's name. */
  #rivalOf({ key, name }: PeerRecord): PeerRecord | undefined {
    if (name === undefined) return undefined;
    const owner = this.#store.tables.names.get(utf8Bytes(name));
    return owner === undefined || sameBytes(owner, key) ? undefined : this.#recordOf(owner);
  }

  #checkRoom(freed: number): void {
    if (this.#store.tables.records.count() - freed < this.#maxRecords) return;
    throw new Refusal(
      'directory-full',
      `The directory has the ${this.#maxRecords} records that it may have.`,
    );
  }

  #replace(old: PeerRecord | undefined, { record, bytes }: SignedRecord, touch: Touch): void {
    const { records, names, searchable, expiries } = this.#store.tables;
    if (old) expiries.remove(expiryKey(old.expiresMs, old.key));
    if (old?.name !== undefined && old.name !== record.name) this.#freeName(old.name, touch);
    records.put(record.key, bytes);
    expiries.put(expiryKey(record.expiresMs, record.key), NOTHING);
    if (record.name !== undefined) {
      const name = utf8Bytes(record.name);
      if (old?.name !== record.name) names.put(name, record.key);
      if (record.searchable) searchable.put(name, record.key);
      else searchable.remove(name);
      touch(record.name);
    }
    touch(record.key);
  }

  #remove({ key, name, expiresMs }: PeerRecord, touch: Touch): void {
    const { records, expiries, seen } = this.#store.tables;
    records.remove(key);
    expiries.remove(expiryKey(expiresMs, key));
    seen.remove(key);
    if (name !== undefined) this.#freeName(name, touch);
    touch(key);
  }

  #freeName(text: string, touch: Touch): void {
    const { names, searchable } = this.#store.tables;
    const name = utf8Bytes(text);
    names.remove(name);
    searchable.remove(name);
    touch(text);
  }
}

/** Whether the name's owner hands it over with this very publication. */
function checkTransfer(record: PeerRecord, owner: PeerRecord, former: SignedRecord | null): void {
  if (former === null || !sameBytes(former.record.key, owner.key)) {
    throw new Refusal('name-taken', `The name ${JSON.stringify(record.name)} has another owner.`);
  }
  checkSeq(former.record, owner);
}

function checkSeq(record: PeerRecord, stored: PeerRecord): void {
  if (record.seq > stored.seq) return;
  throw new Refusal(
    'stale-record',
    `The record's sequence number, ${record.seq}, must be above that of the stored one, ${stored.seq}.`,
  );
}
