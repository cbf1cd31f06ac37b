/**
 * How many peers may have a vault, and how many a policy: as many as may have a record; those without a record may have
 * theirs only while the table has a tenth of that. A key costs nothing, and neither vaults nor policies expire: else
 * whoever makes keys could fill the store. What is there can be changed at any time. Tables count their rows themselves.
 */
import { Refusal } from './refusal.ts';
import type { DirectoryStore } from './store.ts';

/** Of `maxRecords`: 200,000 of the default, 16 at least. */
export const UNRECORDED_SHARE = 0.1;
const LEAST_UNRECORDED = 16;

export class Room {
  readonly #store: DirectoryStore;
  readonly #maxRecords: number;

  constructor(store: DirectoryStore, maxRecords: number) {
    this.#store = store;
    this.#maxRecords = maxRecords;
  }

  /** Before a peer's first row, inside the transaction. @throws Refusal `directory-full`. */
  check(table: 'vaults' | 'policies', peer: Uint8Array): void {
    const { records, [table]: rows } = this.#store.tables;
    const count = rows.count();
    if (count < Math.max(LEAST_UNRECORDED, this.#maxRecords * UNRECORDED_SHARE)) return;
    const hasRecord = records.has(peer);
    if (hasRecord && count < this.#maxRecords) return;
    const advice = hasRecord ? '' : ' Publish a record first: peers that have one may have more of them.';
    throw new Refusal('directory-full', `The directory has the ${count} ${table} that it may have.${advice}`);
  }
}
