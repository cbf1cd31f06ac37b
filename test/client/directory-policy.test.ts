import { describe, expect, it } from 'vitest';
import { generateIdentity, type PeerId } from '../../core/client/node.ts';
import * as op from '../../core/protocol/ops.ts';
import { startWorld } from './directory-peers.ts';

const ids = (count: number) => Array.from({ length: count }, () => generateIdentity().id);

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

describe('policy', () => {
  it('is everyone until it is set, and changes only what is given', async () => {
    const { join } = await startWorld();
    const alice = await join();
    expect(await alice.policy.get()).toEqual({ visibility: 'everyone', reach: 'everyone' });
    await alice.policy.set({ visibility: 'nobody' });
    await alice.policy.set({ reach: 'contacts' });
    expect(await alice.policy.get()).toEqual({ visibility: 'nobody', reach: 'contacts' });
    await expect(alice.policy.set({ reach: 'friends' as never })).rejects.toMatchObject({
      code: 'bad-option',
    });
    await expect(alice.policy.set(null as never)).rejects.toMatchObject({ code: 'bad-option' });
  });

  it('puts peers on its lists and takes them off, however many', async () => {
    const { directory, join } = await startWorld();
    const alice = await join();
    const many = ids(100);
    await alice.policy.allow(many);
    await alice.policy.block(many.slice(0, 2));
    await alice.policy.disallow(many.slice(50));
    await alice.policy.unblock([many[1]!]);
    expect(await all(alice.policy.allowed())).toEqual(many.slice(0, 50).sort());
    expect(await all(alice.policy.blocked())).toEqual([many[0]]);
    expect(directory.requests.filter((frame) => frame.op === op.OP_POLICY_GET)).toHaveLength(3);
    await expect(alice.policy.allow(['x'])).rejects.toMatchObject({ code: 'bad-peer-id' });
  });

  it('does not follow a list that has no end', async () => {
    const { directory, join } = await startWorld();
    const alice = await join();
    for (const keys of [[], [new Uint8Array(32)]]) {
      directory.meddle = () => ({
        op: op.OP_POLICY,
        body: { visibility: 'everyone', reach: 'everyone', keys, more: true },
      });
      await expect(all(alice.policy.blocked())).rejects.toMatchObject({ code: 'bad-relay' });
    }
  });

  it('allows those who are contacts when it becomes contacts, and then follows the contacts', async () => {
    const { join } = await startWorld();
    const alice = await join();
    const [one, two, three] = ids(3) as [PeerId, PeerId, PeerId];
    await alice.contacts.add(one);
    await alice.contacts.add(two);
    expect(await all(alice.policy.allowed())).toEqual([]);
    await alice.policy.set({ reach: 'contacts' });
    expect(await all(alice.policy.allowed())).toEqual([one, two].sort());
    await alice.contacts.add(three);
    await alice.contacts.remove(one);
    expect(await all(alice.policy.allowed())).toEqual([two, three].sort());
  });
});
