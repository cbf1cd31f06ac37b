/**
 * The contacts of a peer as all its devices agree on them. No I/O. Two books merge contact by contact and field by
 * field, the later change winning, so that whatever two devices changed while they did not hear of each other, in
 * whatever order their changes meet, the outcome is the same and no change is lost to another one's write.
 *
 *   per contact   at         when it was last added (or changed), as a stamp
 *                 removedAt  when it was last removed; it is a contact while at >= removedAt: an add wins a tie
 *                 addedMs    when it first became a contact, as the device knew that made `at`
 *                 name, note each with the stamp of its last change; what is older than removedAt is forgotten
 *
 * A stamp is milliseconds since 1970, but always higher than all that the device has seen of the contact: a wrong clock
 * decides only between changes that did not know of each other. What was removed stays as a tombstone, or another
 * device's copy would bring it back; the newest MAX_TOMBSTONES are kept, and fewer when the room is needed.
 *
 * As bytes: msgpack [1, entries]; an entry is [key, at, at - addedMs, removedAt, name, at - nameAt, note, at - noteAt],
 * or [key, removedAt] for a tombstone. About 60 bytes with a name of ten letters.
 */
import { Packr, Unpackr } from 'msgpackr';
import * as v from 'valibot';
import { MAX_VAULT_CONTENT_BYTES } from '../../directory/vault.ts';
import { SupernodeError } from '../../protocol/errors.ts';
import { key, u53 } from '../../protocol/fields.ts';
import { type PeerId, parsePeerId, peerIdOf } from '../../protocol/peer-id.ts';

export interface BookEntry {
  at: number;
  removedAt: number;
  addedMs: number;
  name: string | undefined;
  nameAt: number;
  note: string | undefined;
  noteAt: number;
}
export type ContactBook = ReadonlyMap<PeerId, BookEntry>;

/** 45 bytes each: a sixth of the vault. */
export const MAX_TOMBSTONES = 256;
const VERSION = 1;

const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: 'number' });

const age = v.pipe(v.number(), v.integer());
const field = v.nullable(v.string());
const tombstone = v.strictTuple([key, u53]);
const live = v.strictTuple([key, u53, age, u53, field, age, field, age]);
const bookSchema = v.tuple([v.literal(VERSION), v.array(v.union([tombstone, live]))]);

export function isContact(entry: BookEntry | undefined): entry is BookEntry {
  return entry !== undefined && entry.at >= entry.removedAt && entry.at > 0;
}

/** The change that adds a contact, or changes the fields that are given. */
export function addition(
  known: BookEntry | undefined,
  fields: { name?: string | undefined; note?: string | undefined },
  nowMs: number,
): BookEntry {
  const at = stampAfter(known, nowMs);
  return {
    at,
    removedAt: 0,
    addedMs: isContact(known) ? known.addedMs : nowMs,
    name: fields.name,
    nameAt: fields.name === undefined ? 0 : at,
    note: fields.note,
    noteAt: fields.note === undefined ? 0 : at,
  };
}

/** The change that removes a contact. */
export function removal(known: BookEntry | undefined, nowMs: number): BookEntry {
  return tombstoneOf(stampAfter(known, nowMs));
}

/** Commutative, associative and idempotent. */
export function mergeBooks(...books: readonly ContactBook[]): Map<PeerId, BookEntry> {
  const merged = new Map(books[0]);
  for (const book of books.slice(1)) {
    for (const [id, entry] of book) {
      const other = merged.get(id);
      merged.set(id, other === undefined ? entry : mergeEntries(other, entry));
    }
  }
  return merged;
}

