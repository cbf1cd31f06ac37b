/**
 * Keys and values of the store's tables (store.ts lists them) that are more than a peer's key or signed bytes.
 *
 *   expiries      expires u64, peer 32
 *   lists         peer 32, list u8, listed 32
 *   policies      visibility u8, reach u8, allowed u16, blocked u16; no row: everyone, everyone, 0, 0
 *   mailboxes     next seq u64, messages u32, bytes u32, receipts u32, no receipt has a seq below u64
 *   mail          kind u8 (0 message, 1 delivered, 2 expired), from 32, id 16, sent u64, expires u64, message's bytes
 *   mailIds       peer 32, from 32, id 16
 *   mailExpiries  expires u64, peer 32, seq u64
 */
import { AUDIENCES, type Audience } from '../protocol/directory-ops.ts';
import { MESSAGE_ID_BYTES } from '../protocol/limits.ts';
import { KEY_BYTES } from '../protocol/peer-id.ts';
import { getU16, getU32, getU64, putU16, putU32, putU64 } from './bytes.ts';

export const LIST_ALLOWED = 1;
export const LIST_BLOCKED = 2;

export function u64Bytes(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  putU64(bytes, 0, value);
  return bytes;
}

export function readU64(bytes: Uint8Array): number {
  return getU64(bytes, 0);
}

// --- Keys -----------------------------------------------------------------------------------------------------

export function expiryKey(expiresMs: number, peer: Uint8Array): Uint8Array {
  return joined(u64Bytes(expiresMs), peer);
}

export function readExpiryKey(key: Uint8Array): { expiresMs: number; peer: Uint8Array } {
  return { expiresMs: getU64(key, 0), peer: key.slice(8) };
}

/** With the list's number alone: where the list begins. */
export function listKey(peer: Uint8Array, list: number, listed: Uint8Array = NOTHING): Uint8Array {
  return joined(peer, Uint8Array.of(list), listed);
}

export function listedIn(key: Uint8Array): Uint8Array {
  return key.slice(KEY_BYTES + 1);
}

/** A peer's mail is in the order of these. */
export function mailKey(peer: Uint8Array, seq: number): Uint8Array {
  return joined(peer, u64Bytes(seq));
}

export function seqOfMail(key: Uint8Array): number {
  return getU64(key, KEY_BYTES);
}

export function mailIdKey(peer: Uint8Array, from: Uint8Array, id: Uint8Array): Uint8Array {
  return joined(peer, from, id);
}

export function mailExpiryKey(expiresMs: number, peer: Uint8Array, seq: number): Uint8Array {
  return joined(u64Bytes(expiresMs), peer, u64Bytes(seq));
}

export function readMailExpiryKey(key: Uint8Array): { expiresMs: number; peer: Uint8Array; seq: number } {
  return {
    expiresMs: getU64(key, 0),
    peer: key.slice(8, 8 + KEY_BYTES),
    seq: getU64(key, 8 + KEY_BYTES),
  };
}

const NOTHING = new Uint8Array(0);

function joined(...parts: Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

// --- Policies -------------------------------------------------------------------------------------------------

export interface PolicyRow {
  visibility: Audience;
  reach: Audience;
  /** Keys on each list. */
  allowed: number;
  blocked: number;
}

const POLICY_BYTES = 6;

export function encodePolicy(row: PolicyRow): Uint8Array {
  const bytes = new Uint8Array(POLICY_BYTES);
  bytes[0] = AUDIENCES.indexOf(row.visibility);
  bytes[1] = AUDIENCES.indexOf(row.reach);
  putU16(bytes, 2, row.allowed);
  putU16(bytes, 4, row.blocked);
  return bytes;
}

/** Of a peer that has no row: everyone may see it and reach it. A code that this program does not know: nobody. */
export function readPolicy(bytes: Uint8Array | undefined): PolicyRow {
  if (bytes === undefined) return { visibility: 'everyone', reach: 'everyone', allowed: 0, blocked: 0 };
  return {
    visibility: AUDIENCES[bytes[0]!] ?? 'nobody',
    reach: AUDIENCES[bytes[1]!] ?? 'nobody',
    allowed: getU16(bytes, 2),
    blocked: getU16(bytes, 4),
  };
}

// --- Mail -----------------------------------------------------------------------------------------------------

export interface MailboxRow {
  /** The seq that the next message or receipt gets: never one that was given before. */
  nextSeq: number;
  messages: number;
  /** Of the messages' contents. */
  bytes: number;
  receipts: number;
  /** No receipt has a lower seq: where to look for the oldest one. */
  receiptsFrom: number;
}

const MAILBOX_BYTES = 28;

export function encodeMailbox(row: MailboxRow): Uint8Array {
  const bytes = new Uint8Array(MAILBOX_BYTES);
  putU64(bytes, 0, row.nextSeq);
  putU32(bytes, 8, row.messages);
  putU32(bytes, 12, row.bytes);
  putU32(bytes, 16, row.receipts);
  putU64(bytes, 20, row.receiptsFrom);
  return bytes;
}

/** Of a peer that has no row: an empty mailbox. */
export function readMailbox(bytes: Uint8Array | undefined): MailboxRow {
  if (bytes === undefined) return { nextSeq: 1, messages: 0, bytes: 0, receipts: 0, receiptsFrom: 1 };
  return {
    nextSeq: getU64(bytes, 0),
    messages: getU32(bytes, 8),
    bytes: getU32(bytes, 12),
    receipts: getU32(bytes, 16),
    receiptsFrom: getU64(bytes, 20),
  };
}

/** What has become of a message, or null: it is a message itself. The number is the kind's code. */
const KINDS = [null, 'delivered', 'expired'] as const;
export type Receipt = 'delivered' | 'expired';

export interface MailHead {
  /** Who sent the message; of a receipt: who the message was for. */
  from: Uint8Array;
  /** The message's. */
  id: Uint8Array;
  sentMs: number;
  expiresMs: number;
}
export type MessageRow = MailHead & { bytes: Uint8Array; receipt?: undefined };
export type ReceiptRow = MailHead & { receipt: Receipt; bytes?: undefined };
export type MailRow = MessageRow | ReceiptRow;

const FROM_AT = 1;
const ID_AT = FROM_AT + KEY_BYTES;
const SENT_AT = ID_AT + MESSAGE_ID_BYTES;
const EXPIRES_AT = SENT_AT + 8;
const MESSAGE_AT = EXPIRES_AT + 8;

export function encodeMail(row: MailRow): Uint8Array {
  const bytes = new Uint8Array(MESSAGE_AT + (row.bytes?.length ?? 0));
  bytes[0] = KINDS.indexOf(row.receipt ?? null);
  bytes.set(row.from, FROM_AT);
  bytes.set(row.id, ID_AT);
  putU64(bytes, SENT_AT, row.sentMs);
  putU64(bytes, EXPIRES_AT, row.expiresMs);
  if (row.bytes) bytes.set(row.bytes, MESSAGE_AT);
  return bytes;
}

export function readMail(bytes: Uint8Array): MailRow {
  const head: MailHead = {
    from: bytes.slice(FROM_AT, ID_AT),
    id: bytes.slice(ID_AT, SENT_AT),
    sentMs: getU64(bytes, SENT_AT),
    expiresMs: getU64(bytes, EXPIRES_AT),
  };
  const receipt = KINDS[bytes[0]!];
  return receipt ? { ...head, receipt } : { ...head, bytes: bytes.slice(MESSAGE_AT) };
}
