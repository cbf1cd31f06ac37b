/** What every DirectoryStore does, against a plain map. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytes, freshPath, openStore, text } from './store-fixture.ts';

const KEY = fc.uint8Array({ minLength: 1, maxLength: 3 });
/** Small ones within a page, and large ones that need pages of their own. */
const VALUE = fc
  .tuple(fc.oneof(fc.nat({ max: 20 }), fc.nat({ max: 70_000 })), fc.nat({ max: 255 }))
  .map(([length, fill]) => Buffer.alloc(length, fill).toString('hex'));
const CHANGE = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), key: KEY, value: VALUE }),
  fc.record({ kind: fc.constant('remove' as const), key: KEY }),
);
const BATCH = fc.record({ changes: fc.array(CHANGE, { maxLength: 12 }), fails: fc.boolean() });

test('a table is an ordered map, and a transaction that throws changes nothing', async () => {
  const store = openStore(freshPath());
  const table = store.tables.records;
  let model = new Map<string, string>();
  const hex = (key: Uint8Array) => Buffer.from(key).toString('hex');
  await fc.assert(
    fc.asyncProperty(fc.array(BATCH, { maxLength: 4 }), KEY, KEY, async (batches, low, high) => {
      for (const { changes, fails } of batches) {
        const draft = new Map(model);
        const failure = new Error('as asked');
        const run = () =>
          store.transaction(() => {
            for (const change of changes) {
              if (change.kind === 'put') {
                table.put(change.key, Buffer.from(change.value, 'hex'));
                draft.set(hex(change.key), change.value);
                expect(hex(table.get(change.key)!)).toBe(change.value);
              } else {
                expect(table.remove(change.key)).toBe(draft.delete(hex(change.key)));
                expect(table.has(change.key)).toBe(false);
              }
            }
            if (fails) throw failure;
          });
        if (fails) expect(run).toThrow(failure);
        else run();
        if (!fails) model = draft;
      }
      expect(table.count()).toBe(model.size);
      const sorted = [...model].sort(([a], [b]) => (a < b ? -1 : 1));
      expect([...table.range({})].map(([key, value]) => [hex(key), hex(value)])).toStrictEqual(sorted);
      const within = sorted.filter(([key]) => key >= hex(low) && key < hex(high)).slice(0, 3);
      const range = [...table.range({ from: low, before: high, most: 3 })];
      expect(range.map(([key]) => hex(key))).toStrictEqual(within.map(([key]) => key));
    }),
    { numRuns: 60 },
  );
});

test('what a reader got stays as it was when the row is written again', () => {
  const { tables, transaction } = bound(openStore(freshPath()));
  transaction(() => tables.records.put(bytes('a'), bytes('first')));
  const got = tables.records.get(bytes('a'));
  const [entry] = tables.records.range({});
  transaction(() => tables.records.put(bytes('a'), bytes('second')));
  expect(text(got)).toBe('first');
  expect(text(entry?.[1])).toBe('first');
  expect(text(entry?.[0])).toBe('a');
});

test('a transaction returns what its work returns', () => {
  const { transaction } = bound(openStore(freshPath()));
  expect(transaction(() => 7)).toBe(7);
  expect(transaction(() => undefined)).toBe(undefined);
});

test('a read sees what was committed just before it', async () => {
  const { tables, transaction } = bound(openStore(freshPath()));
  expect(tables.names.get(bytes('n'))).toBe(undefined);
  transaction(() => tables.names.put(bytes('n'), bytes('owner')));
  expect(text(tables.names.get(bytes('n')))).toBe('owner');
  await Promise.resolve();
  expect(text(tables.names.get(bytes('n')))).toBe('owner');
});

test('a row is written only inside a transaction, and a transaction only outside another', () => {
  const { tables, transaction } = bound(openStore(freshPath()));
  expect(() => tables.names.put(bytes('n'), bytes('x'))).toThrow('outside a transaction');
  expect(() => tables.names.remove(bytes('n'))).toThrow('outside a transaction');
  expect(() => transaction(() => transaction(() => 1))).toThrow('inside another');
  expect(transaction(() => 2)).toBe(2);
});

test('a range that is left early holds nothing back', () => {
  const { tables, transaction } = bound(openStore(freshPath()));
  transaction(() => {
    for (let n = 0; n < 50; n++) tables.names.put(bytes(`name-${n}`), bytes('x'));
  });
  for (let round = 0; round < 1_000; round++) {
    for (const _ of tables.names.range({})) break;
  }
  expect(tables.names.count()).toBe(50);
});

test('the tables are apart', () => {
  const { tables, transaction } = bound(openStore(freshPath()));
  transaction(() => tables.names.put(bytes('k'), bytes('n')));
  expect(tables.searchable.has(bytes('k'))).toBe(false);
  expect(tables.searchable.count()).toBe(0);
});

test('after closing, every use says that the store was closed', async () => {
  const { store, tables, transaction } = bound(openStore(freshPath()));
  await store.close();
  const closed = { code: 'directory-unavailable' };
  expect(() => tables.names.get(bytes('k'))).toThrow(expect.objectContaining(closed));
  expect(() => tables.names.count()).toThrow(expect.objectContaining(closed));
  expect(() => transaction(() => 1)).toThrow(expect.objectContaining(closed));
  await store.close();
});

function bound(store: ReturnType<typeof openStore>) {
  return {
    store,
    tables: store.tables,
    transaction: <T>(work: () => T): T => store.transaction(work),
  };
}
