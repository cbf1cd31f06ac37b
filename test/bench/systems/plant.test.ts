import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterEach, expect, test, vi } from 'vitest';
import { plantedBy, plantOf } from '../../../bench/systems/plant.ts';
import { SYSTEMS } from '../../../bench/systems/systems.ts';
import { children } from './world.ts';

const VARIABLE = 'SUPERNODE_BENCH_PLANT';

afterEach(() => {
  vi.unstubAllEnvs();
});

test('a plant is read from its variable, and nothing is planted without', () => {
  expect(plantOf({})).toBeNull();
  expect(plantedBy({ [VARIABLE]: '' })).toBeNull();
  expect(plantOf({ [VARIABLE]: 'slow:10' })).toEqual({ kind: 'slow', percent: 10 });
  expect(plantOf({ [VARIABLE]: 'stall:100' })).toEqual({ kind: 'stall', stallMs: 100 });
  expect(plantedBy({ [VARIABLE]: 'slow:10' })).toMatch(/10% more/);
  expect(plantedBy({ [VARIABLE]: 'stall:100' })).toMatch(/100 ms/);
});

test('anything else is refused', () => {
  for (const nonsense of [
    'slow',
    'slow:',
    'slow:0',
    'slow:101',
    'slow:1.5',
    'stall:-1',
    'stall:1001',
    'slow:10 ',
    'x',
  ]) {
    expect(() => plantOf({ [VARIABLE]: nonsense }), nonsense).toThrow(`not "${nonsense}"`);
  }
});

test('a relay refuses to start with nonsense planted, in one sentence, and leaves no process', async () => {
  vi.stubEnv(VARIABLE, 'slow:please');
  const before = children();
  await expect(SYSTEMS.supernode.start({ core: null, shards: 1 })).rejects.toThrow(
    /SUPERNODE_BENCH_PLANT must be .*, not "slow:please"\.$/,
  );
  expect(children()).toEqual(before);
});

/** A thread as the relay's pools start theirs: with an `execArgv` of its own, so that NODE_OPTIONS counts. */
async function inThread(plant: string, code: string): Promise<unknown> {
  const { plant: preload } = (await import(
    new URL('../../../dist/bench/systems/plant.js', import.meta.url).href
  )) as typeof import('../../../bench/systems/plant.ts');
  const env = { [VARIABLE]: plant, NODE_OPTIONS: '' };
  preload(env);
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), {
    execArgv: [],
    env,
  });
  try {
    const [answer] = await once(worker, 'message', { signal: AbortSignal.timeout(15_000) });
    return answer;
  } finally {
    await worker.terminate();
  }
}

const TURNS = `
import { parentPort } from 'node:worker_threads';
import { performance } from 'node:perf_hooks';
const active = () => performance.eventLoopUtilization().active;
let turns = 0;
let inTurns = 0;
const from = active();
const turn = (given) => {
  if (given !== 'given') throw new Error('A turn lost its argument.');
  const start = active();
  while (active() < start + 5);
  inTurns += active() - start;
  if (++turns < 20) setImmediate(turn, 'given');
  else setImmediate(() => parentPort.postMessage((active() - from) / inTurns));
};
setImmediate(turn, 'given');
`;

test('a slowed thread is active longer than its turns take, by the share that was planted', async () => {
  // The thread counts both, so a busy machine changes neither much: 100% must be told from 0%, no more.
  expect(await inThread('slow:100', TURNS)).toBeGreaterThan(1.8);
  expect(await inThread('', TURNS)).toBeLessThan(1.5);
});

test('a stalled thread sleeps in its timer for as long as was planted', async () => {
  const stalls = `
    import { parentPort } from 'node:worker_threads';
    const wait = Atomics.wait;
    Atomics.wait = (array, at, value, ms) => {
      if (ms === 100) parentPort.postMessage(ms);
      return wait(array, at, value, Math.min(ms, 1));
    };
    setInterval(() => {}, 1000);
  `;
  expect(await inThread('stall:100', stalls)).toBe(100);
});
