/**
 * Preloaded into the worker threads of a relay with a plant. It does not tell shards from the directory's threads: a
 * directory thread runs no turns with setImmediate, and a stall of it delays no packet.
 */
import { performance } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';
import { plantOf, STALL_PERIOD_MS } from './plant.ts';

/**
 * After each turn, burns a share of the time that the thread was active since the last one. A shard's turn is a
 * setImmediate callback that follows the sockets' callbacks, so that time holds both, and the system calls of both.
 */
function slowDown(share: number): void {
  const plain = globalThis.setImmediate;
  /** Active time of this thread, less what was burnt, up to the last turn. */
  let lastActiveMs = 0;
  const burn = (): void => {
    // What this function itself takes is part of the burn.
    const from = performance.now();
    const { active } = performance.eventLoopUtilization();
    const until = from + (active - lastActiveMs) * share;
    while (performance.now() < until);
    lastActiveMs = active + performance.now() - from;
  };
  const slow = <T extends unknown[]>(callback: (...args: T) => void, ...args: T): NodeJS.Immediate =>
    plain(() => {
      callback(...args);
      burn();
    });
  globalThis.setImmediate = Object.assign(slow, {
    __promisify__: plain.__promisify__,
  }) as typeof globalThis.setImmediate;
}

/** Asleep, not busy: a stall that costs CPU time would show in the other figures too. */
function stall(stallMs: number): void {
  const never = new Int32Array(new SharedArrayBuffer(4));
  setInterval(() => Atomics.wait(never, 0, 0, stallMs), STALL_PERIOD_MS).unref();
}

const planted = isMainThread ? null : plantOf(process.env);
if (planted?.kind === 'slow') slowDown(planted.percent / 100);
if (planted?.kind === 'stall') stall(planted.stallMs);
