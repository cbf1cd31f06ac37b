import { describe, expect, it } from 'vitest';
import type { InboxErrorEvent, Message, Peer, ReceiptEvent } from '../../core/client/node.ts';
import * as op from '../../core/protocol/ops.ts';
import { until } from '../fixtures/until.ts';
import { startWorld, type World } from './directory-peers.ts';
import { next } from './peers.ts';
import { uncaughtDuring } from './uncaught.ts';

/** Two peers with records, so that each has a mailbox. */
async function startPair(): Promise<World & { alice: Peer; bob: Peer }> {
  const world = await startWorld();
  const [alice, bob] = await Promise.all([world.join(), world.join()]);
  await Promise.all([alice.publish({ name: 'alice' }), bob.publish({ name: 'bob' })]);
  return { ...world, alice, bob };
}

const boxOf = ({ directory }: World, { id }: Peer): number => directory.mailboxes.get(id)?.length ?? 0;

describe('messages', () => {
  it('wait for a peer that does not listen, and come in order when it does', async () => {
    const world = await startPair();
    const { alice, bob } = world;
    for (const text of ['one', 'two']) {
      const sent = await alice.messages.send('bob', text);
      expect(sent).toEqual({ id: expect.stringMatching(/^[0-9a-f]{32}$/), state: 'stored' });
    }
    expect(boxOf(world, bob)).toBe(2);
    const got: string[] = [];
    for await (const message of bob.messages) {
      expect(message.from).toBe(alice.id);
      expect(Math.abs(Date.now() - message.sentAt.getTime())).toBeLessThan(60_000);
      got.push(message.text());
      if (got.length === 2) await alice.messages.send(bob.id, new Uint8Array([51]));
      if (got.length === 3) break;
    }
    expect(got).toEqual(['one', 'two', '3']);
  });

  it('are acknowledged when the listener has returned and its promise is resolved, not before', async () => {
    const world = await startPair();
    const { relay, directory, alice, bob } = world;
    let release = (): void => {};
    const got: string[] = [];
    bob.messages.addEventListener('message', async (message) => {
      got.push(message.text());
      await new Promise<void>((resolve) => {
        release = resolve;
      });
    });
    await alice.messages.send(bob.id, 'one');
    await alice.messages.send(bob.id, 'two');
    await until('the first came', () => got.length === 1);
    await bob.lookup(alice.id);
    expect(directory.acks).toEqual([]);
    release();
    await until('the second came', () => got.length === 2);
    await relay.until(() => directory.acks.length === 1);
    expect(boxOf(world, bob)).toBe(1);
    release();
    await relay.until(() => directory.acks.length === 2);
    expect(boxOf(world, bob)).toBe(0);
  });

  it('are acknowledged when the iterator asks for the next; a loop that breaks gives its last one back', async () => {
    const world = await startPair();
    const { relay, directory, alice, bob } = world;
    for (const text of ['one', 'two']) await alice.messages.send(bob.id, text);
    const got: string[] = [];
    for await (const message of bob.messages) {
      got.push(message.text());
      if (got.length === 2) break;
    }
    await relay.until(() => directory.acks.length === 1);
    expect(boxOf(world, bob)).toBe(1);
    const { value } = await bob.messages[Symbol.asyncIterator]().next();
    expect((value as Message).text()).toBe('two');
  });

  it('tell the sender what became of them', async () => {
    const { alice, bob } = await startPair();
    const receipt = next<ReceiptEvent>(alice.messages, 'receipt');
    bob.messages.addEventListener('message', () => {});
    const { id } = await alice.messages.send(bob.id, 'hello');
    expect(await receipt).toMatchObject({ id, to: bob.id, state: 'delivered' });
  });

  it('acknowledge what was done when the peer is closed at once', async () => {
    const world = await startPair();
    const { relay, alice, bob } = world;
    await alice.messages.send(bob.id, 'one');
    const iterator = bob.messages[Symbol.asyncIterator]();
    await iterator.next();
    const end = iterator.next();
    await bob.close();
    expect(await end).toEqual({ done: true, value: undefined });
    await relay.until(() => boxOf(world, bob) === 0);
  });

  it('come again after a reconnection when they were not acknowledged, and only then', async () => {
    const world = await startPair();
    const { relay, directory, alice, bob } = world;
    const got: string[] = [];
    let release = (): void => {};
    bob.messages.addEventListener('message', async (message) => {
      got.push(message.text());
      if (message.text() === 'two') await new Promise<void>((resolve) => (release = resolve));
    });
    for (const text of ['one', 'two', 'three']) await alice.messages.send(bob.id, text);
    await until('the second is with the listener', () => got.length === 2);
    const back = next(bob, 'reconnected');
    relay.sessionOf(bob.id).socket.terminate();
    await back;
    await relay.until(() => directory.requests.filter((frame) => frame.op === op.OP_INBOX).length === 2);
    await bob.lookup(alice.id);
    release();
    await relay.until(() => boxOf(world, bob) === 0);
    expect(got).toEqual(['one', 'two', 'three']);
  });

  it('are given out once, however often the relay sends them', async () => {
    const world = await startPair();
    const { relay, directory, alice, bob } = world;
    const got: string[] = [];
    bob.messages.addEventListener('message', (message) => {
      got.push(message.text());
    });
    await alice.messages.send(bob.id, 'one');
    await relay.until(() => directory.acks.length === 1);
    const sent = directory.requests.find((frame) => frame.op === op.OP_SEND)!.body as { id: Uint8Array };
    const from = relay.sessionOf(alice.id).peer!;
    directory.put(bob.id, { from, id: sent.id, sentMs: 1, bytes: new Uint8Array(1) });
    await relay.until(() => directory.acks.length === 2);
    expect(got).toEqual(['one']);
  });

  it('stay unacknowledged, with those behind them, when a listener fails', async () => {
    const world = await startPair();
    const { relay, alice, bob } = world;
    const got: string[] = [];
    let fails = true;
    bob.messages.addEventListener('message', async (message) => {
      got.push(message.text());
      if (message.text() === 'two' && fails) throw new Error('a bad day');
    });
    const errors = await uncaughtDuring(async () => {
      for (const text of ['one', 'two', 'three']) await alice.messages.send(bob.id, text);
      await until('all came', () => got.length === 3);
    }, 1);
    expect(errors).toMatchObject([{ message: 'a bad day' }]);
    await relay.until(() => boxOf(world, bob) === 2);
    fails = false;
    relay.sessionOf(bob.id).socket.terminate();
    await relay.until(() => boxOf(world, bob) === 0);
    expect(got).toEqual(['one', 'two', 'three', 'two']);
  });

  it('go on through more than a window of them', async () => {
    const world = await startPair();
    const { relay, alice, bob } = world;
    for (let i = 0; i < 100; i++) await alice.messages.send(bob.id, String(i));
    const got: string[] = [];
    bob.messages.addEventListener('message', (message) => {
      got.push(message.text());
    });
    await relay.until(() => boxOf(world, bob) === 0);
    expect(got).toEqual(Array.from({ length: 100 }, (_, i) => String(i)));
  });

  it('are kept once when they are sent again with the same id', async () => {
    const world = await startPair();
    const { alice, bob } = world;
    const id = crypto.randomUUID();
    const first = await alice.messages.send(bob.id, 'once', { id });
    expect(await alice.messages.send(bob.id, 'once', { id: first.id.toUpperCase() })).toEqual(first);
    expect(boxOf(world, bob)).toBe(1);
  });

  it('keep the sender from changing what it has handed over', async () => {
    const { alice, bob } = await startPair();
    const data = new Uint8Array([1, 2, 3]);
    const sent = alice.messages.send('bob', data);
    data.fill(9);
    await sent;
    const { value } = await bob.messages[Symbol.asyncIterator]().next();
    expect((value as Message).data).toEqual(new Uint8Array([1, 2, 3]));
  });

  it('are refused with a reason', async () => {
    const { alice, bob, join } = await startPair();
    const stranger = await join();
    await expect(alice.messages.send(stranger.id, 'x')).rejects.toMatchObject({ code: 'refused' });
    await expect(alice.messages.send('nobody', 'x')).rejects.toMatchObject({ code: 'not-found' });
    await expect(alice.messages.send('a b', 'x')).rejects.toMatchObject({ code: 'bad-name' });
    for (const [to, data, options] of [
      [7, 'x'],
      [bob.id, 7],
      [bob.id, new Uint8Array(16_385)],
      [bob.id, 'x', { id: 'abc' }],
      [bob.id, 'x', { lifeMs: 0 }],
    ] as const) {
      await expect(alice.messages.send(to as never, data as never, options)).rejects.toMatchObject({
        code: 'bad-option',
      });
    }
  });

  it('go to all listeners and to one iterator, until a listener is removed', async () => {
    const { alice, bob } = await startPair();
    const heard: string[] = [];
    const listener = (message: Message): void => {
      heard.push(message.text());
    };
    bob.messages.addEventListener('message', listener);
    bob.messages.addEventListener('message', listener);
    bob.messages.addEventListener('message', { handleEvent: listener });
    const [one, two] = [bob.messages[Symbol.asyncIterator](), bob.messages[Symbol.asyncIterator]()];
    const asked = [one.next(), two.next()];
    await alice.messages.send(bob.id, 'a');
    expect(((await asked[0]!).value as Message).text()).toBe('a');
    expect(heard).toEqual(['a', 'a']);
    bob.messages.removeEventListener('message', listener);
    await one.return?.();
    await alice.messages.send(bob.id, 'b');
    expect(((await asked[1]!).value as Message).text()).toBe('b');
    expect(heard).toEqual(['a', 'a', 'b']);
  });

  it('do not stop an iterator that asks ahead', async () => {
    const { alice, bob } = await startPair();
    const iterator = bob.messages[Symbol.asyncIterator]();
    const asked = [iterator.next(), iterator.next(), iterator.next()];
    for (const text of ['a', 'b', 'c']) await alice.messages.send(bob.id, text);
    const got = await Promise.all(asked);
    expect(got.map(({ value }) => (value as Message).text())).toEqual(['a', 'b', 'c']);
  });

  it('report that the relay does not open the inbox', async () => {
    const { directory, bob } = await startPair();
    directory.meddle = (frame) => (frame.op === op.OP_INBOX ? 'no-directory' : undefined);
    const failed = next<InboxErrorEvent>(bob.messages, 'error');
    bob.messages.addEventListener('message', () => {});
    expect((await failed).error).toMatchObject({ code: 'no-directory' });
  });

  it.each([
    ['more than a window', Array.from({ length: 33 }, (_, i) => ({ seq: i + 1, bytes: new Uint8Array(1) }))],
    ['out of order', [2, 1].map((seq) => ({ seq, bytes: new Uint8Array(1) }))],
    ['neither a message nor a receipt', [{ seq: 1 }]],
  ])('end the connection when the relay sends %s', async (_what, mail) => {
    const { relay, alice, bob } = await startPair();
    const closed = new Promise<unknown>((resolve) =>
      bob.addEventListener('closed', ({ error }) => resolve(error)),
    );
    const from = relay.sessionOf(alice.id).peer!;
    const session = relay.sessionOf(bob.id);
    for (const [i, item] of mail.entries()) {
      session.control(op.OP_MAIL, 0, { from, id: new Uint8Array(16).fill(i), sentMs: 1, ...item });
    }
    expect(await closed).toMatchObject({ code: 'bad-relay' });
  });
});
