import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { describe, expect, test, vi } from 'vitest';
import { allowedCoresOf } from '../../../bench/machine/read-system.ts';
import { microBenchmarks } from '../../../bench/suites/catalogue.ts';
import { MICRO_SUITES } from '../../../bench/suites/suite.ts';
import { childProcesses } from '../machine/child-processes.ts';
import { built } from './built.ts';

// Before the suites are read: signing a million records would take minutes, a table of a million peers ten seconds.
vi.hoisted(() => {
  process.env['SUPERNODE_BENCH_RECORDS'] = '1000';
  process.env['SUPERNODE_BENCH_PEERS'] = '1000';
});

const { runMicroRound } =
  await built<typeof import('../../../bench/suites/run-micro.ts')>('bench/suites/run-micro');
const cores =
  process.platform === 'linux' ? (allowedCoresOf(readFileSync('/proc/self/status', 'utf8')) ?? []) : [];

describe('a micro round', () => {
  test('measures every task that is listed, and leaves no process behind', async () => {
    const before = childProcesses();
    const two = cores.length >= 2;
    const { samples } = await runMicroRound({
      suites: MICRO_SUITES,
      core: two ? cores[0]! : null,
      loadCore: two ? cores[1]! : null,
      passMs: 1,
      passes: 1,
    });
    const listed = microBenchmarks();
    expect(samples.map(({ benchmark }) => benchmark)).toEqual(listed.map(({ benchmark }) => benchmark));
    expect(samples.map(({ parameters }) => parameters)).toEqual(listed.map(({ parameters }) => parameters));
    for (const { benchmark, nsPerOp, operations } of samples) {
      expect(nsPerOp, benchmark).toBeGreaterThan(0);
      expect(nsPerOp, benchmark).toBeLessThan(Number.POSITIVE_INFINITY);
      expect(operations, benchmark).toBeGreaterThan(0);
    }
    expect(childProcesses()).toEqual(before);
  });

  test('lists each benchmark once, under the suite that it is of', () => {
    const listed = microBenchmarks();
    expect(new Set(listed.map(({ benchmark }) => benchmark)).size).toBe(listed.length);
    expect(new Set(listed.map(({ suite }) => suite))).toEqual(new Set(MICRO_SUITES));
    for (const { benchmark, suite } of listed) expect(benchmark.startsWith(`${suite}/`)).toBe(true);
    expect(microBenchmarks(['login']).every(({ suite }) => suite === 'login')).toBe(true);
  });

  test('names the suites that there are when it is asked for another', async () => {
    const sentence =
      'There is no micro suite "frames"; there are: frame, ring, presence, outbox, login, presence-million, directory, directory-million, relay-throughput, relay-latency.';
    expect(() => microBenchmarks(['frames'])).toThrow(sentence);
    await expect(runMicroRound({ suites: ['frames' as never], core: null, loadCore: null })).rejects.toThrow(
      sentence,
    );
  });
});

test.runIf(cores.length >= 2)('a second thread pins itself and not the one that started it', async () => {
  const core = cores.at(-1)!;
  const module = JSON.stringify(new URL('../../../dist/bench/suites/pin-thread.js', import.meta.url).href);
  const worker = new Worker(
    `import(${module}).then(({ pinThisThread }) => {
      const pinned = pinThisThread(${core});
      const status = require('node:fs').readFileSync('/proc/thread-self/status', 'utf8');
      require('node:worker_threads').parentPort.postMessage({ pinned, status });
    });`,
    { eval: true, execArgv: [] },
  );
  const { pinned, status } = await new Promise<{ pinned: boolean; status: string }>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  await worker.terminate();
  expect(pinned).toBe(true);
  expect(allowedCoresOf(status)).toEqual([core]);
  expect(allowedCoresOf(readFileSync('/proc/thread-self/status', 'utf8'))).toEqual(cores);
});
