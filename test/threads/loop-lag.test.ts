import { setTimeout as after } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { LoopLag } from '../../core/threads/loop-lag.ts';

const EVERY_MS = 100;
let lag: LoopLag;
afterEach(() => lag.stop());

test('is how late a sample is, beyond the millisecond of a timer', () => {
  lag = new LoopLag(EVERY_MS);
  lag.sample(1_000);
  expect([lag.meanUs, lag.lastMaxUs]).toEqual([0, 0]);
  lag.sample(1_100.9);
  expect([lag.meanUs, lag.lastMaxUs]).toEqual([0, 0]);
  lag.sample(1_231.9);
  expect([lag.meanUs, lag.lastMaxUs]).toEqual([30_000, 30_000]);
  lag.sample(1_331);
  expect([lag.meanUs, lag.lastMaxUs, lag.maxUs]).toEqual([0, 0, 30_000]);
});

test('keeps the most of the last ten to twenty seconds', () => {
  const start = performance.now();
  lag = new LoopLag(EVERY_MS);
  lag.sample(start);
  lag.sample(start + 151);
  for (let ms = 251; ms < 11_000; ms += EVERY_MS) lag.sample(start + ms);
  expect(lag.maxUs).toBe(50_000);
  for (let ms = 11_051; ms < 21_500; ms += EVERY_MS) lag.sample(start + ms);
  expect(lag.maxUs).toBe(0);
});

test('of a busy thread holds what happened between two samples', async () => {
  lag = new LoopLag(EVERY_MS);
  lag.sample(performance.now(), true);
  await after(30);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 150);
  await after(30);
  // As if the sample itself had come in time: only libuv has seen it.
  lag.sample(0);
  expect(lag.lastMaxUs).toBeGreaterThan(100_000);
});
