/** What a check of a directory finds, and what it does not. */
import { expect, test } from 'vitest';
import { checkDirectory, type Finding } from '../../core/directory/check.ts';
import { expiryKey, listKey, mailKey, u64Bytes } from '../../core/directory/rows.ts';
import { TABLES, type TableName } from '../../core/directory/store.ts';
import { bytes } from './store-fixture.ts';
import { filled, LIFE_MS } from './tools-world.ts';
import { HOUR_MS, identity, START_MS, type World } from './world.ts';

test('what the relay wrote is clean, while it runs', async () => {
  const world = filled();
  const rows = TABLES.reduce((sum, name) => sum + world.store.tables[name].count(), 0);
  expect(await checkDirectory(world.path)).toEqual({ findings: [], found: 0, rows });
});

const NOTHING = new Uint8Array(0);
const KEY = identity(0).publicKey;
const LATER_MS = START_MS + HOUR_MS;
type Tables = World['store']['tables'];

/** Each breaks one rule of a clean directory. */
const BREAKS: [what: string, table: TableName, says: RegExp, breakIt: (tables: Tables) => void][] = [
  ['no record', 'records', /not valid/, ({ records }) => records.put(KEY, bytes('x'))],
  [
    'another’s record',
    'records',
    /another key/,
    ({ records }) => records.put(KEY, records.get(identity(1).publicKey)!),
  ],
  [
    'a forged record',
    'records',
    /signature does not hold/,
    ({ records }) => {
      const record = records.get(KEY)!;
      record[10]! ^= 1;
      records.put(KEY, record);
    },
  ],
  ['a name without its row', 'records', /not its own/, ({ names }) => names.remove(bytes('peer-0'))],
  [
    'a name with two owners',
    'names',
    /another name, or none/,
    ({ names }) => names.put(bytes('peer-0'), identity(1).publicKey),
  ],
  [
    'a name of nobody',
    'names',
    /has no record/,
    ({ names }) => names.put(bytes('free'), identity(77).publicKey),
  ],
  [
    'a searchable record that is not listed',
    'records',
    /searchable/,
    ({ searchable }) => searchable.remove(bytes('peer-0')),
  ],
  [
    'a listed record that is not searchable',
    'searchable',
    /not searchable/,
    ({ searchable }) => searchable.put(bytes('peer-1'), identity(1).publicKey),
  ],
  [
    'a record that never expires',
    'records',
    /expiries/,
    ({ expiries }) => expiries.remove(expiryKey(START_MS + LIFE_MS, KEY)),
  ],
  [
    'an expiry of nothing',
    'expiries',
    /no record/,
    ({ expiries }) => expiries.put(expiryKey(LATER_MS, KEY), NOTHING),
  ],
  ['a sighting of nobody', 'seen', /no record/, ({ seen }) => seen.put(identity(77).publicKey, u64Bytes(1))],
  [
    'a list with one more key',
    'policies',
    /list 1 has 2 keys, and there are 3/,
    ({ lists }) =>
      lists.put(
        listKey(
          identity(3).publicKey,
          1,
          KEY.map((b) => b ^ 1),
        ),
        NOTHING,
      ),
  ],
  ['a list of nobody', 'lists', /no policy/, ({ lists }) => lists.put(listKey(KEY, 2, KEY), NOTHING)],
  [
    'another’s vault',
    'vaults',
    /another key/,
    ({ vaults }) => vaults.put(KEY, vaults.get(identity(1).publicKey)!),
  ],
  [
    'a mailbox that counts wrong',
    'mailboxes',
    /messages, and there are/,
    ({ mail }) => mail.remove(mailKey(identity(5).publicKey, 3)),
  ],
  [
    'mail without a mailbox',
    'mail',
    /no mailbox/,
    ({ mailboxes }) => mailboxes.remove(identity(5).publicKey),
  ],
  [
    'mail that never expires',
    'mail',
    /expiries/,
    ({ mailExpiries }) => mailExpiries.remove([...mailExpiries.range({ most: 1 })][0]![0]),
  ],
  [
    'mail without its id',
    'mail',
    /table of ids/,
    ({ mailIds }) => mailIds.remove([...mailIds.range({ most: 1 })][0]![0]),
  ],
  [
    'an id of other mail',
    'mailIds',
    /another|no such/,
    ({ mailIds }) => mailIds.put([...mailIds.range({ most: 1 })][0]![0], u64Bytes(19)),
  ],
];

test.each(BREAKS)('a check finds %s', async (_, table, says, breakIt) => {
  const world = filled();
  world.store.transaction(() => breakIt(world.store.tables));
  const { findings } = await checkDirectory(world.path);
  const found = findings.find((finding: Finding) => finding.table === table && says.test(finding.what));
  expect(found, JSON.stringify(findings)).toBeDefined();
  expect(findings.length).toBeLessThan(30);
});

test('a check lists no more findings than asked for, and counts all', async () => {
  const world = filled();
  world.store.transaction(() => {
    for (let n = 0; n < 50; n++) world.store.tables.names.put(bytes(`free-${n}`), identity(77).publicKey);
  });
  const { findings, found } = await checkDirectory(world.path, { most: 5 });
  expect(findings).toHaveLength(5);
  expect(found).toBe(50);
});
