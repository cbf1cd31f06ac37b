import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addition,
  type BookEntry,
  type ContactBook,
  decodeBook,
  encodeBook,
  isContact,
  MAX_TOMBSTONES,
  mergeBooks,
  removal,
} from '../../core/client/directory/contact-book.ts';
import { MAX_VAULT_CONTENT_BYTES } from '../../core/directory/vault.ts';
import { type PeerId, peerIdOf } from '../../core/protocol/peer-id.ts';
import { limit } from '../fixtures/limits.ts';

const idOf = (n: number): PeerId => {
  const key = new Uint8Array(32);
  key.set([n >> 8, n & 0xff]);
  return peerIdOf(key);
};

const stamp = fc.integer({ min: 0, max: 6 });
const text = fc.option(fc.constantFrom('', 'a', 'b'), { nil: undefined });
/** Any entry that changes and merges can make. */
const entry = fc
  .tuple(fc.array(fc.tuple(fc.boolean(), stamp, text, text), { minLength: 1, maxLength: 4 }))
  .map(([changes]) =>
    changes
      .map(([adds, nowMs, name, note]) =>
        adds ? addition(undefined, { name, note }, nowMs + 1) : removal(undefined, nowMs + 1),
      )
      .map((change) => new Map([[idOf(0), change]]))
      .reduce((a, b) => mergeBooks(a, b)),
  );
const book = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 3 }), entry), { maxLength: 4 })
  .map((entries) => new Map(entries.map(([n, one]) => [idOf(n), one.get(idOf(0))!])));

const sorted = (one: ContactBook) => [...one].sort(([a], [b]) => (a < b ? -1 : 1));
const contactsOf = (one: ContactBook) =>
  sorted(one)
    .filter(([, known]) => isContact(known))
    .map(([id, { name, note, addedMs }]) => ({ id, name, note, addedMs }));

describe('a book of contacts', () => {
  it('merges in any order, in any grouping, and with itself to the same', () => {
    fc.assert(
      fc.property(book, book, book, (a, b, c) => {
        expect(sorted(mergeBooks(a, b))).toEqual(sorted(mergeBooks(b, a)));
        expect(sorted(mergeBooks(mergeBooks(a, b), c))).toEqual(sorted(mergeBooks(a, mergeBooks(b, c))));
        expect(sorted(mergeBooks(a, a))).toEqual(sorted(a));
      }),
      { numRuns: 2000 },
    );
  });

  it('is the same after it was written and read', () => {
    fc.assert(
      fc.property(book, (one) => {
        expect(sorted(decodeBook(encodeBook(one)))).toEqual(sorted(one));
      }),
    );
  });

  it('reads nothing but books', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        try {
          decodeBook(bytes);
        } catch (error) {
          expect(error).toMatchObject({ code: 'bad-vault' });
        }
      }),
    );
    const [later] = [encodeBook(new Map()).slice()];
    later![1] = 2;
    expect(() => decodeBook(later!)).toThrow(expect.objectContaining({ code: 'bad-vault' }));
  });

  it('takes about a thousand contacts with short names, and says when there are too many', () => {
    const many = (count: number): ContactBook =>
      new Map(
        Array.from({ length: count }, (_, n): [PeerId, BookEntry] => [
          idOf(n),
          addition(undefined, { name: `Contact${n}` }, Date.now()),
        ]),
      );
    expect(encodeBook(many(1000)).length).toBeLessThanOrEqual(MAX_VAULT_CONTENT_BYTES);
    expect(() => encodeBook(many(1500))).toThrow(expect.objectContaining({ code: 'list-full' }));
  });

  it('forgets the oldest removals first, and sooner when contacts need the room', () => {
    const removed = new Map(
      Array.from({ length: 1000 }, (_, n): [PeerId, BookEntry] => [idOf(n), removal(undefined, n + 1)]),
    );
    const read = decodeBook(encodeBook(removed));
    expect(read.size).toBe(MAX_TOMBSTONES);
    expect(read.has(idOf(999))).toBe(true);
    expect(read.has(idOf(0))).toBe(false);
    const full = new Map(removed);
    for (let n = 2000; n < 3000; n++)
      full.set(idOf(n), addition(undefined, { name: `Contact${n}` }, Date.now()));
    expect(contactsOf(decodeBook(encodeBook(full)))).toHaveLength(1000);
    limit('removed contacts that are remembered').sees();
  });

  it('lets the later change of each field win, and an add win over a removal of the same moment', () => {
    const id = idOf(1);
    const first = addition(undefined, { name: 'Al', note: 'old' }, 100);
    const renamed = addition(first, { name: 'Alice' }, 200);
    const noted = addition(first, { note: 'new' }, 150);
    const merged = mergeBooks(new Map([[id, first]]), new Map([[id, renamed]]), new Map([[id, noted]]));
    expect(contactsOf(merged)).toEqual([{ id, name: 'Alice', note: 'new', addedMs: 100 }]);
    const tie = mergeBooks(
      new Map([[id, removal(undefined, 50)]]),
      new Map([[id, addition(undefined, {}, 50)]]),
    );
    expect(contactsOf(tie)).toHaveLength(1);
    const again = mergeBooks(merged, new Map([[id, removal(merged.get(id), 10)]]));
    expect(contactsOf(again)).toEqual([]);
    const back = mergeBooks(again, new Map([[id, addition(again.get(id), {}, 10)]]));
    expect(contactsOf(back)).toEqual([{ id, name: undefined, note: undefined, addedMs: 10 }]);
  });
});
