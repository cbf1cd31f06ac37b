import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Capacity } from '../../core/overload/capacity.ts';

describe('measured capacity', () => {
  it('is what was done in the time that there was work, however long there was none', () => {
    const rate = fc.integer({ min: 10, max: 5_000 });
    const pauses = fc.array(fc.nat(100_000), { minLength: 60, maxLength: 80 });
    fc.assert(
      fc.property(rate, pauses, (perSec, idle) => {
        const capacity = new Capacity({ initialPerSec: 1_000 });
        let now = 0;
        for (const pauseMs of idle) {
          capacity.started(now);
          now += 500;
          capacity.served(perSec / 2, now);
          capacity.stopped(now);
          now += pauseMs;
        }
        // 30 s of it: the first guess weighs next to nothing, and the steps are half a second each.
        expect(capacity.perSec / perSec).toBeGreaterThan(0.9);
        expect(capacity.perSec / perSec).toBeLessThan(1.1);
      }),
    );
  });

  it('is the guess until something was measured, and follows a change within seconds', () => {
    const capacity = new Capacity({ initialPerSec: 300 });
    expect(capacity.perSec).toBe(300);
    capacity.started(0);
    for (let now = 10; now <= 10_000; now += 10) capacity.served(10, now);
    expect(capacity.perSec).toBeCloseTo(1_000, -2);
    for (let now = 10_010; now <= 20_000; now += 10) capacity.served(1, now);
    expect(capacity.perSec).toBeLessThan(150);
  });

  it('is never nothing', () => {
    const capacity = new Capacity({ initialPerSec: 300, leastPerSec: 5 });
    capacity.started(0);
    capacity.stopped(1e9);
    expect(capacity.perSec).toBe(5);
  });
});
