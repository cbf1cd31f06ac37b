import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_CHANGES_PENDING } from '../../core/client/directory/vault-book.ts';
import { generateIdentity, type Peer, type PeerId } from '../../core/client/node.ts';
import { openVault } from '../../core/directory/vault.ts';
import { verifySignature } from '../../core/identity/verify.ts';
import * as op from '../../core/protocol/ops.ts';
import { limit } from '../fixtures/limits.ts';
import { startWorld } from './directory-peers.ts';
import { next } from './peers.ts';

const idsOf = async (peer: Peer): Promise<PeerId[]> => (await peer.contacts.list()).map(({ id }) => id);
const strangers = Array.from({ length: 8 }, () => generateIdentity().id);
const [bob, carol, dave] = strangers as [PeerId, PeerId, PeerId];

describe('contacts', () => {
  it('are listed in the order in which they were added, with what was said of them', async () => {
    const { join } = await startWorld();
    const alice = await join();
    expect(await alice.contacts.list()).toEqual([]);
    await alice.contacts.add(bob, { name: 'Bob', note: 'plays the tuba' });
    await alice.contacts.add(carol);
    await alice.contacts.add(bob, { note: '' });
    await alice.contacts.remove(dave);
    expect(await alice.contacts.list()).toEqual([
      { id: bob, name: 'Bob', addedAt: expect.any(Date) },
      { id: carol, addedAt: expect.any(Date) },
    ]);
    await alice.contacts.remove(bob);
    expect(await idsOf(alice)).toEqual([carol]);
  });

  it('are at the relay, encrypted, and another device reads them', async () => {
    const { directory, join } = await startWorld();
    const identity = generateIdentity();
    const phone = await join({ identity });
    await phone.contacts.add(bob, { name: 'a telling name' });
    await phone.close();
    const vault = directory.vaults.get(identity.id)!;
    expect(Buffer.from(vault).includes('a telling name')).toBe(false);
    expect(openVault(identity, vault, verifySignature).revision).toBe(1);
    const laptop = await join({ identity });
    expect(await laptop.contacts.list()).toMatchObject([{ id: bob, name: 'a telling name' }]);
  });

  it('are refused when they are wrong', async () => {
    const { directory, join } = await startWorld();
    const alice = await join();
    for (const [id, fields, code] of [
      ['bob', {}, 'bad-peer-id'],
      [7, {}, 'bad-option'],
      [bob, null, 'bad-option'],
      [bob, { name: 7 }, 'bad-option'],
      [bob, { name: 'x'.repeat(257) }, 'bad-option'],
      [bob, { note: 'x'.repeat(1025) }, 'bad-option'],
    ] as const) {
      await expect(alice.contacts.add(id as never, fields as never)).rejects.toMatchObject({ code });
    }
    const codes = [];
    for (const fields of [{ name: 'x'.repeat(257) }, { note: 'x'.repeat(1025) }]) {
      codes.push(await alice.contacts.add(bob, fields).catch((error: { code: string }) => error.code));
    }
    limit('name of a contact; note').sees({ answers: codes });
    expect(directory.requests).toEqual([]);
  });

  it('wait in a bounded number, and more changes are refused', async () => {
    const { directory, join } = await startWorld();
    const alice = await join();
    await alice.contacts.add(bob);
    directory.meddle = () => null;
    const changes = Array.from({ length: MAX_CHANGES_PENDING + 1 }, () =>
      alice.contacts.add(bob).catch((error: { code: string }) => error.code),
    );
    const refused = await changes.at(-1);
    limit('changes of contacts that wait').sees({ answers: [refused] });
    await alice.close();
    expect(new Set(await Promise.all(changes.slice(0, -1)))).toEqual(new Set(['peer-closed']));
  });

  it('that do not fit are refused, and those that fit and removals are stored', async () => {
    const { join } = await startWorld();
    const alice = await join();
    const note = 'x'.repeat(1000);
    const ids = Array.from({ length: 70 }, () => generateIdentity().id);
    const results = await Promise.allSettled(ids.map((id) => alice.contacts.add(id, { note })));
    const refused = results.filter(({ status }) => status === 'rejected');
    expect(refused.length).toBeGreaterThan(5);
    for (const result of refused) expect(result).toMatchObject({ reason: { code: 'list-full' } });
    const kept = await idsOf(alice);
    expect(kept).toHaveLength(ids.length - refused.length);
    await expect(alice.contacts.add(bob, { note })).rejects.toMatchObject({ code: 'list-full' });
    const [added] = await Promise.all([
      alice.contacts.add(bob, { note }),
      alice.contacts.remove(kept[0]!),
      alice.contacts.remove(kept[1]!),
    ]).catch(() => [alice.contacts.add(bob, { note })]);
    await added;
    expect(await idsOf(alice)).toContain(bob);
  });

  it('survive a conflict with another device', async () => {
    const [{ directory, join }, other] = await Promise.all([startWorld(), startWorld()]);
    Object.assign(other.directory, { vaults: directory.vaults });
    const identity = generateIdentity();
    const [phone, laptop] = await Promise.all([join({ identity }), other.join({ identity })]);
    await phone.contacts.add(bob);
    await laptop.contacts.add(carol);
    let conflicts = 0;
    directory.meddle = (frame) => {
      if (frame.op === op.OP_VAULT_PUT) conflicts++;
      return undefined;
    };
    await phone.contacts.add(dave);
    expect(conflicts).toBe(2);
    for (const device of [phone, laptop])
      expect((await idsOf(device)).sort()).toEqual([bob, carol, dave].sort());
  });

  it('are merged into what another relay has, when the peer has moved there', async () => {
    const first = await startWorld();
    const alice = await first.join();
    await alice.contacts.add(bob);
    const earlier = first.directory.vaults.get(alice.id)!;
    await alice.contacts.remove(bob);
    await alice.contacts.add(carol);
    // As many revisions, but others.
    const there = await startWorld();
    there.directory.vaults.set(alice.id, earlier);
    first.relay.sessionOf(alice.id).control(op.OP_MOVING, 0, {
      leaveInMs: 1,
      retryAfterMs: 0,
      successors: [there.relay.url],
    });
    const back = next(alice, 'reconnected');
    first.relay.sessionOf(alice.id).error('drained', true);
    await back;
    await alice.contacts.add(dave);
    expect(await idsOf(alice)).toEqual([carol, dave]);
    expect(there.directory.vaults.get(alice.id)).not.toEqual(earlier);
  });

  it('give up after 8 conflicts in a row', async () => {
    const { directory, join } = await startWorld();
    const alice = await join();
    directory.meddle = (frame) => (frame.op === op.OP_VAULT_PUT ? 'conflict' : undefined);
    const error = await alice.contacts.add(bob).catch((caught: { name: string; code: string }) => caught);
    expect(error).toMatchObject({ name: 'RelayError' });
    expect(directory.requests.filter((frame) => frame.op === op.OP_VAULT_PUT)).toHaveLength(9);
    limit('conflicts of a vault in a row').sees({ answers: [error?.code] });
    directory.meddle = () => undefined;
    expect(await idsOf(alice)).toEqual([]);
  });

  it('wait for the connection, and are put again when it was lost before the answer', async () => {
    const { relay, directory, join } = await startWorld();
    const alice = await join();
    await alice.contacts.add(bob);
    directory.meddle = (frame) => {
      if (frame.op === op.OP_VAULT_PUT) {
        directory.meddle = () => undefined;
        // Before the answer, which goes out at the end of the turn.
        relay.cutAll();
      }
      return undefined;
    };
    const lost = next(alice, 'disconnected');
    const adding = alice.contacts.add(carol);
    await lost;
    const removing = alice.contacts.remove(bob);
    expect(await idsOf(alice)).toEqual([carol]);
    await Promise.all([adding, removing]);
    expect(await idsOf(alice)).toEqual([carol]);
  });

  it('fail when the peer is closed', async () => {
    const { directory, join } = await startWorld();
    const alice = await join();
    directory.meddle = () => null;
    const failed = expect(alice.contacts.add(bob)).rejects.toMatchObject({ code: 'peer-closed' });
    await alice.close();
    await failed;
    await expect(alice.contacts.add(bob)).rejects.toMatchObject({ code: 'peer-closed' });
  });

  it('are not taken from a vault of another, of another revision, or none', async () => {
    const { directory, join } = await startWorld();
    const [alice, eve] = await Promise.all([join(), join()]);
    await Promise.all([alice.contacts.add(bob), eve.contacts.add(carol)]);
    const own = directory.vaults.get(alice.id)!;
    const altered = new Uint8Array(own);
    altered[altered.length - 1]! ^= 1;
    for (const [revision, vault] of [
      [1, directory.vaults.get(eve.id)!],
      [1, altered],
      [2, own],
      [1, new Uint8Array(200)],
    ] as const) {
      directory.meddle = (frame) =>
        frame.op === op.OP_VAULT_GET ? { op: op.OP_VAULT, body: { revision, vault } } : undefined;
      await expect(alice.contacts.list()).rejects.toMatchObject({ code: 'bad-vault' });
    }
    // An old vault, or none, takes nothing away.
    directory.meddle = (frame) =>
      frame.op === op.OP_VAULT_GET ? { op: op.OP_VAULT, body: { revision: 0 } } : undefined;
    expect(await idsOf(alice)).toEqual([bob]);
  });
});

