/**
 * Messages for those who are away, and receipts for their senders. A mailbox is a peer's: what is in it has ascending
 * numbers, and stays until the peer acknowledges it or its life ends.
 *
 * A message that is acknowledged becomes a receipt `delivered` in its sender's mailbox; one that expires, a receipt
 * `expired`: one of the two, once. It expires when it is swept, not before: until then it can still be delivered.
 * Receipts make no receipts; beyond MAX_MAILBOX_RECEIPTS the oldest goes, and unread ones expire silently, so that a
 * peer that never comes back is not owed room for ever.
 *
 * Every method that writes must be called in a transaction, and throws before its first write or not at all.
 */
import {
  MAIL_WINDOW_BYTES,
  MAIL_WINDOW_MESSAGES,
  MAX_MAILBOX_BYTES,
  MAX_MAILBOX_MESSAGES,
  MAX_MAILBOX_RECEIPTS,
  MAX_MESSAGE_LIFE_MS,
} from '../protocol/limits.ts';
import type { Mail, ReadAnswers, WriteAnswers, WriteAsk } from '../threads/directory-messages.ts';
import { sameBytes } from './bytes.ts';
import { Refusal } from './refusal.ts';
import {
  encodeMail,
  encodeMailbox,
  type MailboxRow,
  type MailRow,
  type MessageRow,
  mailExpiryKey,
  mailIdKey,
  mailKey,
  type Receipt,
  readMail,
  readMailbox,
  readMailExpiryKey,
  seqOfMail,
  u64Bytes,
} from './rows.ts';
import type { DirectoryStore } from './store.ts';

const NOTHING = new Uint8Array(0);

/** Senders who have receipts now. */
export interface Told {
  told: Uint8Array[];
  /** Receipts that had to make room for newer ones, if any did. */
  receiptsDropped?: number;
}

export class Mailboxes {
  readonly #store: DirectoryStore;

  constructor(store: DirectoryStore) {
    this.#store = store;
  }

  /** What comes after `after`, up to a window's worth. */
  read(peer: Uint8Array, after: number): ReadAnswers['mail'] {
    const mail: Mail[] = [];
    let bytes = 0;
    const range = { ...rows(peer, after + 1), most: MAIL_WINDOW_MESSAGES + 1 };
    for (const [key, value] of this.#store.tables.mail.range(range)) {
      const { from, id, sentMs, ...kind } = readMail(value);
      bytes += kind.bytes?.length ?? 0;
      const isFull = mail.length === MAIL_WINDOW_MESSAGES || bytes > MAIL_WINDOW_BYTES;
      if (isFull && mail.length > 0) return { mail, more: true };
      const seq = seqOfMail(key);
      mail.push(
        kind.receipt
          ? { seq, from, id, sentMs, receipt: kind.receipt }
          : { seq, from, id, sentMs, bytes: kind.bytes },
      );
    }
    return { mail, more: false };
  }

