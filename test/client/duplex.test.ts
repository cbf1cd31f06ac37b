import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type Duplex, PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describe, expect, it } from 'vitest';
import { openBetween, openPair } from './peers.ts';

/** Not for-await, nor stream/consumers: they destroy a duplex at its end, also when its writing goes on. */
async function contentOf(stream: Duplex): Promise<Buffer> {
  const parts: Buffer[] = [];
  stream.on('data', (part: Buffer) => parts.push(part));
  await once(stream, 'end');
  return Buffer.concat(parts);
}

/** Ends what `b` has to say, so both streams close in order. */
async function finish(a: Duplex, b: Duplex): Promise<void> {
  const closed = Promise.all([once(a, 'close'), once(b, 'close')]);
  a.resume();
  b.end();
  await closed;
}

describe('a duplex of a reliable channel', () => {
  it('carries bytes of any size of chunk both ways, and closes when both ends have ended', async () => {
    const { near, far } = await openPair({ reliable: true });
    const [a, b] = [near.toDuplex(), far.toDuplex()];
    const there = randomBytes(3_000_000);
    const back = randomBytes(700_000);
    a.write(there.subarray(0, 1));
    a.write(there.subarray(1, 2_500_000));
    a.end(there.subarray(2_500_000));
    b.end(back);
    const [gotThere, gotBack] = await Promise.all([contentOf(b), contentOf(a)]);
    expect(gotThere.equals(there)).toBe(true);
    expect(gotBack.equals(back)).toBe(true);
    expect(await Promise.all([near.closed, far.closed])).toEqual(['closed', 'closed']);
  });

  it('stops the writer while the reader does not read', async () => {
    const { near, far, caller, callee } = await openPair({ reliable: true });
    const [a, b] = [near.toDuplex(), far.toDuplex()];
    const bytes = 32 * 1024 * 1024;
    let taken = false;
    a.write(Buffer.alloc(bytes, 1), () => {
      taken = true;
    });
    a.end();
    // Each offer and its answer go behind what was sent, so by then everything that could move has moved.
    for (let i = 0; i < 10; i++) await openBetween(caller, callee);
    expect(taken).toBe(false);
    expect(near.bufferedAmount).toBeLessThan(512 * 1024);
    expect((await contentOf(b)).length).toBe(bytes);
    expect(taken).toBe(true);
    await finish(a, b);
  });

  it('loses nothing in a pipeline whose reader pauses', async () => {
    const { near, far } = await openPair({ reliable: true });
    const sent = createHash('sha256');
    const received = createHash('sha256');
    const blocks = Array.from({ length: 64 }, (_, i) => randomBytes(100_000 + i));
    const sending = pipeline(
      Readable.from(blocks),
      async function* (source) {
        for await (const block of source) {
          sent.update(block);
          yield block;
        }
      },
      near.toDuplex(),
    ).catch((error: Error) => error);
    const slow = new PassThrough({ highWaterMark: 1024 });
    const receiving = pipeline(far.toDuplex(), slow);
    let count = 0;
    for await (const part of slow) {
      received.update(part);
      if (++count % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await receiving.catch(() => {});
    near.close();
    far.close();
    await sending;
    expect(received.digest('hex')).toBe(sent.digest('hex'));
  });

  it('finishes only when the other application has come to the end', async () => {
    const { near, far, caller, callee } = await openPair({ reliable: true });
    const [a, b] = [near.toDuplex(), far.toDuplex()];
    let read = false;
    const finished = once(a, 'finish').then(() => read);
    a.end('data');
    // Offer and accept go behind the data and the end, so both have arrived when this channel is open.
    await openBetween(caller, callee);
    read = true;
    expect(String(await contentOf(b))).toBe('data');
    expect(await finished).toBe(true);
    await finish(a, b);
  });

  it('is destroyed with a ChannelError when the other peer goes in the middle', async () => {
    const { near, far, caller } = await openPair({ reliable: true });
    const stream = far.toDuplex();
    const failed = once(stream, 'error');
    near.send('half of it');
    await caller.close();
    stream.resume();
    const [error] = await failed;
    expect(error).toMatchObject({ name: 'ChannelError', reason: 'peer-gone' });
  });

  it('is destroyed with a ChannelError when the other end closes before it ended', async () => {
    const { near, far } = await openPair({ reliable: true });
    const stream = far.toDuplex();
    const failed = once(stream, 'error');
    stream.resume();
    near.close();
    const [error] = await failed;
    expect(error).toMatchObject({ name: 'ChannelError', reason: 'closed' });
  });

  it('fails the write that waits when the channel is lost', async () => {
    const { near, caller, relay } = await openPair({ reliable: true });
    const stream = near.toDuplex();
    const failed = once(stream, 'error');
    const writing = new Promise((resolve) => stream.write(Buffer.alloc(8_000_000), resolve));
    relay.sessionOf(caller.id).socket.terminate();
    const [error] = await failed;
    expect(error).toMatchObject({ code: 'channel-closed' });
    expect(await writing).toBeInstanceOf(Error);
  });

  it('closes the channel at once when it is destroyed', async () => {
    const { near, far } = await openPair({ reliable: true });
    const stream = near.toDuplex();
    stream.write(Buffer.alloc(8_000_000));
    stream.destroy();
    expect(await far.closed).toBe('closed');
    expect(await near.closed).toBe('closed');
  });

  it('is destroyed without an error when its own peer is closed', async () => {
    const { near, caller } = await openPair({ reliable: true });
    const stream = near.toDuplex();
    const closed = once(stream, 'close');
    const writing = new Promise((resolve) => stream.write(Buffer.alloc(8_000_000), resolve));
    await caller.close();
    // Rejects if the stream emits an error.
    await closed;
    expect(await writing).toBeInstanceOf(Error);
  });

  it('can be made of a channel that has ended, and gives what it had received', async () => {
    const { near, far } = await openPair({ reliable: true });
    near.send('late');
    near.close();
    await far.closed;
    const stream = far.toDuplex();
    const seen: string[] = [];
    stream.on('data', (part) => seen.push(String(part)));
    const [error] = await once(stream, 'error');
    expect(seen).toEqual(['late']);
    expect(error).toMatchObject({ reason: 'closed' });
  });
});
