import { connect } from 'supernode/client';
import { expect, test } from 'vitest';
import { SYSTEMS } from '../../../bench/systems/systems.ts';
import { children, inTime } from './world.ts';

async function first(channel: AsyncIterable<unknown>): Promise<unknown> {
  for await (const packet of channel) return packet;
  throw new Error('The channel ended without a packet.');
}

test('supernode relays in a process of its own, says what it uses, and leaves no process', async () => {
  const before = children();
  const system = await SYSTEMS.supernode.start({ core: null, shards: 2 });
  try {
    const idle = await system.usage();
    const [alice, bob] = await Promise.all([connect(system.address), connect(system.address)]);
    const arrives = bob.incoming().next();
    const near = await inTime('the channel', alice.open(bob.id));
    const far = (await inTime('the offer', arrives)).value!;
    const arrived = first(far);
    near.send('hello');
    expect(await inTime('the packet', arrived)).toEqual(new TextEncoder().encode('hello'));
    const busy = await system.usage();
    expect(busy.cpuMs).toBeGreaterThan(idle.cpuMs);
    expect(busy.atMs).toBeGreaterThan(idle.atMs);
    expect(busy.drops).toBe(0);
    expect(await inTime('the collection', system.collectedRssBytes())).toBeGreaterThan(1e7);
    await Promise.all([alice.close(), bob.close()]);
  } finally {
    await system.stop();
  }
  expect(children()).toEqual(before);
});

test('a question to a server that has ended says so', async () => {
  const system = await SYSTEMS.supernode.start({ core: null, shards: 1 });
  await system.stop();
  await expect(system.usage()).rejects.toThrow(/ended/);
});

test('a relay that cannot start gives its reason, and leaves no process', async () => {
  const before = children();
  const start = SYSTEMS.supernode.start({ core: null, shards: -1 });
  await expect(start).rejects.toThrow(/shards.*-1/);
  expect(children()).toEqual(before);
});