describe('contacts of several devices', () => {
  const device = fc.integer({ min: 0, max: 2 });
  const contact = fc.integer({ min: 0, max: strangers.length - 1 });
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ t: fc.constant('add' as const), device, contact }) },
    { weight: 2, arbitrary: fc.record({ t: fc.constant('remove' as const), device, contact }) },
    { weight: 2, arbitrary: fc.record({ t: fc.constant('cut' as const), device, contact }) },
    { weight: 2, arbitrary: fc.record({ t: fc.constant('wait' as const), device, contact }) },
  );

  it('lose no add, whatever the interleaving, the conflicts and the lost connections', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 24 }), async (steps) => {
        const identity = generateIdentity();
        // A relay for each device, as one relay has one session for each key; they share the vaults.
        const worlds = await Promise.all([startWorld(), startWorld(), startWorld()]);
        for (const { directory } of worlds) Object.assign(directory, { vaults: worlds[0]!.directory.vaults });
        const devices = await Promise.all(worlds.map(({ join }) => join({ identity })));
        const added = new Set<PeerId>();
        const removed = new Set<PeerId>();
        const changes: Promise<void>[] = [];
        for (const { t, device, contact } of steps) {
          const id = strangers[contact]!;
          const { contacts } = devices[device]!;
          if (t === 'add') {
            added.add(id);
            changes.push(contacts.add(id, { name: `of ${device}` }));
          } else if (t === 'remove') {
            removed.add(id);
            changes.push(contacts.remove(id));
          } else if (t === 'cut') worlds[device]!.relay.cutAll();
          else await changes.at(-1);
        }
        await Promise.all(changes);
        const lists: PeerId[][] = [];
        for (const peer of devices) lists.push((await idsWhenOpen(peer)).sort());
        expect(lists[1]).toEqual(lists[0]);
        expect(lists[2]).toEqual(lists[0]);
        for (const id of added) if (!removed.has(id)) expect(lists[0]).toContain(id);
        for (const id of lists[0]!) expect(added).toContain(id);
        await Promise.all(devices.map((peer) => peer.close()));
        await Promise.all(worlds.map(({ relay }) => relay.close()));
      }),
      { numRuns: process.env['SUPERNODE_SOAK'] ? 1000 : 60 },
    );
  });
});

/** A cut may be on its way yet. */
async function idsWhenOpen(peer: Peer): Promise<PeerId[]> {
  for (;;) {
    while (peer.state !== 'open') await next(peer, 'reconnected');
    try {
      return await idsOf(peer);
    } catch (error) {
      if (!['connection-lost', 'not-open'].includes((error as { code: string }).code)) throw error;
    }
  }
}
