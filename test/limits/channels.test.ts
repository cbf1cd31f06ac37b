import { expect, test } from 'vitest';
import { encodeControl } from '../../core/protocol/control.ts';
import * as op from '../../core/protocol/ops.ts';
import { limit } from '../fixtures/limits.ts';
import { REALTIME } from '../fixtures/raw-peer.ts';
import { pair, reasonsOf, startRelay, warningsOf } from '../fixtures/relay.ts';
import { ShardWorld } from '../fixtures/shard-world.ts';
import { until } from '../fixtures/until.ts';

test('a shard whose table of ends is full refuses the next open, and has its operator told', () => {
  const world = new ShardWorld();
  const [ann, bob] = [world.peer(), world.peer()];
  while (world.ends.allocate(bob.session.slot) >= 0);
  world.request(ann, op.OP_OPEN, 1, { to: bob.key, ...REALTIME });
  const [error] = world.got(ann) as { body: { code: string } }[];
  limit('channel ends of a shard').sees({
    answers: [error!.body.code],
    stats: world.stats(),
    why: world.reasons(ann),
    warnings: world.warnings(),
  });
  // The same again is told once.
  world.request(ann, op.OP_OPEN, 2, { to: bob.key, ...REALTIME });
  expect(world.warnings()).toEqual(['channels-full']);
});

test('a relay that has as many channel ends as it may refuses the opener, or its callee', async () => {
  const relay = await startRelay({ shards: 2, maxChannels: 3, directory: false });
  const warnings = warningsOf(relay);
  const [ann, bob] = await pair(relay, 'two shards');
  await ann.open(bob, REALTIME);
  // The first has the last end until bob's shard has none for him; so the second finds none.
  const opens = [70, 71].map((id) => encodeControl(op.OP_OPEN, id, { to: bob.key.publicKey, ...REALTIME }));
  ann.send(Buffer.concat(opens));
  const refused = await ann.next(op.OP_ERROR);
  expect(refused.requestId).toBe(71);
  const closed = await ann.refused(70);
  await until('the operator is warned', () => warnings.length > 0);
  limit('channel ends of the relay').sees({
    answers: [refused.body.code, closed],
    stats: relay.stats(),
    why: await reasonsOf(relay, ann),
    warnings,
  });
});
