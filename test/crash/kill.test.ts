/** The relay is killed while fifty peers write, again and again; what it acknowledged is there each time. */
import { generateIdentity } from 'supernode/client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkDirectory } from '../../core/directory/check.ts';
import { LmdbStore } from '../../core/directory/lmdb-store.ts';
import { Sandbox } from '../cli/run-cli.ts';
import { prng, runSeed } from '../fixtures/prng.ts';
import { until } from '../fixtures/until.ts';
import { Account, adopt, lost } from './ledger.ts';
import { type Player, Writer } from './writer.ts';

const IS_SOAK = Boolean(process.env['SUPERNODE_SOAK']);
const KILLS = IS_SOAK ? 200 : 4;
const PEERS = 50;
const MAX_BYTES = 1024 * 1024 * 1024;

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await Sandbox.create();
});
afterEach(() => sandbox.remove());

test(`everything acknowledged survives ${KILLS} kills at random moments, and the store is consistent`, async () => {
  const seed = runSeed();
  const random = prng(seed);
  const data = sandbox.path('data');
  const players: Player[] = Array.from({ length: PEERS }, () => {
    const identity = generateIdentity();
    return { identity, account: new Account(identity.publicKey) };
  });
  let acknowledged = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const relay = await sandbox.relay(['--data', data, '--admin-port', '0']);
    const writers = await Promise.all(
      players.map((player) => Writer.start(relay.url, player, players, random)),
    );
    const before = random.below(400);
    await until('the writers wrote', () => written(writers) >= before);
    await new Promise((resolve) => setTimeout(resolve, random.below(30)));
    relay.run.child.kill('SIGKILL');
    await relay.run.end();
    await Promise.all(writers.map((writer) => writer.done));

    const store = LmdbStore.open(`${data}/directory`, { durable: true, maxBytes: MAX_BYTES });
    try {
      const gone = players.flatMap(({ account }) => lost(account, store));
      expect(gone, `after kill ${kill}, seed ${seed}`).toEqual([]);
      for (const { account } of players) adopt(account, store);
    } finally {
      await store.close();
    }
    const { findings } = await checkDirectory(`${data}/directory`);
    expect(findings, `after kill ${kill}, seed ${seed}`).toEqual([]);
    acknowledged += written(writers);
    if (IS_SOAK && (kill + 1) % 10 === 0) {
      console.info(
        `${kill + 1} of ${KILLS} kills, ${acknowledged} writes acknowledged and there, seed ${seed}`,
      );
    }
  }
  // A run in which nobody wrote would prove nothing.
  expect(acknowledged).toBeGreaterThan(KILLS * 50);
});

function written(writers: Writer[]): number {
  return writers.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
}
