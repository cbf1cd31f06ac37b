/**
 * Puts rows of an export into a store. What the store has and is newer stays: a record with a higher or the same
 * sequence number, a vault with a higher or the same revision, a policy, mail with a number that the mailbox has given
 * already. So an import that was killed is simply run again.
 *
 * The tables that follow from others (names, searchable, expiries, lists, mailIds, mailExpiries, the counts of
 * mailboxes) are written along, so that the store is whole after each row. All methods must be called in a transaction.
 */
import { verifySignature } from '../identity/verify.ts';
import { SupernodeError } from '../protocol/errors.ts';
import { sameBytes } from './bytes.ts';
import type { ExportRow } from './export-format.ts';
import { isNormalName } from './name.ts';
import { type PeerRecord, parseRecord, recordSignatureHolds } from './record.ts';
import {
  encodeMail,
  encodeMailbox,
  encodePolicy,
  expiryKey,
  LIST_ALLOWED,
  LIST_BLOCKED,
  listKey,
  mailExpiryKey,
  mailIdKey,
  mailKey,
  readMailbox,
  readU64,
  u64Bytes,
} from './rows.ts';
import type { DirectoryStore } from './store.ts';
import { parseVault, vaultSignatureHolds } from './vault.ts';

/**
 * `stored`; `kept`: the store has the same or a newer one; `refused`: it does not verify; `taken`: its name is another's,
 * which may change with the rows to come.
 */
export type Outcome = 'stored' | 'kept' | 'refused' | 'taken';
type RowOf<T extends ExportRow['table']> = Extract<ExportRow, { table: T }>;

const NOTHING = new Uint8Array(0);
const encoder = new TextEncoder();

export function importRow(store: DirectoryStore, row: ExportRow): Outcome {
  try {
    switch (row.table) {
      case 'records':
        return importRecord(store, row.record);
      case 'seen':
        return importSeen(store, row);
      case 'policies':
        return importPolicy(store, row);
      case 'vaults':
        return importVault(store, row.vault);
      case 'mail':
        return importMail(store, row);
      case 'mailboxes':
        return importMailbox(store, row);
    }
  } catch (error) {
    const isBad = error instanceof SupernodeError && BAD.has(error.code);
    if (isBad) return 'refused';
    throw error;
  }
}

const BAD = new Set(['bad-record', 'bad-vault', 'bad-name']);

function importRecord({ tables }: DirectoryStore, bytes: Uint8Array): Outcome {
  const record = parseRecord(bytes);
  if (!recordSignatureHolds(bytes, verifySignature)) return 'refused';
  if (record.name !== undefined && !isNormalName(record.name)) return 'refused';
  const { key } = record;
  const stored = tables.records.get(key);
  const old = stored && parseRecord(stored);
  if (old && old.seq >= record.seq) return 'kept';
  const name = record.name === undefined ? undefined : encoder.encode(record.name);
  const owner = name && tables.names.get(name);
  if (owner && !sameBytes(owner, key)) return 'taken';
  if (old) removeTraces(tables, old);
  tables.records.put(key, bytes);
  tables.expiries.put(expiryKey(record.expiresMs, key), NOTHING);
  if (name) tables.names.put(name, key);
  if (name && record.searchable) tables.searchable.put(name, key);
  return 'stored';
}

function removeTraces(tables: DirectoryStore['tables'], { key, name, expiresMs }: PeerRecord): void {
  tables.expiries.remove(expiryKey(expiresMs, key));
  if (name === undefined) return;
  tables.names.remove(encoder.encode(name));
  tables.searchable.remove(encoder.encode(name));
}

function importSeen({ tables }: DirectoryStore, { id, seenMs }: RowOf<'seen'>): Outcome {
  const known = tables.seen.get(id);
  if (!tables.records.has(id) || (known && readU64(known) >= seenMs)) return 'kept';
  tables.seen.put(id, u64Bytes(seenMs));
  return 'stored';
}

function importPolicy({ tables }: DirectoryStore, row: RowOf<'policies'>): Outcome {
  const { id, visibility, reach, allowed, blocked } = row;
  if (tables.policies.has(id)) return 'kept';
  for (const listed of allowed) tables.lists.put(listKey(id, LIST_ALLOWED, listed), NOTHING);
  for (const listed of blocked) tables.lists.put(listKey(id, LIST_BLOCKED, listed), NOTHING);
  // A list that names a key twice has it once.
  const count = (list: number) =>
    [...tables.lists.range({ from: listKey(id, list), before: listKey(id, list + 1) })].length;
  const counts = { allowed: count(LIST_ALLOWED), blocked: count(LIST_BLOCKED) };
  tables.policies.put(id, encodePolicy({ visibility, reach, ...counts }));
  return 'stored';
}

function importVault({ tables }: DirectoryStore, bytes: Uint8Array): Outcome {
  const { key, revision } = parseVault(bytes);
  if (!vaultSignatureHolds(bytes, verifySignature)) return 'refused';
  const stored = tables.vaults.get(key);
  if (stored && parseVault(stored).revision >= revision) return 'kept';
  tables.vaults.put(key, bytes);
  return 'stored';
}

/** Bounds of mailboxes are not asked for: what is here was within them. */
function importMail({ tables }: DirectoryStore, row: RowOf<'mail'>): Outcome {
  const { id: peer, seq, from, messageId, sentMs, expiresMs, receipt } = row;
  const box = readMailbox(tables.mailboxes.get(peer));
  const isThere = receipt === undefined && tables.mailIds.has(mailIdKey(peer, from, messageId));
  if (seq < box.nextSeq || isThere) return 'kept';
  const head = { from, id: messageId, sentMs, expiresMs };
  const bytes = row.bytes ?? NOTHING;
  tables.mail.put(mailKey(peer, seq), encodeMail(receipt ? { ...head, receipt } : { ...head, bytes }));
  tables.mailExpiries.put(mailExpiryKey(expiresMs, peer, seq), NOTHING);
  if (receipt === undefined) {
    tables.mailIds.put(mailIdKey(peer, from, messageId), u64Bytes(seq));
    box.messages++;
    box.bytes += bytes.length;
  } else {
    if (box.receipts === 0) box.receiptsFrom = seq;
    box.receipts++;
  }
  tables.mailboxes.put(peer, encodeMailbox({ ...box, nextSeq: seq + 1 }));
  return 'stored';
}

function importMailbox({ tables }: DirectoryStore, { id, nextSeq }: RowOf<'mailboxes'>): Outcome {
  const box = readMailbox(tables.mailboxes.get(id));
  if (tables.mailboxes.has(id) && box.nextSeq >= nextSeq) return 'kept';
  tables.mailboxes.put(id, encodeMailbox({ ...box, nextSeq: Math.max(nextSeq, box.nextSeq) }));
  return 'stored';
}
