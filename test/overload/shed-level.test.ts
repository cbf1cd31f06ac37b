import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ShedLevel } from '../../core/overload/shed-level.ts';
import { prng } from '../fixtures/prng.ts';

/** Requests of `classes` classes, `asked` a second, at a service that does `capacity` a second, for `seconds`. */
function run(level: ShedLevel, from: number, seconds: number, asked: number, capacity: number) {
  const source = prng(7);
  const random = () => source.below(1e6) / 1e6;
  const admitted = new Map<number, number>();
  let queued = 0;
  for (let ms = 0; ms < seconds * 1_000; ms++) {
    const now = from + ms;
    for (let k = 0; k < asked / 1_000; k++) {
      const priority = Math.floor(random() * 5);
      if (!level.admits(priority, random(), now)) continue;
      queued++;
      if (ms >= (seconds - 5) * 1_000) admitted.set(priority, (admitted.get(priority) ?? 0) + 1);
    }
    for (let k = 0; k < capacity / 1_000 && queued > 0; k++) {
      level.waited((queued / capacity) * 1_000, now);
      queued--;
    }
  }
  const share = (priority: number) => (admitted.get(priority) ?? 0) / (asked * 5 * 0.2);
  return { queuedMs: (queued / capacity) * 1_000, share };
}

describe('a shed level', () => {
  it('sheds the least important classes, and no more of them than it must', () => {
    const level = new ShedLevel();
    const { share, queuedMs } = run(level, 0, 60, 10_000, 6_000);
    expect([share(0), share(1)].every((admitted) => admitted > 0.97)).toBe(true);
    expect(share(4)).toBeLessThan(0.1);
    const all = [0, 1, 2, 3, 4].reduce((sum, priority) => sum + share(priority), 0) / 5;
    expect(all).toBeGreaterThan(0.5);
    expect(all).toBeLessThan(0.65);
    expect(queuedMs).toBeLessThan(200);
  });

  it('admits all again when the load is gone', () => {
    const level = new ShedLevel();
    run(level, 0, 30, 10_000, 4_000);
    expect(level.level).toBeLessThan(0.7);
    run(level, 30_000, 300, 2_000, 4_000);
    expect(level.level).toBe(1);
  });

  it('lowers by 5% and recovers by 1%, never below nothing and never for ever', () => {
    const step = fc.record({ priority: fc.nat(4), lot: fc.double({ min: 0, max: 0.999, noNaN: true }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), fc.nat(60), (steps, waitMs) => {
        const level = new ShedLevel({ windowRequests: 1e9 });
        let now = 0;
        let before = level.level;
        for (const { priority, lot } of steps) {
          now += 10;
          const open = level.admits(priority, lot, now);
          expect(open).toBe(priority + Math.floor(lot * 128) / 128 < level.level * 5);
          if (open) level.waited(waitMs, now);
          if (waitMs <= 20) expect(level.level).toBeGreaterThanOrEqual(before);
          before = level.level;
          expect(before).toBeGreaterThanOrEqual(0);
          expect(before).toBeLessThanOrEqual(1);
        }
        for (let k = 0; k < 1_000; k++) level.admits(4, 0.999, now + (k + 1) * 1_001);
        expect(level.level).toBe(1);
      }),
    );
  });
});
