import { describe, expect, it } from 'vitest';
import { generateIdentity, identityFromSeed, MAX_PAYLOAD_BYTES } from '../../core/client/node.ts';
import type { ChannelError, SupernodeError } from '../../core/protocol/errors.ts';
import * as op from '../../core/protocol/ops.ts';
import { limit } from '../fixtures/limits.ts';
import { join, next, openBetween, openPair, startRelay, textOf, texts } from './peers.ts';
import { uncaughtDuring } from './uncaught.ts';

/** What it throws. */
function thrownBy(run: () => void): SupernodeError {
  try {
    run();
  } catch (error) {
    return error as SupernodeError;
  }
  throw new Error('It did not throw.');
}

const SOMEBODY = identityFromSeed(new Uint8Array(32)).id;

describe('opening a channel', () => {
  it('gives both ends the same kind, and each the other as its peer', async () => {
    const { caller, callee, near, far } = await openPair({
      priority: 'video',
      maxPacketLifeTime: 80,
      protocol: 'camera',
    });
    for (const end of [near, far]) {
      expect(end).toMatchObject({
        reliable: false,
        ordered: true,
        priority: 'video',
        maxPacketLifeTime: 80,
        protocol: 'camera',
        readyState: 'open',
        bufferedAmount: 0,
        dropped: 0,
        binaryType: 'arraybuffer',
      });
    }
    expect(near.peer).toBe(callee.id);
    expect(far.peer).toBe(caller.id);
  });

  it('is realtime audio by default, and a message class when reliable', async () => {
    const { near, caller, callee } = await openPair();
    expect(near).toMatchObject({ reliable: false, priority: 'audio', maxPacketLifeTime: 500, protocol: '' });
    const { far } = await openBetween(caller, callee, { reliable: true });
    expect(far).toMatchObject({ reliable: true, priority: 'message', maxPacketLifeTime: null });
  });

  it('takes a peer id in capitals and with spaces around', async () => {
    const relay = await startRelay();
    const [a, b] = await Promise.all([join(relay), join(relay, { onchannel: () => {} })]);
    expect((await a.open(` ${b.id.toUpperCase()}\n`)).peer).toBe(b.id);
  });

  it('fails with the reason when nobody has that id', async () => {
    const peer = await join(await startRelay());
    await expect(peer.open(generateIdentity().id)).rejects.toMatchObject({
      name: 'ChannelError',
      code: 'channel-closed',
      reason: 'not-found',
    });
  });

  it("fails with the relay's code when it has too many", async () => {
    const relay = await startRelay({ silent: false });
    const peer = await join(relay);
    const session = relay.sessionOf(peer.id);
    session.ops.length = 0;
    relay.options.silent = true;
    const opening = peer.open(generateIdentity().id);
    await relay.until(() => session.ops.includes(op.OP_OPEN));
    session.error('too-many-channels', false, { requestId: 1 });
    await expect(opening).rejects.toMatchObject({ name: 'RelayError', code: 'too-many-channels' });
    expect(peer.state).toBe('open');
  });

  it.each([
    ['nonsense', {}, 'bad-peer-id'],
    [SOMEBODY, { reliable: true, maxPacketLifeTime: 100 }, 'bad-option'],
    [SOMEBODY, { maxPacketLifeTime: 0 }, 'bad-option'],
    [SOMEBODY, { maxPacketLifeTime: 65_536 }, 'bad-option'],
    [SOMEBODY, { priority: 'urgent' as never }, 'bad-option'],
    [SOMEBODY, { protocol: 'é'.repeat(33) }, 'bad-option'],
  ])('refuses %s with %j', async (to, options, code) => {
    const peer = await join(await startRelay());
    await expect(peer.open(to, options)).rejects.toMatchObject({ code });
  });

  it('can be given up, and closes what is opened all the same', async () => {
    const relay = await startRelay();
    let answer = (_accept: boolean): void => {};
    const decision = new Promise<boolean>((resolve) => {
      answer = resolve;
    });
    let offered = (): void => {};
    const offer = new Promise<void>((resolve) => {
      offered = resolve;
    });
    const callee = await join(relay, {
      onoffer: () => {
        offered();
        return decision;
      },
    });
    const caller = await join(relay);
    const abort = new AbortController();
    const opening = caller.open(callee.id, { signal: abort.signal });
    await offer;
    abort.abort(new Error('never mind'));
    await expect(opening).rejects.toThrow('never mind');
    const arrived = callee.incoming().next();
    answer(true);
    const { value: far } = await arrived;
    expect(await far!.closed).toBe('closed');
    expect(relay.sessionOf(caller.id).ends.size).toBe(0);
  });

  it('does not lose what the other end sends before open() resolves', async () => {
    const relay = await startRelay();
    const callee = await join(relay, {
      onchannel: ({ channel }) => {
        channel.send('first');
        channel.end();
      },
    });
    const caller = await join(relay);
    expect(await texts(await caller.open(callee.id, { reliable: true }))).toEqual(['first']);
  });
});

