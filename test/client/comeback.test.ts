import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Comeback } from '../../core/client/comeback.ts';

const bounds = { baseMs: 250, capMs: 30_000 };

describe('coming back', () => {
  it('is never earlier than the relay said, and no later than the first wait after it', () => {
    const lot = fc.double({ min: 0, max: 0.999, noNaN: true });
    const told = fc.array(fc.record({ ms: fc.nat(100_000), lot }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(told, (times) => {
        let draw = 0;
        const comeback = new Comeback(bounds, () => draw);
        let now = 0;
        for (const { ms, lot: drawn } of times) {
          draw = drawn;
          comeback.told(ms);
          const waitMs = comeback.nextMs(now);
          expect(waitMs).toBeGreaterThanOrEqual(ms);
          // Told 20 s away: its turn, which the relay keeps for ten seconds, is not missed.
          if (ms >= 1_000) expect(waitMs).toBeLessThanOrEqual(ms + 250);
          now += waitMs;
        }
      }),
    );
  });

  it('doubles its waits while nobody says how long, and begins anew after a good connection', () => {
    const comeback = new Comeback(bounds, () => 0.999_999);
    let now = 0;
    const waits: number[] = [];
    for (let k = 0; k < 9; k++) {
      waits.push(Math.round(comeback.nextMs(now)));
      now += waits.at(-1)!;
    }
    expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    comeback.connected(now);
    comeback.wasStable();
    expect(Math.round(comeback.nextMs(now))).toBe(250);
  });

  it('finds a relay that restarts within a second of its return, however late that is in the half minute', () => {
    const lots = fc.infiniteStream(fc.double({ min: 0.1, max: 0.999, noNaN: true }));
    const stay = fc.nat(20_000);
    fc.assert(
      fc.property(lots, stay, fc.integer({ min: 0, max: 29_000 }), (random, retryAfterMs, late) => {
        const comeback = new Comeback(bounds, () => random.next().value as number);
        comeback.told(retryAfterMs);
        comeback.restarts(0);
        let now = comeback.nextMs(0);
        const backAt = retryAfterMs + late;
        while (now < backAt) now += comeback.nextMs(now);
        expect(now).toBeLessThanOrEqual(backAt + 1_000);
      }),
    );
  });

  it('doubles its waits from there when the relay is not back after half a minute', () => {
    const comeback = new Comeback(bounds, () => 0.999_999);
    comeback.told(2_000);
    comeback.restarts(0);
    const waits: number[] = [];
    for (let now = 0; now < 100_000; now += waits.at(-1)!) waits.push(Math.round(comeback.nextMs(now)));
    const seconds = waits.lastIndexOf(1_000) + 1;
    expect(waits.slice(0, 3)).toEqual([2_250, 250, 500]);
    expect(new Set(waits.slice(3, seconds))).toEqual(new Set([1_000]));
    expect(waits.slice(0, seconds).reduce((sum, ms) => sum + ms)).toBeGreaterThanOrEqual(32_000);
    expect(waits.slice(seconds, seconds + 5)).toEqual([2_000, 4_000, 8_000, 16_000, 30_000]);
  });

  it('keeps to a longer or a shorter wait that the application asked for', () => {
    for (const asked of [
      { baseMs: 5_000, capMs: 60_000, waits: [5_000, 5_000, 5_000] },
      { baseMs: 1, capMs: 3, waits: [1, 2, 3] },
    ]) {
      const comeback = new Comeback(asked, () => 0.999_999);
      comeback.restarts(0);
      expect(asked.waits.map(() => Math.round(comeback.nextMs(0)))).toEqual(asked.waits);
    }
  });

  it('has a budget: a relay that always says "at once" is not asked more than 11 times in ten seconds', () => {
    const comeback = new Comeback(bounds, () => 0);
    let tries = 0;
    for (let now = 0; now < 10_000; tries++) {
      comeback.told(1);
      now += comeback.nextMs(now);
    }
    expect(tries).toBeLessThanOrEqual(11);
  });

  it('can wait for as long as a timer can, and no longer', () => {
    const comeback = new Comeback(bounds, () => 0.5);
    comeback.told(0xffff_ffff);
    expect(comeback.nextMs(0)).toBe(0x7fff_ffff);
  });
});
