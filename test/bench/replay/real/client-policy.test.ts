import { describe, expect, test } from 'vitest';
import { Draws } from '../../../../bench/load/scenarios/draws.ts';
import { paceOf } from '../../../../bench/replay/pace.ts';
import { JitterPolicy, NaivePolicy } from '../../../../bench/replay/real/client-policy.ts';
import { RelayBoard } from '../../../../bench/replay/real/relay-board.ts';
import type { RelayReport } from '../../../../bench/replay/relay-list.ts';
import { FULL_RETRY_MS } from '../../../../bench/replay/sim/settings.ts';

const SCALE = 60;
const held = (sessions: number): RelayReport => ({
  sessions,
  waiting: 0,
  mostPeers: 100,
  loginsPerSec: 1_000,
});

function board(reports: (RelayReport | null)[]): RelayBoard {
  const one = new RelayBoard({ random: new Draws(3).uniform });
  one.read(reports);
  return one;
}

function jitter(reports: (RelayReport | null)[]): { policy: JitterPolicy; looks: () => number } {
  let looks = 0;
  const policy = new JitterPolicy(new Draws(1), board(reports), {
    timeScale: SCALE,
    counted: true,
    looked: () => looks++,
  });
  return { policy, looks: () => looks };
}

describe('our client', () => {
  test('asks the relay that it was at, and then, within the spread, one that has room', () => {
    const { policy, looks } = jitter([held(100), held(10), null]);
    const first = policy.first(2);
    expect(first.waitMs).toBeLessThanOrEqual(250);
    expect(first.choose()).toEqual([2]);
    expect(looks()).toBe(0);
    const moved = policy.again([{ kind: 'broken' }]);
    expect(moved.waitMs).toBeLessThanOrEqual(paceOf(SCALE).moveSpreadMs);
    expect(moved.choose()).toEqual([1]);
    expect(looks()).toBe(1);
  });

  test('asks nobody where there is no room, and looks again in one or two minutes of the replay', () => {
    const { policy } = jitter([held(100), held(100), null]);
    policy.first(2).choose();
    expect(policy.again([{ kind: 'broken' }]).choose()).toEqual([]);
    const later = policy.again([]);
    expect(later.waitMs).toBeGreaterThanOrEqual(FULL_RETRY_MS.least / SCALE);
    expect(later.waitMs).toBeLessThanOrEqual(FULL_RETRY_MS.most / SCALE);
  });

  test('comes back in its turn to the relay that gave it', () => {
    const { policy } = jitter([held(10), held(10), held(10)]);
    policy.first(1).choose();
    const turn = policy.again([{ kind: 'refused', code: 'busy', retryAfterMs: 700 }]);
    expect(turn.waitMs).toBeGreaterThanOrEqual(700);
    expect(turn.choose()).toEqual([1]);
  });
});

describe('the old client', () => {
  test('asks several by room, each once, and from the trigger on those of the narrow list', () => {
    const relays = board([held(50), held(20), held(100), held(60)]);
    const policy = new NaivePolicy(new Draws(2), relays);
    const asked = policy.first().choose();
    expect(new Set(asked).size).toBe(asked.length);
    expect(asked.length).toBeGreaterThan(1);
    expect(asked).not.toContain(2);
    relays.herds = true;
    expect(policy.again().choose()).toEqual([1]);
    expect(policy.again().waitMs).toBe(6_000);
  });
});
