import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RetryBudget } from '../../core/overload/retry-budget.ts';

describe('a retry budget', () => {
  it('allows some tries again to who asked nothing yet, and one more for every five requests', () => {
    const budget = new RetryBudget({ perSec: 1 });
    expect(Array.from({ length: 12 }, () => budget.mayRetry(0))).toEqual([
      ...Array(10).fill(true),
      false,
      false,
    ]);
    for (let k = 0; k < 5; k++) {
      expect(budget.mayRetry(0)).toBe(false);
      budget.request(0);
    }
    expect(budget.mayRetry(0)).toBe(true);
    expect(budget.mayRetry(0)).toBe(false);
  });

  it('forgets what is older than its window', () => {
    const budget = new RetryBudget({ perSec: 0, share: 1 });
    budget.request(0);
    expect(budget.mayRetry(10_000)).toBe(false);
    budget.request(10_000);
    expect(budget.mayRetry(19_999)).toBe(true);
  });

  it('never allows more in a window than its share and its reserve', () => {
    const steps = fc.array(fc.tuple(fc.nat(700), fc.boolean()), { maxLength: 400 });
    fc.assert(
      fc.property(steps, (taken) => {
        const budget = new RetryBudget({ share: 0.2, perSec: 2, windowMs: 10_000 });
        const requests: number[] = [];
        const retries: number[] = [];
        let now = 0;
        for (const [stepMs, isRetry] of taken) {
          now += stepMs;
          const within = (list: number[], ms: number) => list.filter((at) => at > now - ms).length;
          if (!isRetry) {
            budget.request(now);
            requests.push(now);
          } else if (budget.mayRetry(now)) {
            retries.push(now);
            // What a slot of time holds may be up to one slot older or younger than the window.
            expect(within(retries, 9_000)).toBeLessThanOrEqual(
              20 + 0.2 * within(requests, 20_000) + within(retries, 20_000) - within(retries, 9_000),
            );
          } else expect(within(retries, 10_000) + 1).toBeGreaterThan(20 + 0.2 * within(requests, 9_000));
        }
      }),
    );
  });
});
