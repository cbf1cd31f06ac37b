import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FairShare } from '../../core/overload/fair-share.ts';
import { Meter, SHED_NOTHING, UNLIMITED } from '../../core/overload/meter.ts';
import { jainIndex } from '../fixtures/jain.ts';

const TICK_MS = 50;

/** The max-min fair rates, by definition: the least wish first, each gets at most an even part of what is left. */
function maxMin(demands: number[], budget: number): number[] {
  const rates = new Array<number>(demands.length).fill(0);
  const order = demands.map((_, i) => i).sort((a, b) => demands[a]! - demands[b]!);
  let left = budget;
  order.forEach((i, done) => {
    rates[i] = Math.min(demands[i]!, left / (demands.length - done));
    left -= rates[i]!;
  });
  return rates;
}

/** Peers that want so many bytes a second, in packets, through one budget; over `threads` that know of each other late. */
function run(
  demands: number[],
  budget: number,
  {
    seconds,
    packet = 500,
    threads = 1,
    priority = 1,
  }: Record<'seconds', number> & Partial<Record<'packet' | 'threads' | 'priority', number>>,
): { rates: number[]; total: number; lost: number[] } {
  const meters = demands.map(() => new Meter(UNLIMITED, 0));
  const shares = Array.from({ length: threads }, () => new FairShare(budget, 0));
  const sums = shares.map(() => ({ used: 0, seen: 0, modest: 0, wanting: 0, active: 0 }));
  const due = demands.map(() => 0);
  const passed = demands.map(() => 0);
  const lost = demands.map(() => 0);
  let total = 0;
  const ticks = (seconds * 1_000) / TICK_MS;
  for (let tick = 1; tick <= ticks; tick++) {
    const now = tick * TICK_MS;
    // The second half is measured: the first is for finding the shares.
    const measured = tick > ticks / 2;
    for (const [i, meter] of meters.entries()) {
      due[i]! += (demands[i]! * TICK_MS) / 1_000;
      for (; due[i]! >= packet; due[i]! -= packet) {
        if (priority < meter.shedFrom) {
          meter.charge(packet, 1);
          total += packet;
          if (measured) passed[i]! += packet;
        } else {
          meter.wanted = true;
          if (measured) lost[i]! += packet;
        }
      }
    }
    for (const [thread, fair] of shares.entries()) {
      const sum = sums[thread]!;
      Object.assign(sum, { modest: 0, wanting: 0, active: 0 });
      for (let i = thread; i < meters.length; i += threads) {
        const meter = meters[i]!;
        sum.used += meter.usedBytes;
        meter.limit({ bytesPerSec: fair.share, framesPerSec: Number.POSITIVE_INFINITY });
        meter.refill(now);
        sum.active++;
        if (meter.wantsBytes) sum.wanting++;
        else sum.modest += meter.rate.bytesPerSec;
      }
      // Later threads have not told of this tick yet.
      const all = (name: 'used' | 'modest' | 'wanting' | 'active'): number =>
        sums.reduce((t, s) => t + s[name], 0);
      fair.update(now, all('used') - sum.seen, all('modest'), all('wanting'), all('active'));
      sum.seen = all('used');
    }
  }
  return { rates: passed.map((bytes) => bytes / (seconds / 2)), total, lost };
}

describe('FairShare', () => {
  it('gives 20 peers an even share when one of them wants 50 times as much', () => {
    const demands = [2_500_000, ...new Array<number>(19).fill(50_000)];
    const { rates } = run(demands, 500_000, { seconds: 10 });
    expect(jainIndex(rates)).toBeGreaterThan(0.95);
  });

  it('takes nothing from who uses less than its share', () => {
    const demands = [5_000_000, 5_000_000, ...new Array<number>(18).fill(8_000)];
    const { rates, lost } = run(demands, 500_000, { seconds: 10, packet: 160 });
    expect(lost.slice(2).every((bytes) => bytes === 0)).toBe(true);
    for (const rate of rates.slice(2)) expect(rate).toBeCloseTo(8_000, -3);
    expect(rates[0]! / rates[1]!).toBeCloseTo(1, 1);
    expect(rates[0]! + rates[1]!).toBeGreaterThan(0.9 * (500_000 - 18 * 8_000));
  });

  it.each([1, 3])('comes near the max-min fair rates for any wishes, with %i threads', (threads) => {
    const wish = fc.integer({ min: 5_000, max: 400_000 });
    fc.assert(
      fc.property(fc.array(wish, { minLength: 2, maxLength: 25 }), (demands) => {
        const budget = 300_000;
        const { rates } = run(demands, budget, { seconds: 12, packet: 200, threads });
        const ideal = maxMin(demands, budget);
        for (const [i, rate] of rates.entries()) {
          expect(Math.abs(rate - ideal[i]!)).toBeLessThan(0.15 * ideal[i]! + 1_000);
        }
      }),
      { numRuns: 25 },
    );
  });

  it('holds the budget in the long run, whatever is wanted', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 2_000_000 }), { minLength: 1, maxLength: 30 }),
        (demands) => {
          const budget = 200_000;
          const seconds = 20;
          const { total } = run(demands, budget, { seconds });
          // Each may have a burst before the shares are known; what is beyond is paid back.
          expect(total).toBeLessThan(budget * (seconds + 5));
        },
      ),
      { numRuns: 25 },
    );
  });

  it('is for use by who comes, once nobody wants more than there is', () => {
    const fair = new FairShare(1_000, 0);
    for (let now = 50; now < 5_000; now += 50) fair.update(now, 100, 0, 10, 10);
    expect(fair.share).toBeLessThan(200);
    for (let now = 5_000; now < 8_000; now += 50) fair.update(now, 0, 0, 0, 1);
    expect(fair.share).toBe(1_000);
  });

  it('keeps its senses when the clock jumps', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -1e12, max: 1e12 }), { maxLength: 50 }), (steps) => {
        const fair = new FairShare(1_000, 0);
        let now = 0;
        for (const step of steps) {
          now += step;
          fair.update(now, 500, 100, 3, 5);
          expect(fair.share).toBeGreaterThanOrEqual(100);
          expect(fair.share).toBeLessThanOrEqual(1_000);
        }
      }),
    );
  });
});