  /** That the sender may is checked already. @throws Refusal `mailbox-full`. */
  send(ask: Extract<WriteAsk, { t: 'send' }>): WriteAnswers['send'] {
    const { to, from, id, bytes, sentMs } = ask;
    if (this.#store.tables.mailIds.has(mailIdKey(to, from, id))) return { duplicate: true };
    const box = this.#box(to);
    if (box.messages >= MAX_MAILBOX_MESSAGES) {
      throw new Refusal(
        'mailbox-full',
        `The mailbox has ${box.messages} messages, which is all it may have.`,
      );
    }
    if (box.bytes + bytes.length > MAX_MAILBOX_BYTES) {
      throw new Refusal(
        'mailbox-full',
        `The mailbox has ${box.bytes} bytes of ${MAX_MAILBOX_BYTES}; ${bytes.length} more do not fit.`,
      );
    }
    this.#add(to, box, { from, id, sentMs, expiresMs: sentMs + ask.lifeMs, bytes });
    return { duplicate: false };
  }

  /** Deletes what the peer has taken, up to `seq`. */
  acknowledge(peer: Uint8Array, seq: number, nowMs: number): Told {
    const box = this.#box(peer);
    const before = mailKey(peer, Math.min(seq + 1, box.nextSeq));
    const taken = [...this.#store.tables.mail.range({ from: mailKey(peer, 0), before })];
    const told: Told = { told: [] };
    if (taken.length === 0) return told;
    const messages: MessageRow[] = [];
    for (const [key, value] of taken) {
      const mail = readMail(value);
      this.#remove(peer, box, seqOfMail(key), mail);
      if (mail.receipt === undefined) messages.push(mail);
    }
    this.#keep(peer, box);
    for (const message of messages) this.#tell(peer, message, 'delivered', nowMs, told);
    return told;
  }

  /** Removes at most `most` messages and receipts whose life has ended. */
  sweep(nowMs: number, most: number): Told & { messages: number; more: boolean } {
    const { mail, mailExpiries } = this.#store.tables;
    const due = [...mailExpiries.range({ before: u64Bytes(nowMs + 1), most })];
    const told: Told = { told: [] };
    let messages = 0;
    for (const [key] of due) {
      const { peer, seq } = readMailExpiryKey(key);
      const value = mail.get(mailKey(peer, seq));
      // A receipt that had to make room for another that this very sweep has made.
      if (value === undefined) continue;
      const expired = readMail(value);
      const box = this.#box(peer);
      this.#remove(peer, box, seq, expired);
      this.#keep(peer, box);
      if (expired.receipt !== undefined) continue;
      messages++;
      this.#tell(peer, expired, 'expired', nowMs, told);
    }
    return { messages, ...told, more: due.length === most };
  }

  /** Puts a receipt for a message to `peer` into its sender's mailbox. */
  #tell(peer: Uint8Array, message: MessageRow, receipt: Receipt, nowMs: number, all: Told): void {
    const sender = message.from;
    const box = this.#box(sender);
    if (box.receipts >= MAX_MAILBOX_RECEIPTS) {
      this.#dropOldestReceipt(sender, box);
      all.receiptsDropped = (all.receiptsDropped ?? 0) + 1;
    }
    const expiresMs = nowMs + MAX_MESSAGE_LIFE_MS;
    this.#add(sender, box, { from: peer, id: message.id, sentMs: nowMs, expiresMs, receipt });
    if (!all.told.some((other) => sameBytes(other, sender))) all.told.push(sender);
  }

  #dropOldestReceipt(peer: Uint8Array, box: MailboxRow): void {
    for (const [key, value] of this.#store.tables.mail.range(rows(peer, box.receiptsFrom))) {
      const mail = readMail(value);
      if (mail.receipt === undefined) continue;
      const seq = seqOfMail(key);
      this.#remove(peer, box, seq, mail);
      // The messages passed on the way are passed once: otherwise every receipt would cost a walk through the mailbox.
      box.receiptsFrom = seq + 1;
      return;
    }
  }

  #add(peer: Uint8Array, box: MailboxRow, mail: MailRow): void {
    const { tables } = this.#store;
    const seq = box.nextSeq++;
    tables.mail.put(mailKey(peer, seq), encodeMail(mail));
    tables.mailExpiries.put(mailExpiryKey(mail.expiresMs, peer, seq), NOTHING);
    if (mail.receipt === undefined) {
      tables.mailIds.put(mailIdKey(peer, mail.from, mail.id), u64Bytes(seq));
      box.messages++;
      box.bytes += mail.bytes.length;
    } else {
      if (box.receipts === 0) box.receiptsFrom = seq;
      box.receipts++;
    }
    this.#keep(peer, box);
  }

  /** The row of the mailbox is the caller's to keep. */
  #remove(peer: Uint8Array, box: MailboxRow, seq: number, mail: MailRow): void {
    const { tables } = this.#store;
    tables.mail.remove(mailKey(peer, seq));
    tables.mailExpiries.remove(mailExpiryKey(mail.expiresMs, peer, seq));
    if (mail.receipt === undefined) {
      tables.mailIds.remove(mailIdKey(peer, mail.from, mail.id));
      box.messages--;
      box.bytes -= mail.bytes.length;
    } else {
      box.receipts--;
    }
  }

  #box(peer: Uint8Array): MailboxRow {
    return readMailbox(this.#store.tables.mailboxes.get(peer));
  }

  #keep(peer: Uint8Array, box: MailboxRow): void {
    this.#store.tables.mailboxes.put(peer, encodeMailbox(box));
  }
}

function rows(peer: Uint8Array, fromSeq: number): { from: Uint8Array; before: Uint8Array } {
  return { from: mailKey(peer, fromSeq), before: mailKey(peer, Number.MAX_SAFE_INTEGER) };
}
