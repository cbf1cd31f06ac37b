import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TokenBucket } from '../../core/overload/token-bucket.ts';

/** The same by another way: every millisecond brings its tokens, one after the other, in thousandths. */
class Model {
  readonly #burst: number;
  readonly #perSec: number;
  #thousandths: number;
  #at: number;

  constructor(burst: number, perSec: number, now: number) {
    this.#burst = burst * 1_000;
    this.#perSec = perSec;
    this.#thousandths = this.#burst;
    this.#at = now;
  }

  /** For whole milliseconds and rates: exact. */
  takeMany(n: number, now: number): number {
    this.#pass(now);
    const needed = Math.min(n * 1_000, this.#burst);
    if (this.#thousandths < needed) return Math.ceil((needed - this.#thousandths) / this.#perSec);
    this.#thousandths -= n * 1_000;
    return 0;
  }

  get tokens(): number {
    return this.#thousandths / 1_000;
  }

  #pass(now: number): void {
    for (let at = this.#at; at < now && this.#thousandths < this.#burst; at++) {
      this.#thousandths = Math.min(this.#burst, this.#thousandths + this.#perSec);
    }
    this.#at = now;
  }
}

const bucket = { burst: fc.integer({ min: 1, max: 500 }), perSec: fc.integer({ min: 1, max: 5_000 }) };
/** Takes of n after a step of the clock; now and then it jumps far, either way. */
const takes = fc.array(
  fc.record({
    n: fc.integer({ min: 1, max: 700 }),
    stepMs: fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: 0, max: 300 }) },
      { weight: 1, arbitrary: fc.integer({ min: -100_000_000, max: 100_000_000 }) },
    ),
  }),
  { maxLength: 60 },
);

describe('TokenBucket', () => {
  it('does what a model does that counts every millisecond, whatever the clock does', () => {
    fc.assert(
      fc.property(fc.record(bucket), takes, ({ burst, perSec }, steps) => {
        let now = 0;
        const real = new TokenBucket(burst, perSec, now);
        const model = new Model(burst, perSec, now);
        for (const { n, stepMs } of steps) {
          now += stepMs;
          expect(real.takeMany(n, now)).toBe(model.takeMany(n, now));
          expect(real.level(now)).toBeCloseTo(model.tokens, 6);
        }
      }),
    );
  });

  it('gives to who waited as long as it was told, and not a millisecond earlier', () => {
    const rate = fc.double({ min: 0.01, max: 1e7, noNaN: true });
    const start = fc.double({ min: 0, max: 1e12, noNaN: true });
    fc.assert(
      fc.property(rate, fc.integer({ min: 1, max: 100 }), start, (perSec, n, now) => {
        const early = new TokenBucket(n, perSec, now);
        const late = new TokenBucket(n, perSec, now);
        expect(early.takeMany(n, now)).toBe(0);
        expect(late.takeMany(n, now)).toBe(0);
        const waitMs = late.takeMany(n, now);
        expect(waitMs).toBeGreaterThanOrEqual(1);
        expect(late.takeMany(n, now + waitMs)).toBe(0);
        if (waitMs > 2) expect(early.takeMany(n, now + waitMs - 2)).toBeGreaterThan(0);
      }),
    );
  });

  it('never gives more than its burst and what time brought', () => {
    fc.assert(
      fc.property(fc.record(bucket), takes, ({ burst, perSec }, steps) => {
        let now = 0;
        let given = 0;
        let passedMs = 0;
        const real = new TokenBucket(burst, perSec, now);
        for (const { n, stepMs } of steps) {
          now += stepMs;
          passedMs += Math.max(0, stepMs);
          if (real.takeMany(n, now) > 0) continue;
          // More than the burst is given on credit.
          const paid = given + Math.min(n, burst);
          expect(paid).toBeLessThanOrEqual(burst + (passedMs * perSec) / 1_000 + 1e-3);
          given += n;
        }
      }),
    );
  });

  it('owes what was spent beyond what it had', () => {
    const real = new TokenBucket(10, 100, 0);
    real.spend(30, 0);
    expect(real.level(0)).toBe(-20);
    expect(real.take(0)).toBe(210);
    expect(real.take(210)).toBe(0);
  });

  it('starts full, and is full again after a jump ahead', () => {
    const real = new TokenBucket(3, 1, 1_000);
    expect([real.take(1_000), real.take(1_000), real.take(1_000), real.take(1_000)]).toEqual([
      0, 0, 0, 1_000,
    ]);
    expect(real.level(9e15)).toBe(3);
  });

  it('goes on at its rate after a jump back', () => {
    const real = new TokenBucket(1, 10, 1e9);
    expect(real.take(1e9)).toBe(0);
    expect(real.take(5)).toBe(100);
    expect(real.take(105)).toBe(0);
  });
});
