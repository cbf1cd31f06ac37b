import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { createRing, RingConsumer } from '../../core/threads/ring.ts';
import { runSeed } from '../fixtures/prng.ts';

const WRITER = new URL('../fixtures/ring-writer.mjs', import.meta.url);

test.each([
  { capacity: 1024, most: 480, records: 40_000 },
  { capacity: 64 * 1024, most: 3_000, records: 200_000 },
])('a ring of $capacity bytes carries $records records from one thread to another', async (size) => {
  const { capacity, most, records } = size;
  const seed = runSeed();
  const ring = createRing(capacity);
  const writer = new Worker(WRITER, { workerData: { ring, records, seed, most } });
  let failure: unknown = null;
  writer.on('error', (error) => {
    failure = error;
  });
  const exited = once(writer, 'exit');
  const consumer = new RingConsumer(ring);
  let read = 0;
  let wrong = 0;
  while (read < records && wrong === 0 && failure === null) {
    consumer.drain((kind, count, bytes, start, end) => {
      if (kind !== (read % 3) + 1 || count !== (read & 0xfffff)) wrong++;
      for (let i = start; i < end; i++) if (bytes[i] !== ((read + (i - start) * 13) & 0xff)) wrong++;
      read++;
    });
    // Gives the writer's thread its core, and lets `error` come.
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (wrong > 0) await writer.terminate();
  await exited;
  expect({ failure, wrong, read, ready: consumer.ready }, `seed ${seed}`).toEqual({
    failure: null,
    wrong: 0,
    read: records,
    ready: false,
  });
});
