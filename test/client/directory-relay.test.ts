/** The client's directory against the built relay, its threads and its store. */
import {
  type ConnectOptions,
  connect,
  createRelay,
  generateIdentity,
  type Peer,
  type Relay,
} from 'supernode';
import type { Message, PresenceEvent, ReceiptEvent } from 'supernode/client';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { until } from '../fixtures/until.ts';
import { next } from './peers.ts';

let relay: Relay;
let names = 0;

beforeAll(async () => {
  relay = await createRelay({ port: 0, shards: 2 });
});
afterAll(() => relay.close());

async function join(options: ConnectOptions = {}): Promise<Peer> {
  const peer = await connect(relay.url, { reconnect: { baseMs: 1, capMs: 20 }, ...options });
  onTestFinished(() => peer.close());
  return peer;
}

const freshName = (): string => `name-${process.pid}-${++names}`;

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

describe('the directory of a relay', () => {
  it('keeps a record, and gives it to who asks by name or by id, online and after', async () => {
    const identity = generateIdentity();
    const [alice, bob] = await Promise.all([join({ identity }), join()]);
    const name = freshName();
    const record = await alice.publish({ name, profile: { city: 'Bern' } });
    expect(await bob.lookup(name)).toEqual({ id: alice.id, state: 'online', record });
    expect(await bob.lookup(alice.id)).toEqual({ id: alice.id, state: 'online', record });
    await alice.close();
    let found = await bob.lookup(alice.id);
    for (; found?.state !== 'offline'; found = await bob.lookup(alice.id));
    expect(found).toMatchObject({ record, lastSeen: expect.any(Date) });
    expect(await bob.lookup(freshName())).toBeNull();
    expect(await bob.lookup(generateIdentity().id)).toBeNull();
    const again = await join({ identity });
    expect(await again.publish({ profile: {} })).toMatchObject({ name, profile: {}, seq: 2 });
  });

  it('gives a name to one peer, until it is released or handed over', async () => {
    const [alice, bob, carol] = await Promise.all([join(), join(), join()]);
    const name = freshName();
    await alice.publish({ name });
    await expect(bob.publish({ name })).rejects.toMatchObject({ name: 'RelayError', code: 'name-taken' });
    const transfer = await alice.transfer(bob.id);
    await expect(carol.publish({ name, transfer })).rejects.toMatchObject({ code: 'bad-option' });
    await bob.publish({ name, transfer });
    expect((await carol.lookup(name))?.id).toBe(bob.id);
    expect((await carol.lookup(alice.id))?.record?.name).toBeUndefined();
    await bob.publish({ name: null });
    await carol.publish({ name });
    // It was alice's to give once.
    await expect(bob.publish({ name, transfer })).rejects.toMatchObject({ code: 'name-taken' });
    expect((await alice.lookup(name))?.id).toBe(carol.id);
  });

  it('searches for those who want to be found', async () => {
    const [alice, bob] = await Promise.all([join(), join()]);
    const [shown, hidden] = [`findme${process.pid}a`, `findme${process.pid}b`];
    await alice.publish({ name: shown, searchable: true });
    await bob.publish({ name: hidden });
    expect(await bob.search(`FINDME${process.pid}`)).toEqual({
      found: [{ id: alice.id, name: shown }],
      more: false,
    });
  });

  it('tells of watched peers: that they are away, gone and back, also after a reconnection', async () => {
    const identity = generateIdentity();
    const [alice, bob] = await Promise.all([join(), join({ identity })]);
    await bob.publish({});
    expect(await alice.watch([bob.id])).toMatchObject([{ id: bob.id, state: 'online' }]);
    let change = next<PresenceEvent>(alice, 'presence');
    bob.setAway(true);
    expect(await change).toMatchObject({ id: bob.id, state: 'away' });
    change = next<PresenceEvent>(alice, 'presence');
    await bob.close();
    expect(await change).toMatchObject({ state: 'offline', lastSeen: expect.any(Date) });
    change = next<PresenceEvent>(alice, 'presence');
    await join({ identity });
    expect(await change).toMatchObject({ state: 'online', lastSeen: undefined });
  });

  it('shows a peer to whom its policy lets see it', async () => {
    const [alice, bob, eve] = await Promise.all([join(), join(), join()]);
    await alice.policy.set({ visibility: 'contacts' });
    await alice.contacts.add(bob.id);
    expect(await all(alice.policy.allowed())).toEqual([bob.id]);
    expect((await bob.lookup(alice.id))?.id).toBe(alice.id);
    expect(await eve.lookup(alice.id)).toBeNull();
    expect(await eve.watch([alice.id])).toEqual([{ id: alice.id, state: 'offline' }]);
    await alice.policy.set({ visibility: 'everyone' });
    expect((await eve.lookup(alice.id))?.id).toBe(alice.id);
    await alice.policy.block([eve.id]);
    expect(await eve.lookup(alice.id)).toBeNull();
    await expect(eve.open(alice.id)).rejects.toMatchObject({ reason: 'not-found' });
  });

  it('keeps the contacts for all devices of an identity', async () => {
    const identity = generateIdentity();
    const [bob, carol] = [generateIdentity().id, generateIdentity().id];
    const phone = await join({ identity });
    await Promise.all([phone.contacts.add(bob, { name: 'Bob' }), phone.contacts.add(carol)]);
    await phone.close();
    const laptop = await join({ identity });
    expect(new Set((await laptop.contacts.list()).map(({ id }) => id))).toEqual(new Set([bob, carol]));
    await laptop.contacts.remove(carol);
    expect(await laptop.contacts.list()).toMatchObject([{ id: bob, name: 'Bob' }]);
  });

  it('keeps messages for a peer that is away, and tells the sender when they were taken', async () => {
    const identity = generateIdentity();
    const [alice, away] = await Promise.all([join(), join({ identity })]);
    const name = freshName();
    await Promise.all([alice.publish({}), away.publish({ name })]);
    await away.close();
    const sent: string[] = [];
    for (let i = 0; i < 60; i++) sent.push((await alice.messages.send(name, `message ${i}`)).id);
    const delivered: string[] = [];
    alice.messages.addEventListener('receipt', ({ id, to, state }: ReceiptEvent) => {
      expect([to, state]).toEqual([identity.id, 'delivered']);
      delivered.push(id);
    });
    const back = await join({ identity });
    const got: Message[] = [];
    back.messages.addEventListener('message', (message) => {
      got.push(message);
    });
    await until('all were delivered', () => delivered.length === 60);
    expect(got.map((message) => message.text())).toEqual(sent.map((_, i) => `message ${i}`));
    expect(got.map(({ id, from }) => ({ id, from }))).toEqual(sent.map((id) => ({ id, from: alice.id })));
    expect(delivered).toEqual(sent);
    await alice.messages.send(identity.id, 'live');
    await until('it came at once', () => got.length === 61);
  });

  it('refuses mail for who has no mailbox, and for who does not want it, alike', async () => {
    const [alice, bob] = await Promise.all([join(), join()]);
    await bob.publish({});
    await bob.policy.block([alice.id]);
    const refusals = await Promise.all(
      [generateIdentity().id, bob.id].map((to) => alice.messages.send(to, 'x').catch((error) => error)),
    );
    expect(refusals[0]).toMatchObject({ name: 'RelayError', code: 'refused' });
    expect(refusals[1]).toMatchObject({ code: 'refused', message: refusals[0].message });
  });

  it('answers hundreds of look-ups at once', async () => {
    const [alice, bob] = await Promise.all([join(), join()]);
    const found = await Promise.all(
      Array.from({ length: 500 }, (_, i) => alice.lookup(i % 2 ? bob.id : generateIdentity().id)),
    );
    expect(found.filter((result) => result?.id === bob.id)).toHaveLength(250);
    expect(found.filter((result) => result === null)).toHaveLength(250);
  });
});

describe('a relay without a directory', () => {
  it('says so', async () => {
    const plain = await createRelay({ port: 0, shards: 1, directory: false });
    onTestFinished(() => plain.close());
    const alice = await connect(plain.url);
    onTestFinished(() => alice.close());
    const refused = { name: 'RelayError', code: 'no-directory' };
    await expect(alice.publish({})).rejects.toMatchObject(refused);
    await expect(alice.watch([alice.id])).rejects.toMatchObject(refused);
    await expect(alice.contacts.list()).rejects.toMatchObject(refused);
    await expect(alice.messages[Symbol.asyncIterator]().next()).rejects.toMatchObject(refused);
    alice.setAway(true);
    expect(alice.state).toBe('open');
  });
});