/** @throws SupernodeError `list-full` when the contacts do not fit into a vault. */
export function encodeBook(book: ContactBook): Uint8Array {
  const contacts: unknown[] = [];
  const removed: [PeerId, BookEntry][] = [];
  for (const [id, entry] of book) {
    if (isContact(entry)) contacts.push(liveRow(id, entry));
    else removed.push([id, entry]);
  }
  removed.sort(([, a], [, b]) => b.removedAt - a.removedAt);
  const rows = removed.slice(0, MAX_TOMBSTONES).map(([id, { removedAt }]) => [keyOf(id), removedAt]);
  for (;;) {
    const bytes = new Uint8Array(packr.pack([VERSION, [...contacts, ...rows]]));
    if (bytes.length <= MAX_VAULT_CONTENT_BYTES) return bytes;
    if (rows.length === 0) throw tooLarge(bytes.length);
    rows.length = Math.floor(rows.length / 2);
  }
}

/** @throws SupernodeError `bad-vault` when the bytes are no book of this version. */
export function decodeBook(bytes: Uint8Array): Map<PeerId, BookEntry> {
  const parsed = v.safeParse(bookSchema, unpack(bytes));
  if (!parsed.success) {
    throw new SupernodeError('bad-vault', 'The vault holds no contacts that this version can read.');
  }
  return new Map(parsed.output[1].map((row) => [peerIdOf(row[0]), entryOf(row)]));
}

function mergeEntries(a: BookEntry, b: BookEntry): BookEntry {
  const removedAt = Math.max(a.removedAt, b.removedAt);
  const last = a.at > b.at || (a.at === b.at && a.addedMs < b.addedMs) ? a : b;
  if (last.at < removedAt) return tombstoneOf(removedAt);
  const [name, nameAt] = laterOf(a.name, a.nameAt, b.name, b.nameAt, removedAt);
  const [note, noteAt] = laterOf(a.note, a.noteAt, b.note, b.noteAt, removedAt);
  return { at: last.at, removedAt, addedMs: last.addedMs, name, nameAt, note, noteAt };
}

/** Two changes with one stamp: the text that sorts last, so that both devices choose the same. */
function laterOf(
  a: string | undefined,
  aAt: number,
  b: string | undefined,
  bAt: number,
  removedAt: number,
): [string | undefined, number] {
  const aIsLater = aAt > bAt || (aAt === bAt && (a ?? '') > (b ?? ''));
  const at = aIsLater ? aAt : bAt;
  return at < removedAt ? [undefined, 0] : [aIsLater ? a : b, at];
}

function stampAfter(known: BookEntry | undefined, nowMs: number): number {
  if (known === undefined) return nowMs;
  return Math.max(nowMs, known.at + 1, known.removedAt + 1, known.nameAt + 1, known.noteAt + 1);
}

function tombstoneOf(removedAt: number): BookEntry {
  return { at: 0, removedAt, addedMs: 0, name: undefined, nameAt: 0, note: undefined, noteAt: 0 };
}

function liveRow(id: PeerId, entry: BookEntry): unknown[] {
  const { at, addedMs, removedAt, name, nameAt, note, noteAt } = entry;
  const nameAge = name === undefined ? 0 : at - nameAt;
  const noteAge = note === undefined ? 0 : at - noteAt;
  return [keyOf(id), at, at - addedMs, removedAt, name ?? null, nameAge, note ?? null, noteAge];
}

function entryOf(row: v.InferOutput<typeof tombstone> | v.InferOutput<typeof live>): BookEntry {
  if (row.length === 2) return tombstoneOf(row[1]);
  const [, at, addedAge, removedAt, name, nameAge, note, noteAge] = row;
  return {
    at,
    removedAt,
    addedMs: at - addedAge,
    name: name ?? undefined,
    nameAt: name === null ? 0 : at - nameAge,
    note: note ?? undefined,
    noteAt: note === null ? 0 : at - noteAge,
  };
}

function keyOf(id: PeerId): Uint8Array {
  return parsePeerId(id).publicKey;
}

function unpack(bytes: Uint8Array): unknown {
  try {
    return unpackr.unpack(bytes);
  } catch {
    return undefined;
  }
}

function tooLarge(bytes: number): SupernodeError {
  return new SupernodeError(
    'list-full',
    `The contacts would take ${bytes} bytes; a vault holds at most ${MAX_VAULT_CONTENT_BYTES}. Remove some.`,
  );
}
