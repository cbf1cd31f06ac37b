import { describe, expect, it } from 'vitest';
import { search } from '../../../bench/run/search.ts';

const SEARCH = { ratePerSec: 1_000, fromPerSec: 1_000, probes: 10, objectiveP99Ms: 10 };

/** A system that carries so many packets a second and loses, or delays, what is more. */
function systemOf(limitPerSec: number, over: { p99Ms: number; lost: number; arrivedShare: number }) {
  const tried: number[] = [];
  const probe = async (rateFactor: number) => {
    tried.push(rateFactor);
    const good = rateFactor * 1_000 <= limitPerSec;
    return { ...(good ? { p99Ms: 1, lost: 0, arrivedShare: 1 } : over), observed: rateFactor };
  };
  return { probe, tried };
}

describe('the search for the highest rate', () => {
  it.each([
    ['late', { p99Ms: 10.1, lost: 0, arrivedShare: 1 }],
    ['lost', { p99Ms: 1, lost: 1, arrivedShare: 1 }],
    ['not sent', { p99Ms: 1, lost: 0, arrivedShare: 0.9 }],
  ])('doubles and then closes in from both sides, where too much is %s', async (_, over) => {
    const { probe, tried } = systemOf(11_000, over);
    const { best, limit } = await search(SEARCH, probe);
    expect(tried.slice(0, 5)).toEqual([1, 2, 4, 8, 16]);
    expect(tried).toHaveLength(10);
    expect(best!.observed).toBeGreaterThan(10.5);
    expect(best!.observed).toBeLessThanOrEqual(11);
    expect(limit!.observed).toBeGreaterThan(11);
    expect(limit!.observed).toBeLessThan(11.6);
  });

  it('goes down where the first rate is too much', async () => {
    const { probe } = systemOf(130, { p99Ms: 50, lost: 0, arrivedShare: 1 });
    const { best } = await search(SEARCH, probe);
    expect(best!.observed).toBeGreaterThan(0.12);
    expect(best!.observed).toBeLessThanOrEqual(0.13);
  });

  it('says when nothing was too much, and when everything was', async () => {
    const none = { p99Ms: 50, lost: 0, arrivedShare: 1 };
    const above = await search(SEARCH, systemOf(Number.POSITIVE_INFINITY, none).probe);
    expect(above).toMatchObject({ best: { observed: 512 }, limit: null });
    const below = await search(SEARCH, systemOf(0, none).probe);
    expect(below.best).toBeNull();
  });

  it('needs a probe', async () => {
    await expect(
      search({ ...SEARCH, probes: 0 }, systemOf(1, { p99Ms: 0, lost: 0, arrivedShare: 1 }).probe),
    ).rejects.toThrow(RangeError);
  });
});
