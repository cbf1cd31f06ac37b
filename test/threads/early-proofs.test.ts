import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createEarlyProofs,
  EarlyProofs,
  turnEarlyProofs,
  EARLY_WINDOW_MS as WINDOW_MS,
} from '../../core/threads/early-proofs.ts';

/** As good as random, and the same in each run. */
const proofOf = (n: number): Uint8Array => new Uint8Array(createHash('sha256').update(String(n)).digest());

class World {
  now: number;
  readonly shared: SharedArrayBuffer;
  readonly proofs: EarlyProofs;

  constructor(now = 1_000_000) {
    this.now = now;
    this.shared = createEarlyProofs(now);
    this.proofs = new EarlyProofs(this.shared);
  }

  take(n: number, madeMs = this.now): boolean {
    return this.proofs.take(proofOf(n), madeMs, this.now);
  }

  turn(): void {
    turnEarlyProofs(this.shared, this.now);
  }
}

describe('early proofs', () => {
  test('are taken once, within the window around the moment when they were made', () => {
    const world = new World();
    expect([world.take(1), world.take(1), world.take(2)]).toEqual([true, false, true]);
    expect(world.take(3, world.now - WINDOW_MS)).toBe(true);
    expect(world.take(4, world.now + WINDOW_MS)).toBe(true);
    expect(world.take(5, world.now - WINDOW_MS - 0.1)).toBe(false);
    expect(world.take(6, world.now + WINDOW_MS + 0.1)).toBe(false);
    for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY, -1, 2 ** 48])
      expect(world.take(7, wrong)).toBe(false);
  });

  test('are not taken when nobody has made room for their time: a main thread that stands still lets nobody in twice', () => {
    const world = new World();
    const made = world.now;
    expect(world.take(1)).toBe(true);
    let latest = made;
    while (world.take(Math.round(world.now))) {
      latest = world.now;
      world.now += 500;
      // It would be for ever: the periods end.
      expect(world.now - made).toBeLessThan(10 * WINDOW_MS);
    }
    expect(latest - made).toBeGreaterThanOrEqual(2 * WINDOW_MS);
    expect(world.take(1, made)).toBe(false);
    world.turn();
    expect([world.take(2), world.take(2)]).toEqual([true, false]);
  });

  test('whatever is made, shown again and waited for, each is taken once at most, and every one that is new and in time', () => {
    const step = fc.oneof(
      fc.record({ fresh: fc.integer({ min: -12_000, max: 12_000 }) }),
      fc.record({ again: fc.nat(1_000) }),
      fc.record({ wait: fc.integer({ min: 0, max: 9_000 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), fc.integer({ min: 0, max: 2 ** 40 }), (steps, from) => {
        const world = new World(from + WINDOW_MS * 4);
        const made: { n: number; madeMs: number; taken: boolean }[] = [];
        for (const one of steps) {
          if ('wait' in one) {
            world.now += one.wait;
            // As the relay does, several times in a window.
            world.turn();
            continue;
          }
          const isFresh = 'fresh' in one;
          if (!isFresh && made.length === 0) continue;
          const entry = isFresh
            ? { n: made.length, madeMs: world.now + one.fresh, taken: false }
            : made[one.again % made.length]!;
          if (isFresh) made.push(entry);
          const inTime = Math.abs(world.now - entry.madeMs) <= WINDOW_MS;
          const taken = world.take(entry.n, entry.madeMs);
          expect(taken).toBe(inTime && !entry.taken);
          entry.taken ||= taken;
        }
      }),
    );
  });

  test('half a million in 20 s: all are refused the second time, and few of the new ones are taken for old', () => {
    const world = new World();
    const bytes = new Uint8Array(32);
    const view = new DataView(bytes.buffer);
    let state = 1;
    const random = (): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state;
    };
    const draw = (): Uint8Array => {
      // The low bits of such a generator are not random.
      for (let at = 0; at < 8; at++) view.setUint8(at, random() >>> 24);
      return bytes;
    };
    const count = (most: number): number => {
      let taken = 0;
      for (let n = 0; n < most; n++) if (world.proofs.take(draw(), world.now, world.now)) taken++;
      return taken;
    };
    const half = count(500_000);
    expect(500_000 - half).toBeLessThan(5_000);
    const second = count(500_000);
    expect(second).toBeGreaterThan(475_000);
    state = 1;
    expect(count(1_000_000)).toBe(0);
  });

  test('shown to four threads at the same moment, each is taken by one of them', async () => {
    const { shared, now: madeMs } = new World();
    const proofs = Array.from({ length: 20_000 }, (_, n) => proofOf(n));
    const start = new SharedArrayBuffer(4);
    const workers = Array.from(
      { length: 4 },
      () =>
        new Worker(new URL('../fixtures/early-taker.mjs', import.meta.url), {
          workerData: { shared, start, proofs, madeMs },
        }),
    );
    await Promise.all(workers.map((worker) => once(worker, 'message')));
    const answers = Promise.all(workers.map((worker) => once(worker, 'message')));
    new Int32Array(start)[0] = 1;
    Atomics.notify(new Int32Array(start), 0);
    const each = (await answers).map(([taken]) => taken as boolean[]);
    let never = 0;
    for (let n = 0; n < proofs.length; n++) {
      const times = each.filter((taken) => taken[n]).length;
      expect(times).toBeLessThanOrEqual(1);
      if (times === 0) never++;
    }
    // Those that the filter takes for others.
    expect(never).toBeLessThan(20);
  });
});
