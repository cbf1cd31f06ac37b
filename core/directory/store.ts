/**
 * Where the directory keeps what it knows: ordered tables of bytes, changed in transactions. LmdbStore (lmdb-store.ts)
 * is the one there is; another kind of store implements this and passes test/directory/store.test.ts.
 *
 *   table        key                                     value
 *   records      peer key 32                             a signed record (record.ts)
 *   names        name, UTF-8                             the owner's key 32
 *   searchable   name, UTF-8                             the owner's key 32
 *   seen         peer key 32                             u64 ms since 1970
 *   expiries     u64 ms since 1970, peer key 32          nothing: records by when they expire
 *   policies     peer key 32                             visibility u8, reach u8, allowed u16, blocked u16
 *   lists        peer key 32, list u8 (1 allowed,        nothing
 *                2 blocked), listed key 32
 *   vaults       peer key 32                             the vault as it was put
 *   mailboxes    peer key 32                             next seq u64, messages u32, bytes u32, receipts u32
 *   mail         peer key 32, seq u64                    a message or a receipt (rows.ts)
 *   mailIds      peer key 32, sender's key 32, id 16     seq u64, while the message is in the mailbox
 *   mailExpiries u64 ms, peer key 32, seq u64            nothing: messages by when they expire
 *
 * All integers are big-endian, so keys sort as they should.
 */
export const TABLES = [
  'records',
  'names',
  'searchable',
  'seen',
  'expiries',
  'policies',
  'lists',
  'vaults',
  'mailboxes',
  'mail',
  'mailIds',
  'mailExpiries',
] as const;
export type TableName = (typeof TABLES)[number];

export interface Range {
  /** First key, inclusive. */
  from?: Uint8Array;
  /** Last key, exclusive. */
  before?: Uint8Array;
  most?: number;
}

/** Keys are 1..200 bytes, values at most MAX_VAULT_BYTES and a little. What is returned is the caller's own. */
export interface Table {
  /** @throws SupernodeError `directory-corrupt` when the value's checksum does not hold. */
  get(key: Uint8Array): Uint8Array | undefined;
  has(key: Uint8Array): boolean;
  /** In ascending order of the keys, compared as bytes. Do not write to the table while iterating. */
  range(range: Range): Iterable<[key: Uint8Array, value: Uint8Array]>;
  count(): number;
  /** Only inside a transaction. */
  put(key: Uint8Array, value: Uint8Array): void;
  /** Only inside a transaction. @returns whether it was there. */
  remove(key: Uint8Array): boolean;
}

export interface DirectoryStore {
  readonly tables: Readonly<Record<TableName, Table>>;
  /**
   * Runs `work` with all its writes in one transaction, and returns when they are on the disk. What it throws undoes
   * every write of it. Sees its own writes. One at a time, over all threads and processes.
   * @throws SupernodeError `directory-full` when the disk or maxBytes is used up, `directory-unavailable` for another
   *   failure of the disk; nothing of the transaction was kept then.
   */
  transaction<T>(work: () => T): T;
  /** Bytes of the store on the disk. */
  bytes(): number;
  close(): Promise<void>;
}