describe.each([true, false])('a channel with reliable: %s', (reliable) => {
  it('carries messages both ways, in order and whole', async () => {
    const { near, far } = await openPair({ reliable });
    const sent = ['', 'a', 'é'.repeat(100), 'x'.repeat(255), 'x'.repeat(256), 'x'.repeat(MAX_PAYLOAD_BYTES)];
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      for (const text of sent) from.send(text);
      from.end();
      expect(await texts(to)).toEqual(sent);
    }
  });

  it('takes text, buffers and views of them', async () => {
    const { near, far } = await openPair({ reliable });
    const bytes = new TextEncoder().encode('abcdef');
    near.send('abcdef');
    near.send(bytes);
    near.send(bytes.buffer as ArrayBuffer);
    near.send(new DataView(bytes.buffer, 2, 3));
    near.send(new Uint16Array(bytes.buffer as ArrayBuffer));
    near.send(Buffer.from('abcdef').subarray(1));
    near.end();
    expect(await texts(far)).toEqual(['abcdef', 'abcdef', 'abcdef', 'cde', 'abcdef', 'bcdef']);
  });

  it('gives messages to onmessage, then says that the other end has ended', async () => {
    const { near, far } = await openPair({ reliable });
    const seen: string[] = [];
    const ended = new Promise<void>((resolve) => {
      far.onend = () => {
        seen.push('end');
        resolve();
      };
    });
    far.onmessage = ({ data }) => seen.push(textOf(data));
    near.send('one');
    near.send('two');
    near.end();
    await ended;
    expect(seen).toEqual(['one', 'two', 'end']);
  });

  it('gives onmessage what arrived before it was set', async () => {
    const { near, far, caller, callee } = await openPair({ reliable });
    near.send('early');
    // A second channel's offer comes after the first one's data.
    await openBetween(caller, callee);
    const message = new Promise<string>((resolve) => {
      far.onmessage = ({ data }) => resolve(textOf(data));
    });
    expect(await message).toBe('early');
  });

  it('dispatches message events to listeners, and the same to onmessage', async () => {
    const { near, far } = await openPair({ reliable });
    const events: unknown[] = [];
    const message = next<Event & { data: Uint8Array }>(far, 'message');
    far.onmessage = (event) => events.push(event);
    near.send('x');
    const event = await message;
    expect(textOf(event.data)).toBe('x');
    expect(events).toEqual([event]);
  });

  it('stays in order, and alive, when a handler throws', async () => {
    const { near, far, callee } = await openPair({ reliable });
    const seen: string[] = [];
    const ended = next(far, 'end');
    const errors = await uncaughtDuring(async () => {
      far.onmessage = ({ data }) => {
        seen.push(textOf(data));
        throw new Error(`thrown at ${textOf(data)}`);
      };
      near.send('1');
      near.send('2');
      near.end();
      await ended;
    }, 2);
    expect(errors.map(({ message }) => message)).toEqual(['thrown at 1', 'thrown at 2']);
    expect(seen).toEqual(['1', '2']);
    expect(callee.state).toBe('open');
    expect(far.readyState).toBe('open');
  });

  it('closes at both ends with everything that was sent before', async () => {
    const { near, far } = await openPair({ reliable });
    const nearClosed = next<Event & { reason: string }>(near, 'close');
    near.send('last');
    near.close();
    expect(near.readyState).toBe('closing');
    expect(() => near.send('more')).toThrow(expect.objectContaining({ code: 'not-open' }));
    expect(await texts(far)).toEqual(['last']);
    expect(await Promise.all([near.closed, far.closed])).toEqual(['closed', 'closed']);
    expect((await nearClosed).reason).toBe('closed');
    expect(near.readyState).toBe('closed');
    expect(() => far.send('more')).toThrow(expect.objectContaining({ code: 'not-open' }));
  });

  it('refuses a message that is too large, and what is no message', async () => {
    const { near } = await openPair({ reliable });
    const error = thrownBy(() => near.send(new Uint8Array(MAX_PAYLOAD_BYTES + 1)));
    expect(error.message).toContain('65527');
    limit('payload of a message').sees({ answers: [error.code] });
    expect(() => near.send({} as never)).toThrow(expect.objectContaining({ code: 'bad-option' }));
  });

  it('cannot send after end(), but can receive', async () => {
    const { near, far } = await openPair({ reliable });
    near.end();
    expect(() => near.send('x')).toThrow(expect.objectContaining({ code: 'not-open' }));
    far.send('still here');
    far.end();
    expect(await texts(near)).toEqual(['still here']);
  });

  it('has one reader at a time', async () => {
    const { near } = await openPair({ reliable });
    const iterator = near[Symbol.asyncIterator]();
    const refusal = expect.objectContaining({ code: 'bad-option' });
    expect(() => near[Symbol.asyncIterator]()).toThrow(refusal);
    expect(() => near.toDuplex()).toThrow(refusal);
    expect(() => {
      near.onmessage = () => {};
    }).toThrow(refusal);
    await iterator.return!();
    near.onmessage = () => {};
    expect(() => near[Symbol.asyncIterator]()).toThrow(refusal);
    near.onmessage = null;
    near[Symbol.asyncIterator]();
  });

  it('keeps what a loop that was left has not taken', async () => {
    const { near, far } = await openPair({ reliable });
    for (const text of ['1', '2', '3']) near.send(text);
    near.end();
    for await (const message of far) {
      expect(textOf(message)).toBe('1');
      break;
    }
    expect(await texts(far)).toEqual(['2', '3']);
    expect(await texts(far)).toEqual([]);
  });
});

