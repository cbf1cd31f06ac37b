import { createHash, createHmac } from 'node:crypto';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { type Channel, connect, createRelay } from 'supernode';
import { describe, expect, it } from 'vitest';
import { makeCertificate } from '../fixtures/certificate.ts';

const MiB = 1024 * 1024;
/** The long form moves a gibibyte. */
const BYTES = process.env['SUPERNODE_SOAK'] ? 1024 * MiB : 48 * MiB;
const SEED = 20_071_216;

/** Numbers in [0, 1) that are the same in every run. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** `bytes` bytes that do not repeat, in chunks of random sizes. */
function* content(bytes: number): Generator<Buffer> {
  const random = randomFrom(SEED);
  const block = Buffer.alloc(MiB);
  for (let at = 0; at < MiB; at += 32) {
    createHmac('sha256', 'content').update(String(at)).digest().copy(block, at);
  }
  for (let left = bytes, round = 0; left > 0; round++) {
    const chunk = Buffer.from(block.subarray(0, Math.min(left, 1 + Math.floor(random() * MiB))));
    if (chunk.length >= 4) chunk.writeUInt32LE(round);
    left -= chunk.length;
    yield chunk;
  }
}

const { key, cert } = await makeCertificate();

/** TLS as well: there a relay that writes to one socket while it reads another breaks connections. */
describe.each([
  { shards: 1, tls: false },
  { shards: 2, tls: false },
  { shards: 4, tls: false },
  { shards: 1, tls: true },
  { shards: 2, tls: true },
])('a reliable channel over $shards shard(s), TLS: $tls', ({ shards, tls }) => {
  it('delivers every byte to a receiver that pauses at random, and its sender waits', async () => {
    await using relay = await createRelay({ port: 0, shards, ...(tls ? { tls: { key, cert } } : {}) });
    await using receiver = await connect(relay.url, { ca: cert });
    await using sender = await connect(relay.url, { ca: cert });

    const random = randomFrom(SEED + shards);
    const received = createHash('sha256');
    let bytes = 0;
    let queuedMost = 0;
    const arrived = new Promise<void>((resolve, reject) => {
      receiver.onchannel = ({ channel }: { channel: Channel }) => {
        const sink = new Writable({
          write(chunk: Buffer, _encoding, done) {
            received.update(chunk);
            bytes += chunk.length;
            queuedMost = Math.max(queuedMost, relay.stats().pressure.queuedBytes);
            if (random() < 0.01) void pause(random() * 50).then(() => done());
            else done();
          },
        });
        const stream = channel.toDuplex();
        stream.end();
        pipeline(stream, sink).then(resolve, reject);
      };
    });

    const sent = createHash('sha256');
    const channel = await sender.open(receiver.id, { reliable: true });
    const stream = channel.toDuplex();
    stream.resume();
    const source = Readable.from(content(BYTES));
    source.on('data', (chunk: Buffer) => sent.update(chunk));
    await pipeline(source, stream);
    await arrived;

    expect(bytes).toBe(BYTES);
    expect(received.digest('hex')).toBe(sent.digest('hex'));
    expect(relay.stats().faults).toBe(0);
    // One channel's credit bounds what the relay may hold for the receiver.
    expect(queuedMost).toBeLessThanOrEqual(4 * MiB);
  });
});
