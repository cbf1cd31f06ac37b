import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { createPresence, type Place, PresenceTable } from '../../core/threads/presence.ts';
import { prng, runSeed } from '../fixtures/prng.ts';

const WRITER = new URL('../fixtures/presence-writer.mjs', import.meta.url);
const WRITERS = 3;
const KEYS = 40;
const nowhere: Place = { shard: -1, slot: -1, generation: -1, flags: -1 };

function key(number: number): Uint8Array {
  const bytes = new Uint8Array(32);
  new DataView(bytes.buffer).setUint32(0, Math.imul(number, 2654435761));
  new DataView(bytes.buffer).setUint32(28, number);
  return bytes;
}

test('three threads write and a fourth reads: no torn place, no wrong one, no constant peer missed', async () => {
  const seed = runSeed();
  const random = prng(seed);
  // Small, so that probes are long and removals move entries about: 16 constant and 24 that come and go, of 48.
  const memory = createPresence(48, random.bytes(32));
  const table = new PresenceTable(memory);
  const constant = Array.from({ length: 16 }, (_, number) => number);
  for (const number of constant) {
    table.claim(
      key(number),
      { shard: 40, slot: number, generation: 7, flags: number & 1 },
      { shard: 0, slot: 0, generation: 0, flags: 0 },
    );
  }
  const problems: string[] = [];
  let running = WRITERS;
  const exits = Array.from({ length: WRITERS }, (_, shard) => {
    const own = Array.from({ length: 4 }, (_, i) => 16 + shard * 4 + i);
    const shared = Array.from({ length: 12 }, (_, i) => 28 + i);
    const writer = new Worker(WRITER, {
      workerData: { table: memory, shard, own, shared, rounds: 150_000, seed: random.below(0x7fff_ffff) },
    });
    writer.on('message', (found: string[]) => problems.push(...found.slice(0, 5)));
    writer.on('error', (error) => problems.push(String(error)));
    return once(writer, 'exit').then(() => running--);
  });
  const found: Place = { shard: 0, slot: 0, generation: 0, flags: 0 };
  let looks = 0;
  let hits = 0;
  while (running > 0 && problems.length === 0) {
    for (let i = 0; i < 2_000; i++, looks++) {
      const number = random.below(KEYS + 8);
      const here = table.find(key(number), found);
      if (number < 16 && !here) problems.push(`the constant peer ${number} was missed`);
      if (number >= KEYS && here) problems.push(`peer ${number}, who never came, was found`);
      if (!here) continue;
      hits++;
      const right = number < 16 ? found.shard === 40 && found.generation === 7 : found.shard < WRITERS;
      if (!right || found.slot !== number || (found.flags & 1) !== (number & 1))
        problems.push(`peer ${number} was found at ${JSON.stringify(found)}`);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(exits);
  expect(problems, `seed ${seed}`).toEqual([]);
  expect(looks).toBeGreaterThan(hits);
  expect(hits).toBeGreaterThan(0);
  // What the writers shared may have been left by the one that was replaced last; nothing else is left.
  for (let number = 16; number < 28; number++) expect(table.find(key(number), found)).toBe(false);
  for (const number of constant) expect(table.find(key(number), found)).toBe(true);
});

test('a peer that removals move about is found all the time, at its place of that time', async () => {
  const mover = new URL('../fixtures/presence-mover.mjs', import.meta.url);
  const seed = new Uint8Array(32).fill(5);
  /** The bucket where a key stands when it is alone. */
  const homeOf = (number: number): number => {
    const memory = createPresence(8, seed);
    new PresenceTable(memory).claim(
      key(number),
      { shard: 0, slot: 0, generation: 0, flags: 0 },
      { ...nowhere },
    );
    const words = new Int32Array(memory);
    return Array.from({ length: 16 }, (_, bucket) => bucket).find((b) => words[16 + b * 12 + 1] !== 0)!;
  };
  const neighbours: Uint8Array[] = [];
  for (let number = 0; neighbours.length < 8; number++)
    if (homeOf(number) === 13) neighbours.push(key(number));
  const memory = createPresence(8, seed);
  const table = new PresenceTable(memory);
  const state = new SharedArrayBuffer(4);
  const flag = new Int32Array(state);
  const wanted = neighbours.pop()!;
  const writer = new Worker(mover, {
    workerData: { table: memory, others: neighbours, key: wanted, rounds: 60_000, state },
  });
  const exited = once(writer, 'exit');
  const found = { ...nowhere };
  let checked = 0;
  let missed = 0;
  let wrong = 0;
  while (Atomics.load(flag, 0) >= 0) {
    for (let i = 0; i < 2_000; i++) {
      const round = Atomics.load(flag, 0);
      const here = table.find(wanted, found);
      if (round <= 0 || Atomics.load(flag, 0) !== round) continue;
      checked++;
      if (!here) missed++;
      else if (found.shard !== 2 || found.slot !== 3 || found.generation !== round) wrong++;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  await exited;
  expect({ missed, wrong }).toEqual({ missed: 0, wrong: 0 });
  expect(checked).toBeGreaterThan(0);
});