describe('a reliable channel', () => {
  it('stops its sender when nobody reads, and goes on when somebody does', async () => {
    const { near, far } = await openPair({ reliable: true });
    const payload = new Uint8Array(60_000);
    const count = 100;
    for (let i = 0; i < count; i++) near.send(payload);
    // The window is 1 MiB, so at least this much cannot have left, however long one waits.
    expect(near.bufferedAmount).toBeGreaterThan(count * payload.length - 1024 * 1024 - payload.length);
    let received = 0;
    near.end();
    for await (const message of far) received += message.length;
    expect(received).toBe(count * payload.length);
    expect(near.bufferedAmount).toBe(0);
  });

  it('refuses to buffer more than 16 MiB, and nothing of it is lost', async () => {
    const { near, far } = await openPair({ reliable: true });
    const payload = new Uint8Array(MAX_PAYLOAD_BYTES);
    let sent = 0;
    const error = thrownBy(() => {
      for (;;) {
        near.send(payload);
        sent++;
      }
    });
    limit('what waits to be sent on a reliable channel').sees({ answers: [error.code] });
    expect(near.bufferedAmount).toBeLessThanOrEqual(16 * 1024 * 1024);
    near.end();
    let received = 0;
    for await (const _ of far) received++;
    expect(received).toBe(sent);
  });

  it('says when its buffer has run low', async () => {
    const { near, far } = await openPair({ reliable: true });
    near.bufferedAmountLowThreshold = 100_000;
    const low = next(near, 'bufferedamountlow');
    for (let i = 0; i < 50; i++) near.send(new Uint8Array(60_000));
    far.onmessage = () => {};
    await low;
    expect(near.bufferedAmount).toBeLessThanOrEqual(100_000);
    await near.drained();
  });

  it('resolves end() when the other application has consumed everything, not before', async () => {
    const { near, far, caller, callee } = await openPair({ reliable: true });
    near.send('a');
    near.send('b');
    let consumed = false;
    const ended = near.end().then(() => consumed);
    const messages = far[Symbol.asyncIterator]();
    await messages.next();
    await messages.next();
    // 'b' was handed out, but the loop has not asked for more: it is not known to be consumed.
    await openBetween(caller, callee);
    consumed = true;
    expect(await messages.next()).toEqual({ done: true, value: undefined });
    expect(await ended).toBe(true);
  });

  it('rejects end() when the other end closes without reading', async () => {
    const { near, far } = await openPair({ reliable: true });
    near.send('unread');
    const ended = near.end();
    far.close();
    await expect(ended).rejects.toMatchObject({ code: 'channel-closed', reason: 'closed' });
  });

  it('sends all that waits before it closes, also when both ends close', async () => {
    const { near, far } = await openPair({ reliable: true });
    for (const end of [near, far]) {
      for (let i = 0; i < 100; i++) end.send(new Uint8Array(60_000));
      end.close();
    }
    expect(await Promise.all([near.closed, far.closed])).toEqual(['closed', 'closed']);
  });

  it('throws from the loop when the other peer is gone before its end', async () => {
    const { near, far, caller } = await openPair({ reliable: true });
    near.send('only');
    const seen: string[] = [];
    const reading = (async () => {
      for await (const message of far) {
        seen.push(textOf(message));
        void caller.close();
      }
    })();
    await expect(reading).rejects.toMatchObject({ name: 'ChannelError', reason: 'peer-gone' });
    expect(seen).toEqual(['only']);
  });

  it('tells onerror, then onclose, that it was lost', async () => {
    const { far, caller } = await openPair({ reliable: true });
    const seen: string[] = [];
    far.onerror = ({ error }) => seen.push(`error ${error.code}`);
    const closed = new Promise<void>((resolve) => {
      far.onclose = ({ reason }) => {
        seen.push(`close ${reason}`);
        resolve();
      };
    });
    await caller.close();
    await closed;
    expect(seen).toEqual(['error channel-closed', 'close peer-gone']);
  });

  it('works with 249 others at the same time, beyond the large windows', async () => {
    const relay = await startRelay();
    const callee = await join(relay, {
      onchannel: ({ channel }) => {
        channel.onmessage = ({ data }) => channel.send(data);
        channel.onend = () => channel.end();
      },
    });
    const caller = await join(relay);
    const payload = new Uint8Array(MAX_PAYLOAD_BYTES);
    const channels = await Promise.all(
      Array.from({ length: 250 }, () => caller.open(callee.id, { reliable: true })),
    );
    const received = await Promise.all(
      channels.map(async (channel) => {
        for (let i = 0; i < 3; i++) channel.send(payload);
        channel.end();
        let bytes = 0;
        for await (const message of channel) bytes += message.length;
        return bytes;
      }),
    );
    expect(new Set(received)).toEqual(new Set([3 * payload.length]));
  });
});

