import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { Listening } from '../../core/relay/listening.ts';
import { probePort } from '../../core/relay/port.ts';
import type { ToShard } from '../../core/threads/messages.ts';

const HOST = '127.0.0.1';

/** Shards that say what a test has them say when they are told to listen, and what they were told. */
function world(shards: number, says: (port: number, shard: number) => boolean | Error) {
  const told: (ToShard & { shard: number })[] = [];
  const listening = new Listening({
    shards,
    // Shards listen with TLS on every system.
    tls: true,
    tell: (shard, message) => {
      told.push({ ...message, shard });
      if (message.kind !== 'listen') return;
      const answer = says(message.port, shard);
      queueMicrotask(() => (answer instanceof Error ? listening.failed(answer) : listening.heard(answer)));
    },
  });
  return { listening, told };
}

describe.each([1, 3])('%i shards that listen by themselves', (shards) => {
  test('listen on the port that was found; one alone shares it with nobody', async () => {
    const { listening, told } = world(shards, () => true);
    const found = await probePort(HOST, 0);
    expect(await listening.open(HOST, 0, found, [])).toBe(found);
    expect(told).toEqual(
      Array.from({ length: shards }, (_, shard) => ({
        ...{ kind: 'listen', host: HOST, port: found, alone: shards === 1, shard },
      })),
    );
  });

  test('all go to another port when one of them did not get the one that was found', async () => {
    const found = await probePort(HOST, 0);
    const { listening, told } = world(shards, (port, shard) => port !== found || shard !== shards - 1);
    const port = await listening.open(HOST, 0, found, []);
    expect(port).not.toBe(found);
    const stopped = told.filter(({ kind }) => kind === 'stop-listening').map(({ shard }) => shard);
    expect(stopped).toEqual(Array.from({ length: shards }, (_, shard) => shard));
  });

  test('give up a port that was named, and say who has it', async () => {
    const taken = createServer().listen(0, HOST);
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as { port: number };
    const { listening } = world(shards, () => false);
    await expect(listening.open(HOST, port, port, [])).rejects.toMatchObject({ code: 'address-in-use' });
    taken.close();
  });

  test('are not waited for when one of them ends', async () => {
    const { listening } = world(shards, (_, shard) => (shard === 0 ? new Error('ended') : true));
    const port = await probePort(HOST, 0);
    await expect(listening.open(HOST, port, port, [])).rejects.toThrow('ended');
  });
});
