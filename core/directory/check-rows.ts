/** What must hold of a row of each table. A check gives what is wrong as a sentence's end, or undefined. */
import { verifySignature } from '../identity/verify.ts';
import { KEY_BYTES } from '../protocol/peer-id.ts';
import { sameBytes } from './bytes.ts';
import { isNormalName } from './name.ts';
import { type PeerRecord, parseRecord, recordSignatureHolds } from './record.ts';
import {
  expiryKey,
  LIST_ALLOWED,
  LIST_BLOCKED,
  listKey,
  mailExpiryKey,
  mailIdKey,
  mailKey,
  readExpiryKey,
  readMail,
  readMailbox,
  readMailExpiryKey,
  readPolicy,
  readU64,
  seqOfMail,
} from './rows.ts';
import type { Table, TableName } from './store.ts';
import { parseVault, vaultSignatureHolds } from './vault.ts';

type Tables = Readonly<Record<TableName, Table>>;
type Check = (key: Uint8Array, value: Uint8Array, tables: Tables) => string | undefined;

const MESSAGE_ID_AT = 2 * KEY_BYTES;
const encoder = new TextEncoder();

export const CHECKS: Record<TableName, Check> = {
  records(key, value, tables) {
    const record = parseRecord(value);
    if (!sameBytes(record.key, key)) return 'it is the record of another key';
    if (!recordSignatureHolds(value, verifySignature)) return 'its signature does not hold';
    if (!tables.expiries.has(expiryKey(record.expiresMs, key))) return 'it is not among the expiries';
    if (record.name === undefined) return undefined;
    if (!isNormalName(record.name)) return 'its name is not in normal form';
    const name = encoder.encode(record.name);
    if (!isOwner(tables.names.get(name), key)) return 'its name is not its own in the table of names';
    if (isOwner(tables.searchable.get(name), key) === record.searchable) return undefined;
    return `it is ${record.searchable ? '' : 'not '}searchable, and the table of those is of another mind`;
  },

  names: (key, owner, tables) => nameOf(owner, key, tables).wrong,

  searchable(key, owner, tables) {
    const { wrong, record } = nameOf(owner, key, tables);
    return wrong ?? (record?.searchable ? undefined : 'its record is not searchable');
  },

  seen(key, value, tables) {
    if (value.length !== 8) return `it has ${value.length} bytes and not 8`;
    return tables.records.has(key) ? undefined : 'there is no record';
  },

  expiries(key, _, tables) {
    const { expiresMs, peer } = readExpiryKey(key);
    return recordOf(tables, peer)?.expiresMs === expiresMs ? undefined : 'no record expires then';
  },

  policies(key, value, tables) {
    if (value.length !== 6) return `it has ${value.length} bytes and not 6`;
    const { allowed, blocked } = readPolicy(value);
    for (const [list, said] of [
      [LIST_ALLOWED, allowed],
      [LIST_BLOCKED, blocked],
    ] as const) {
      const range = { from: listKey(key, list), before: listKey(key, list + 1) };
      const there = count(tables.lists.range(range));
      if (there !== said) return `it says that list ${list} has ${said} keys, and there are ${there}`;
    }
    return undefined;
  },

  lists(key, _, tables) {
    if (key.length !== 2 * KEY_BYTES + 1) return `its key has ${key.length} bytes`;
    const list = key[KEY_BYTES];
    if (list !== LIST_ALLOWED && list !== LIST_BLOCKED) return `there is no list ${list}`;
    // That the counts agree is checked with the policy.
    return tables.policies.has(key.subarray(0, KEY_BYTES)) ? undefined : 'there is no policy';
  },

  vaults(key, value) {
    if (!sameBytes(parseVault(value).key, key)) return 'it is the vault of another key';
    return vaultSignatureHolds(value, verifySignature) ? undefined : 'its signature does not hold';
  },

  mailboxes(key, value, tables) {
    const box = readMailbox(value);
    const there = { messages: 0, bytes: 0, receipts: 0 };
    for (const [mailAt, row] of tables.mail.range({ from: mailKey(key, 0), before: afterPeer(key) })) {
      const mail = readMail(row);
      const seq = seqOfMail(mailAt);
      if (seq >= box.nextSeq) return `it has mail ${seq}, and the next would be ${box.nextSeq}`;
      if (mail.receipt === undefined) {
        there.messages++;
        there.bytes += mail.bytes.length;
      } else {
        there.receipts++;
        if (seq < box.receiptsFrom) return `it has receipt ${seq}, before ${box.receiptsFrom}`;
      }
    }
    for (const field of ['messages', 'bytes', 'receipts'] as const) {
      if (there[field] !== box[field]) return `it says ${box[field]} ${field}, and there are ${there[field]}`;
    }
    return undefined;
  },

  mail(key, value, tables) {
    const peer = key.subarray(0, KEY_BYTES);
    const seq = seqOfMail(key);
    const { from, id, expiresMs, receipt } = readMail(value);
    if (!tables.mailboxes.has(peer)) return 'there is no mailbox';
    if (!tables.mailExpiries.has(mailExpiryKey(expiresMs, peer, seq))) return 'it is not among the expiries';
    if (receipt !== undefined) return undefined;
    const known = tables.mailIds.get(mailIdKey(peer, from, id));
    return known && readU64(known) === seq ? undefined : 'its id is not in the table of ids';
  },

  mailIds(key, value, tables) {
    const row = tables.mail.get(mailKey(key.subarray(0, KEY_BYTES), readU64(value)));
    const mail = row && readMail(row);
    if (mail === undefined || mail.receipt !== undefined) return 'there is no such message';
    const isIt =
      sameBytes(mail.from, key.subarray(KEY_BYTES, MESSAGE_ID_AT)) &&
      sameBytes(mail.id, key.subarray(MESSAGE_ID_AT));
    return isIt ? undefined : 'the message there is another';
  },

  mailExpiries(key, _, tables) {
    const { expiresMs, peer, seq } = readMailExpiryKey(key);
    const row = tables.mail.get(mailKey(peer, seq));
    return row && readMail(row).expiresMs === expiresMs ? undefined : 'no mail expires then';
  },
};

function recordOf(tables: Tables, key: Uint8Array): PeerRecord | undefined {
  const bytes = tables.records.get(key);
  return bytes && parseRecord(bytes);
}

/** The record of a name's owner, or why it is none. */
function nameOf(
  owner: Uint8Array,
  name: Uint8Array,
  tables: Tables,
): { wrong?: string | undefined; record?: PeerRecord } {
  const record = recordOf(tables, owner);
  if (record === undefined) return { wrong: 'its owner has no record' };
  const isIt = record.name !== undefined && sameBytes(encoder.encode(record.name), name);
  return { record, wrong: isIt ? undefined : 'the record of its owner has another name, or none' };
}

function isOwner(owner: Uint8Array | undefined, key: Uint8Array): boolean {
  return owner !== undefined && sameBytes(owner, key);
}

/** The end of a peer's mail: the highest number that there is. */
function afterPeer(peer: Uint8Array): Uint8Array {
  const end = new Uint8Array(KEY_BYTES + 8).fill(0xff);
  end.set(peer);
  return end;
}

function count(rows: Iterable<unknown>): number {
  let number = 0;
  for (const _ of rows) number++;
  return number;
}
