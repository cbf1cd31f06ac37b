/** What a relay has acknowledged to one writer, and how the store must look after the relay was killed. */

import { parseRecord } from '../../core/directory/record.ts';
import { readMail } from '../../core/directory/rows.ts';
import type { DirectoryStore } from '../../core/directory/store.ts';
import { parseVault } from '../../core/directory/vault.ts';

/** Acknowledged writes of one peer, and the one that was under way. */
export class Account {
  readonly key: Uint8Array;
  /** The record that was acknowledged last. */
  record = { seq: 0, name: undefined as string | undefined };
  /** The name of the record that is being published; null: none is. */
  publishing: { name: string | undefined } | null = null;
  /** Changes of the vault that were acknowledged; each raised the revision by one at least. */
  vaultChanges = 0;
  /** Texts of messages to this peer that were acknowledged as stored, and which it has not been shown. */
  readonly waiting = new Set<string>();
  /** Texts that it has been shown: their acknowledgement may or may not have reached the relay. */
  readonly shown = new Set<string>();

  constructor(key: Uint8Array) {
    this.key = key;
  }
}

/** What of the account is not in the store as it must be. */
export function lost(account: Account, store: DirectoryStore): string[] {
  return [...lostRecord(account, store), ...lostVault(account, store), ...lostMail(account, store)];
}

/** The outcome of what was under way is known now: from here on it counts as acknowledged. */
export function adopt(account: Account, { tables }: DirectoryStore): void {
  const row = tables.records.get(account.key);
  if (row !== undefined) account.record = { seq: parseRecord(row).seq, name: parseRecord(row).name };
  account.publishing = null;
  const vault = tables.vaults.get(account.key);
  if (vault !== undefined) account.vaultChanges = parseVault(vault).revision;
}

function lostRecord({ key, record, publishing }: Account, { tables }: DirectoryStore): string[] {
  if (record.seq === 0 && publishing === null) return [];
  const row = tables.records.get(key);
  if (row === undefined) return record.seq === 0 ? [] : [`record ${record.seq} is gone`];
  const { seq, name } = parseRecord(row);
  const found = `record ${seq} with the name ${name}`;
  if (name !== undefined && !same(tables.names.get(encoder.encode(name)), key)) {
    return [`${found} does not own that name`];
  }
  if (seq === record.seq && name === record.name) return [];
  // The one under way may have reached the disk without its answer reaching the writer.
  if (publishing !== null && seq === record.seq + 1 && name === publishing.name) return [];
  return [`${found} is there instead of ${record.seq} with ${record.name}`];
}

function lostVault({ key, vaultChanges }: Account, { tables }: DirectoryStore): string[] {
  const row = tables.vaults.get(key);
  const revision = row === undefined ? 0 : parseVault(row).revision;
  return revision >= vaultChanges ? [] : [`the vault is at ${revision} after ${vaultChanges} changes`];
}

function lostMail({ key, waiting, shown }: Account, { tables }: DirectoryStore): string[] {
  const there = new Set<string>();
  for (const [, value] of tables.mail.range({ from: key, before: after(key) })) {
    const mail = readMail(value);
    if (mail.bytes !== undefined) there.add(decoder.decode(mail.bytes));
  }
  return [...waiting]
    .filter((text) => !there.has(text) && !shown.has(text))
    .map((text) => `mail ${text} is gone`);
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The first key of the next peer: a row's key begins with the peer's. */
function after(key: Uint8Array): Uint8Array {
  const next = Uint8Array.from(key);
  let at = next.length - 1;
  while (at > 0 && next[at] === 255) next[at--] = 0;
  next[at]!++;
  return next;
}

function same(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && Buffer.compare(a, b) === 0;
}