describe('Meter', () => {
  it('lets the more important class through whole, and of the next what fits', () => {
    const meter = new Meter({ bytesPerSec: 100_000, framesPerSec: 1e9 }, 0);
    const passed = [0, 0, 0, 0, 0];
    const offered = [1_000, 8_000, 2_000, 200_000, 500_000];
    const due = [0, 0, 0, 0, 0];
    for (let tick = 0; tick < 400; tick++) {
      meter.limit(UNLIMITED);
      meter.refill(tick * TICK_MS);
      for (const priority of [4, 3, 2, 1, 0]) {
        due[priority]! += (offered[priority]! * TICK_MS) / 1_000;
        for (; due[priority]! >= 100; due[priority]! -= 100) {
          if (priority >= meter.shedFrom) continue;
          meter.charge(100, 1);
          passed[priority]! += 100;
        }
      }
    }
    const rates = passed.map((bytes) => bytes / 20);
    for (const priority of [0, 1, 2]) expect(rates[priority]).toBeCloseTo(offered[priority]!, -2);
    // Bulk has what the first second's burst held of it, and then nothing while video has no room.
    expect(rates[3]).toBeGreaterThan(80_000);
    expect(rates[4]).toBeLessThan(5_000);
    expect(rates.reduce((a, b) => a + b)).toBeLessThan(106_000);
  });

  it('never lets more through than a burst and what time brought, a last charge apart', () => {
    const charges = fc.array(
      fc.record({
        bytes: fc.integer({ min: 1, max: 130_000 }),
        priority: fc.integer({ min: 1, max: 4 }),
        stepMs: fc.oneof(
          { weight: 9, arbitrary: fc.integer({ min: 0, max: 200 }) },
          { weight: 1, arbitrary: fc.integer({ min: -1e9, max: 1e9 }) },
        ),
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 1_000_000 }), charges, (perSec, steps) => {
        const meter = new Meter({ bytesPerSec: perSec, framesPerSec: 1e12 }, 0);
        const burst = Math.max(3_000, perSec);
        let now = 0;
        let elapsedMs = 0;
        let passed = 0;
        for (const { bytes, priority, stepMs } of steps) {
          now += stepMs;
          elapsedMs += Math.max(0, stepMs);
          meter.refill(now);
          if (priority >= meter.shedFrom) continue;
          expect(passed).toBeLessThanOrEqual(burst + (perSec * elapsedMs) / 1_000 + 1e-3);
          passed += bytes;
          meter.charge(bytes, 1);
        }
      }),
    );
  });

  it('counts frames as it counts bytes', () => {
    const meter = new Meter({ bytesPerSec: Number.POSITIVE_INFINITY, framesPerSec: 100 }, 0);
    meter.charge(1, 60);
    expect(meter.shedFrom).toBe(4);
    meter.charge(1, 40);
    expect(meter.shedFrom).toBe(1);
    meter.charge(1, 100);
    expect(meter.shedFrom).toBe(0);
    meter.refill(3_000);
    expect(meter.shedFrom).toBe(SHED_NOTHING);
  });

  it('without a limit counts and sheds nothing', () => {
    const meter = new Meter(UNLIMITED, 0);
    meter.charge(1e15, 1e12);
    expect([meter.shedFrom, meter.limited, meter.usedBytes]).toEqual([SHED_NOTHING, false, 1e15]);
    meter.refill(1_000);
    expect([meter.shedFrom, meter.full, meter.room(4)]).toEqual([
      SHED_NOTHING,
      true,
      Number.POSITIVE_INFINITY,
    ]);
  });

  it('owes nothing any more once it has no limit', () => {
    const meter = new Meter(UNLIMITED, 0);
    meter.limit({ bytesPerSec: 1_000, framesPerSec: 1_000 });
    meter.charge(1_000_000, 1);
    expect(meter.shedFrom).toBe(0);
    meter.limit(UNLIMITED);
    expect(meter.shedFrom).toBe(SHED_NOTHING);
    meter.limit({ bytesPerSec: 1_000, framesPerSec: 1_000 });
    expect(meter.shedFrom).toBe(SHED_NOTHING);
  });
});