describe('credit that is used up', () => {
  it('refuses one more reliable channel, and allows it again when one has closed', async () => {
    const relay = await startRelay({ limits: { sessionCreditBytes: 2 * 64 * 1024 } });
    const callee = await join(relay, { onchannel: () => {} });
    const caller = await join(relay);
    const first = await caller.open(callee.id, { reliable: true });
    await caller.open(callee.id, { reliable: true });
    const own = await caller.open(callee.id, { reliable: true }).catch((error: SupernodeError) => error);
    const others = await (await join(relay))
      .open(callee.id, { reliable: true })
      .catch((error: ChannelError) => error);
    limit("credit that it grants: a channel's window").sees({
      answers: [(own as SupernodeError).code, (others as ChannelError).reason],
    });
    first.close();
    await first.closed;
    await caller.open(callee.id, { reliable: true });
  });
});

describe('a realtime channel', () => {
  it('ends its loop quietly when the other peer is gone', async () => {
    const { near, far, caller } = await openPair();
    near.send('x');
    await near.end();
    await caller.close();
    expect(await texts(far)).toEqual(['x']);
    expect(await far.closed).toBe('peer-gone');
  });

  it('drops the oldest of what nobody reads, and counts it', async () => {
    const { near, far, caller, callee } = await openPair();
    const count = 40;
    for (let i = 0; i < count; i++) near.send(new Uint8Array(60_000).fill(i));
    await near.drained();
    near.end();
    await openBetween(caller, callee);
    const seen: number[] = [];
    for await (const message of far) seen.push(message[0]!);
    limit('realtime data that nobody reads').sees({ stats: { channel: { dropped: far.dropped } } });
    expect(seen).toEqual(
      Array.from({ length: count - far.dropped - near.dropped }, (_, i) => count - seen.length + i),
    );
  });

  it('sends what was accepted before the peer closes', async () => {
    const { near, far, caller } = await openPair();
    const count = 20;
    const received = texts(far);
    for (let i = 0; i < count; i++) near.send(String(i));
    await caller.close();
    expect(await received).toEqual(Array.from({ length: count }, (_, i) => String(i)));
  });
});
