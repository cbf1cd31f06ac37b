import { describe, expect, it } from 'vitest';
import { othersCpuShare } from '../../../bench/run/core-time.ts';
import { place, shareOut } from '../../../bench/run/placement.ts';

const AUTO = { relay: 'auto', load: 'auto', loadProcesses: 'auto', shards: 1 } as const;

describe('placement', () => {
  it.each([
    [AUTO, [0, 1], { relayCore: 0, loadCores: [1] }],
    [AUTO, [2, 3, 4], { relayCore: 2, loadCores: [3, 4] }],
    [AUTO, [0, 1, 2, 3, 4, 5, 6, 7], { relayCore: 0, loadCores: [1, 2, 3, 4] }],
    [AUTO, [0], { relayCore: null, loadCores: [null] }],
    [AUTO, null, { relayCore: null, loadCores: [null] }],
    [{ ...AUTO, relay: 1 }, [0, 1], { relayCore: 1, loadCores: [0] }],
    [{ ...AUTO, load: [0] }, [0, 1], { relayCore: 1, loadCores: [0] }],
    [{ ...AUTO, loadProcesses: 3 }, [0, 1], { relayCore: 0, loadCores: [1, 1, 1] }],
  ])('%j on cores %j', (asked, allowed, placed) => {
    expect(place(asked, allowed)).toEqual({ ...placed, shards: 1 });
  });

  it.each([
    [{ ...AUTO, relay: 9 }, [0, 1], 'core 9: this process may use 0, 1'],
    [{ ...AUTO, load: [9] }, [0, 1], 'core 9'],
    [{ ...AUTO, relay: 0 }, null, 'cannot pin'],
    [{ ...AUTO, load: [0, 1] }, [0, 1], 'the relay needs one'],
  ])('%j on cores %j is refused', (asked, allowed, said) => {
    expect(() => place(asked, allowed)).toThrow(said);
  });

  it.each([
    [100, 1, [100]],
    [100, 3, [32, 34, 34]],
    [2, 4, [2]],
    [10_000, 4, [2_500, 2_500, 2_500, 2_500]],
  ])('shares %d peers out to %d processes in pairs', (peers, processes, parts) => {
    expect(shareOut(peers, processes)).toEqual(parts);
  });
});

describe('the time of others', () => {
  const before = { atMs: 0, idleMs: [0, 0] };

  it('is what was neither idle nor ours, on the more disturbed core', () => {
    const after = { atMs: 1_000, idleMs: [300, 100] };
    const ours = [
      { core: 0, share: 0.6 },
      { core: 1, share: 0.5 },
    ];
    expect(othersCpuShare(before, after, ours)).toBeCloseTo(0.4);
  });

  it('counts processes on one core together, and is never below 0', () => {
    const after = { atMs: 1_000, idleMs: [0, 0] };
    const ours = [
      { core: 1, share: 0.5 },
      { core: 1, share: 0.6 },
    ];
    expect(othersCpuShare(before, after, ours)).toBe(0);
  });

  it('is not known where nothing is pinned', () => {
    expect(othersCpuShare(before, { atMs: 1, idleMs: [0, 0] }, [{ core: null, share: 1 }])).toBeNull();
  });
});
