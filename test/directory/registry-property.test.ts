import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseRecord } from '../../core/directory/record.ts';
import { readExpiryKey } from '../../core/directory/rows.ts';
import type { WriteAsk } from '../../core/threads/directory-messages.ts';
import { type ModelPublish, type ModelRecord, RegistryModel } from './registry-model.ts';
import { codeOf, identity, World } from './world.ts';

const NAMES = ['ada', 'bob', 'cyd'];
const PEERS = Array.from({ length: 5 }, (_, number) => identity(number));
const MAX_RECORDS = 4;

/** What one step of the property test does. Numbers are taken modulo what there is to choose from. */
type Step =
  | { do: 'batch'; claims: Claim[]; crashAfterWrites: number | null }
  | { do: 'wait'; ms: number }
  | { do: 'sweep' }
  | { do: 'reopen' };

interface Claim {
  peer: number;
  name: number | null;
  searchable: boolean;
  /** Above the sequence number of the record that the peer has then. */
  seqStep: number;
  lifeMs: number;
  /** Whose former record is published with it, and its own step. */
  former: { peer: number; seqStep: number } | null;
}

const claim: fc.Arbitrary<Claim> = fc.record({
  peer: fc.nat(PEERS.length - 1),
  name: fc.option(fc.nat(NAMES.length - 1), { freq: 5 }),
  searchable: fc.boolean(),
  seqStep: fc.constantFrom(1, 1, 1, 2, 0, -1),
  lifeMs: fc.constantFrom(1_000, 5_000, 60_000),
  former: fc.option(fc.record({ peer: fc.nat(PEERS.length - 1), seqStep: fc.constantFrom(1, 1, 1, 0) })),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('batch' as const),
      claims: fc.array(claim, { minLength: 1, maxLength: 5 }),
      crashAfterWrites: fc.option(fc.nat(12), { freq: 4 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(500, 3_000) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'sweep' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'reopen' as const }) },
);

test('names have one owner, as in a plain model, whatever is claimed, handed over, expires, fails or restarts', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      const world = new World({ maxRecords: MAX_RECORDS });
      let model = new RegistryModel(MAX_RECORDS);
      for (const one of steps) {
        if (one.do === 'wait') world.nowMs += one.ms;
        if (one.do === 'reopen') await world.reopen();
        if (one.do === 'sweep') {
          const swept = model.sweep(world.nowMs);
          expect(world.write({ t: 'sweep', nowMs: world.nowMs, most: 100 })).toMatchObject({
            records: swept,
          });
        }
        if (one.do === 'batch') model = batch(world, model, one);
        expectSame(world, model);
      }
      await world.store.close();
    }),
    { numRuns: 150 },
  );
});

function batch(world: World, model: RegistryModel, step: Extract<Step, { do: 'batch' }>): RegistryModel {
  const next = model.copy();
  const expected: (string | null)[] = [];
  const asks = step.claims.map((claim): WriteAsk => {
    const publish = publishOf(claim, next, world.nowMs);
    const { peer, record, former } = publish;
    expected.push(next.publish(publish, world.nowMs));
    return {
      t: 'publish',
      peer: PEERS[peer]!.publicKey,
      record: world.record(PEERS[peer]!, record),
      former: former && world.record(PEERS[former.peer]!, { ...former.record, heir: PEERS[peer]!.publicKey }),
    };
  });
  world.store.writesLeft = step.crashAfterWrites ?? Number.POSITIVE_INFINITY;
  const answers = world.directory.write(asks);
  const isCrash = world.store.writesLeft < 0;
  world.store.writesLeft = Number.POSITIVE_INFINITY;
  expect(answers.map(codeOf)).toEqual(isCrash ? asks.map(() => 'directory-full') : expected);
  return isCrash ? model : next;
}

function publishOf(claim: Claim, model: RegistryModel, nowMs: number): ModelPublish {
  const seqAfter = (peer: number, by: number) => Math.max(1, (model.records.get(peer)?.seq ?? 0) + by);
  const record: ModelRecord = {
    seq: seqAfter(claim.peer, claim.seqStep),
    name: claim.name === null ? undefined : NAMES[claim.name],
    searchable: claim.searchable,
    expiresMs: nowMs + claim.lifeMs,
  };
  if (claim.former === null) return { peer: claim.peer, record, former: null };
  const { peer, seqStep } = claim.former;
  const former = {
    seq: seqAfter(peer, seqStep),
    name: undefined,
    searchable: false,
    expiresMs: nowMs + claim.lifeMs,
  };
  return { peer: claim.peer, record, former: { peer, record: former } };
}

/** Every table that the registry keeps, whole. */
function expectSame(world: World, model: RegistryModel): void {
  const { tables } = world.store;
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  const keyOf = (peer: number) => hex(PEERS[peer]!.publicKey);
  const records = [...tables.records.range({})].map(([key, value]) => {
    const { seq, name, searchable, expiresMs } = parseRecord(value);
    return [hex(key), { seq, name, searchable, expiresMs }] as const;
  });
  const modelled = [...model.records].map(([peer, record]) => [keyOf(peer), record] as const);
  expect(new Map(records)).toEqual(new Map(modelled));

  const rows = (table: 'names' | 'searchable') =>
    new Map([...tables[table].range({})].map(([name, key]) => [Buffer.from(name).toString(), hex(key)]));
  const named = [...model.records].filter(([, record]) => record.name !== undefined);
  const pair = ([peer, record]: [number, ModelRecord]) => [record.name!, keyOf(peer)] as const;
  expect(rows('names')).toEqual(new Map(named.map(pair)));
  expect(rows('searchable')).toEqual(new Map(named.filter(([, record]) => record.searchable).map(pair)));

  const expiries = [...tables.expiries.range({})].map(([key]) => {
    const { expiresMs, peer } = readExpiryKey(key);
    return `${hex(peer)} ${expiresMs}`;
  });
  expect(expiries.toSorted()).toEqual(
    modelled.map(([key, { expiresMs }]) => `${key} ${expiresMs}`).toSorted(),
  );
  for (const [key] of tables.seen.range({}))
    expect(model.records.has(PEERS.findIndex((peer) => hex(peer.publicKey) === hex(key)))).toBe(true);
}
