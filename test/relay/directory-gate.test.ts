import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { createTaskGate, TaskGate } from '../../core/threads/task-gate.ts';
import { until } from '../fixtures/until.ts';

describe('the gate before the tasks of the directory', () => {
  test('lets tasks in until it is closed, and is idle when all have left', () => {
    const words = createTaskGate();
    const [worker, main] = [new TaskGate(words), new TaskGate(words)];
    expect(main.waitUntilIdle(0)).toBe(true);
    expect([worker.enter(), worker.enter()]).toEqual([true, true]);
    main.close();
    expect(worker.enter()).toBe(false);
    worker.leave();
    expect(main.waitUntilIdle(0)).toBe(false);
    worker.leave();
    expect(main.waitUntilIdle(0)).toBe(true);
    expect(worker.enter()).toBe(false);
    expect(main.waitUntilIdle(0)).toBe(true);
  });

  test('keeps the thread that closes it until another has left', async () => {
    const words = createTaskGate();
    const said = new Int32Array(new SharedArrayBuffer(4));
    const gate = new TaskGate(words);
    expect(gate.enter()).toBe(true);
    const script = `
      const { workerData: { words, said } } = require('node:worker_threads');
      import(${JSON.stringify(new URL('../../dist/core/threads/task-gate.js', import.meta.url).href)}).then(({ TaskGate }) => {
        const gate = new TaskGate(words);
        gate.close();
        Atomics.store(said, 0, 1);
        Atomics.store(said, 0, gate.waitUntilIdle(10_000) ? 2 : 3);
      });`;
    const thread = new Worker(script, { eval: true, workerData: { words, said } });
    await until('the other thread has closed it', () => Atomics.load(said, 0) > 0);
    expect(gate.enter()).toBe(false);
    expect(Atomics.load(said, 0)).toBe(1);
    gate.leave();
    await until('the other thread goes on', () => Atomics.load(said, 0) > 1);
    expect(Atomics.load(said, 0)).toBe(2);
    await thread.terminate();
  });
});
