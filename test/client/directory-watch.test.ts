import { describe, expect, it } from 'vitest';
import { generateIdentity, type Peer, type PresenceEvent } from '../../core/client/node.ts';
import * as op from '../../core/protocol/ops.ts';
import { limit } from '../fixtures/limits.ts';
import { until } from '../fixtures/until.ts';
import { startWorld } from './directory-peers.ts';
import { next } from './peers.ts';

function statesOf(peer: Peer): { id: string; state: string }[] {
  const seen: { id: string; state: string }[] = [];
  peer.addEventListener('presence', ({ id, state }: PresenceEvent) => seen.push({ id, state }));
  return seen;
}

describe('watch', () => {
  it('gives the states now, in their order, and tells of changes', async () => {
    const { join } = await startWorld();
    const [alice, bob] = await Promise.all([join(), join()]);
    const nobody = generateIdentity().id;
    expect(await alice.watch([nobody, bob.id])).toEqual([
      { id: nobody, state: 'offline' },
      { id: bob.id, state: 'online' },
    ]);
    const change = next<PresenceEvent>(alice, 'presence');
    bob.setAway(true);
    expect(await change).toMatchObject({ id: bob.id, state: 'away', lastSeen: undefined });
  });

  it('asks 32 at a time, and refuses more than 512', async () => {
    const { directory, join } = await startWorld();
    const alice = await join();
    const ids = Array.from({ length: 513 }, () => generateIdentity().id);
    await expect(alice.watch(ids)).rejects.toMatchObject({ code: 'too-many-watches' });
    expect(directory.requests).toEqual([]);
    expect(await alice.watch(ids.slice(1))).toHaveLength(512);
    expect(directory.requests).toHaveLength(16);
    const refused = await alice.watch([ids[0]!]).catch((error: { code: string }) => error.code);
    limit('watches of a peer').sees({ answers: [refused] });
    alice.unwatch([ids[1]!]);
    expect(await alice.watch([ids[0]!])).toHaveLength(1);
  });

  it('hears nothing of who is unwatched, nor of who never was watched', async () => {
    const { relay, directory, join } = await startWorld();
    const [alice, bob, carol] = await Promise.all([join(), join(), join()]);
    const seen = statesOf(alice);
    await alice.watch([bob.id, carol.id]);
    alice.unwatch([bob.id]);
    await relay.until(() => directory.requests.some((frame) => frame.op === op.OP_UNWATCH));
    const session = relay.sessionOf(alice.id);
    for (const { id } of [bob, carol]) {
      const key = relay.sessionOf(id).peer!;
      session.control(op.OP_PRESENCE, 0, { states: [{ peer: key, state: 2 }] });
    }
    await until('the change is told', () => seen.length > 0);
    expect(seen).toEqual([{ id: carol.id, state: 'away' }]);
  });

  it('adds nobody when it is refused', async () => {
    const { directory, join } = await startWorld();
    const [alice, bob] = await Promise.all([join(), join()]);
    directory.meddle = (frame) => (frame.op === op.OP_WATCH ? 'too-many-watches' : undefined);
    await expect(alice.watch([bob.id])).rejects.toMatchObject({
      name: 'RelayError',
      code: 'too-many-watches',
    });
    directory.meddle = () => undefined;
    expect(await alice.watch([bob.id])).toHaveLength(1);
    await expect(alice.watch(['bob'])).rejects.toMatchObject({ code: 'bad-peer-id' });
    await expect(alice.watch(undefined as never)).rejects.toMatchObject({ code: 'bad-option' });
    expect(() => alice.unwatch([7 as never])).toThrow(expect.objectContaining({ code: 'bad-option' }));
  });

  it('is kept over a reconnection, as is being away; only what changed meanwhile is told', async () => {
    const { relay, directory, join } = await startWorld();
    const [alice, bob, carol] = await Promise.all([join(), join({ reconnect: false }), join()]);
    await alice.watch([bob.id, carol.id]);
    alice.setAway(true);
    await relay.until(() => directory.away.has(alice.id));
    const seen = statesOf(alice);
    await bob.close();
    await relay.until(() => relay.sessions.size === 2);
    directory.requests.length = 0;
    relay.sessionOf(alice.id).socket.terminate();
    await until('the change is told', () => seen.length > 0);
    expect(seen).toEqual([{ id: bob.id, state: 'offline' }]);
    expect(directory.requests.map((frame) => frame.op)).toEqual([op.OP_STATUS, op.OP_WATCH]);
  });

  it('is asked again after a reconnection until the relay has time for it', async () => {
    const { relay, directory, join } = await startWorld();
    const [alice, bob] = await Promise.all([join(), join()]);
    await alice.watch([bob.id]);
    let refusals = 0;
    directory.meddle = (frame) => (frame.op === op.OP_WATCH && refusals++ < 1 ? 'busy' : undefined);
    directory.watchers.clear();
    relay.sessionOf(alice.id).socket.terminate();
    await relay.until(() => directory.watchers.size === 1);
    const change = next<PresenceEvent>(alice, 'presence');
    bob.setAway(true);
    expect((await change).state).toBe('away');
  });

  it('believes a change that comes right behind the answer', async () => {
    const { relay, directory, join } = await startWorld();
    const [alice, bob] = await Promise.all([join(), join()]);
    const seen = statesOf(alice);
    directory.meddle = (frame, session) => {
      if (frame.op !== op.OP_WATCH) return undefined;
      const peer = relay.sessionOf(bob.id).peer!;
      session.control(op.OP_PRESENCE, frame.requestId, { states: [{ peer, state: 1 }] });
      session.control(op.OP_PRESENCE, 0, { states: [{ peer, state: 0 }] });
      return null;
    };
    expect(await alice.watch([bob.id])).toEqual([{ id: bob.id, state: 'online' }]);
    expect(seen).toEqual([{ id: bob.id, state: 'offline' }]);
  });
});
