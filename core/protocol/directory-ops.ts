/** Bodies of the directory's control frames (docs/protocol.md §12), by op. */
import * as v from 'valibot';
import { bytes, bytesUpTo, key, text, u53, uint } from './fields.ts';
import * as limits from './limits.ts';
import * as op from './ops.ts';

/** Who may see a peer, and who may reach it. `contacts`: the keys on the peer's list of the allowed. */
export const AUDIENCES = ['everyone', 'contacts', 'nobody'] as const;
export type Audience = (typeof AUDIENCES)[number];

/** What a peer is seen as. The number is the state's code on the wire. */
export const PRESENCE_STATES = ['offline', 'online', 'away'] as const;
export type PresenceState = (typeof PRESENCE_STATES)[number];
export const STATE_OFFLINE = 0;
export const STATE_ONLINE = 1;
export const STATE_AWAY = 2;

/** What became of a message. `stored` answers a send; the others come later, as mail. */
export const RECEIPTS = ['stored', 'delivered', 'expired'] as const;
export type ReceiptState = (typeof RECEIPTS)[number];

const keys = v.pipe(v.array(key), v.maxLength(limits.MAX_KEYS_PER_FRAME));
const someKeys = v.pipe(keys, v.minLength(1));
const state = uint(STATE_AWAY);
const name = v.pipe(text(limits.MAX_NAME_BYTES), v.nonEmpty());
const audience = v.picklist(AUDIENCES);
const empty = v.object({});

export const DIRECTORY_BODY = {
  /** By key or by name, never both. */
  [op.OP_LOOKUP]: v.pipe(
    v.object({ peer: v.optional(key), name: v.optional(name), record: v.optional(v.boolean()) }),
    v.check((body) => (body.peer === undefined) !== (body.name === undefined), 'expected a peer or a name'),
  ),
  /** `peer` is left out when it was asked for by key. `seenMs` only when offline. */
  [op.OP_FOUND]: v.object({
    peer: v.optional(key),
    state,
    seenMs: v.optional(u53),
    record: v.optional(bytesUpTo(limits.MAX_RECORD_BYTES)),
  }),
  [op.OP_SEARCH]: v.object({
    prefix: name,
    most: v.optional(v.pipe(uint(limits.MAX_SEARCH_RESULTS), v.minValue(1))),
  }),
  [op.OP_RESULTS]: v.object({
    found: v.pipe(v.array(v.object({ peer: key, name })), v.maxLength(limits.MAX_SEARCH_RESULTS)),
    more: v.boolean(),
  }),
  /** `former`: the record by which the name's former owner hands it over. */
  [op.OP_PUBLISH]: v.object({
    record: bytesUpTo(limits.MAX_RECORD_BYTES),
    former: v.optional(bytesUpTo(limits.MAX_RECORD_BYTES)),
  }),
  /** The record's sequence number, the vault's revision, or 0. On the disk when this is sent. */
  [op.OP_STORED]: v.object({ revision: u53 }),
  [op.OP_WATCH]: v.object({ peers: someKeys }),
  [op.OP_UNWATCH]: v.object({ peers: someKeys }),
  [op.OP_PRESENCE]: v.object({
    states: v.pipe(
      v.array(v.object({ peer: key, state, seenMs: v.optional(u53) })),
      v.maxLength(limits.MAX_KEYS_PER_FRAME),
    ),
  }),
  [op.OP_STATUS]: v.object({ away: v.boolean() }),
  [op.OP_VAULT_GET]: empty,
  [op.OP_VAULT]: v.object({ revision: u53, vault: v.optional(bytesUpTo(limits.MAX_VAULT_BYTES)) }),
  [op.OP_VAULT_PUT]: v.object({ vault: bytesUpTo(limits.MAX_VAULT_BYTES) }),
  [op.OP_POLICY_GET]: v.object({
    list: v.optional(v.picklist(['allowed', 'blocked'])),
    after: v.optional(key),
  }),
  [op.OP_POLICY]: v.object({ visibility: audience, reach: audience, keys, more: v.boolean() }),
  [op.OP_POLICY_SET]: v.object({
    visibility: v.optional(audience),
    reach: v.optional(audience),
    allow: v.optional(keys),
    disallow: v.optional(keys),
    block: v.optional(keys),
    unblock: v.optional(keys),
  }),
  [op.OP_SEND]: v.object({
    to: key,
    id: bytes(limits.MESSAGE_ID_BYTES),
    bytes: bytesUpTo(limits.MAX_MESSAGE_BYTES),
    lifeMs: v.optional(uint(limits.MAX_MESSAGE_LIFE_MS)),
  }),
  [op.OP_RECEIPT]: v.object({ id: bytes(limits.MESSAGE_ID_BYTES), state: v.picklist(RECEIPTS) }),
  [op.OP_INBOX]: empty,
  /** A message has `bytes`; a receipt of one that this peer sent to `from` has `receipt` instead. */
  [op.OP_MAIL]: v.object({
    seq: u53,
    from: key,
    id: bytes(limits.MESSAGE_ID_BYTES),
    sentMs: u53,
    bytes: v.optional(bytesUpTo(limits.MAX_MESSAGE_BYTES)),
    receipt: v.optional(v.picklist(['delivered', 'expired'])),
  }),
  /** Everything up to `seq` has been taken. */
  [op.OP_MAIL_ACK]: v.object({ seq: u53 }),
} as const;
