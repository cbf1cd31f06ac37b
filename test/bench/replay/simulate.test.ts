import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { judge, judgeAlone } from '../../../bench/replay/criteria.ts';
import type { Outcome } from '../../../bench/replay/outcome.ts';
import { ARM_NAMES, type ArmName, type Plan, REPLAYS } from '../../../bench/replay/plan.ts';
import { planOf } from '../../../bench/replay/settings.ts';
import { simulate } from '../../../bench/replay/sim/simulate.ts';

const SIM = new URL('../../../bench/replay/sim/', import.meta.url);

/** Ten times as fast, so that the test is too. */
function plan(arm: ArmName, more: Partial<Plan> = {}): Plan {
  const of = { replay: 'mass-restart', peers: 2_000, mega: 0, seed: 1, scale: 10 } as const;
  return { ...planOf(of, arm, 75), ...more };
}

const hashOf = (outcome: Outcome): string =>
  createHash('sha256').update(JSON.stringify(outcome)).digest('hex');

describe('a simulated replay', () => {
  it.each(REPLAYS)('is the same for the same seed, and another for another: %s', (replay) => {
    const first = hashOf(simulate(plan('ours', { replay })));
    expect(hashOf(simulate(plan('ours', { replay })))).toBe(first);
    expect(hashOf(simulate(plan('ours', { replay, seed: 2 })))).not.toBe(first);
  });

  it.each(REPLAYS.flatMap((replay) => ARM_NAMES.map((arm) => [replay, arm] as const)))(
    'loses no peer and makes none: %s, %s',
    (replay, arm) => {
      const { series, plan: of } = simulate(plan(arm, { replay, megaPercent: 5 }));
      for (const [at, online] of series.online.entries()) {
        expect(online).toBeGreaterThanOrEqual(0);
        expect(online).toBeLessThanOrEqual(series.wanting[at]!);
        expect(series.wanting[at]!).toBeLessThanOrEqual(of.peers);
      }
      const rising = series.atMs.every((ms, at) => at === 0 || ms > series.atMs[at - 1]!);
      expect(rising).toBe(true);
    },
  );

  it('has relays that hold no more than they can, where they shed', () => {
    const { series, exits, queueDepth } = simulate(plan('ours', { replay: 'cascade', utilisation: 90 }));
    expect(Math.max(...series.loadMost)).toBeLessThanOrEqual(1);
    expect(exits).toBe(0);
    expect(queueDepth.most).toBeLessThanOrEqual(queueDepth.bound!);
  });

  it('brings mega-supernodes after an hour', () => {
    const { series, plan: of } = simulate(plan('ours', { replay: 'cascade', megaPercent: 5 }));
    const megas = Math.round(of.relays * 0.05);
    expect(series.relaysUp.at(-1)).toBe(of.relays + megas);
    expect(series.capacityPeers.at(-1)).toBe((of.relays + 5 * megas) * of.relayPeers);
  });

  it('changes nothing without a trigger', () => {
    const outcome = simulate(plan('exit-jitter', { trigger: 0 }));
    expect(outcome.restarts).toBe(0);
    expect(outcome.exits).toBe(0);
    expect(Math.min(...outcome.series.online)).toBeGreaterThan(0.95 * outcome.plan.peers);
  });

  it.each(REPLAYS)(
    'is survived by ours and not by the naive arm: %s',
    (replay) => {
      const of = { replay, peers: 3_000, mega: 0, seed: 1, scale: 1 } as const;
      const naive = simulate(planOf(of, 'naive', 75));
      const criteria = judge(simulate(planOf(of, 'ours', 75)), naive);
      expect(criteria.filter(({ passed }) => passed !== true)).toEqual([]);
      expect(judgeAlone(naive).some(({ passed }) => passed === false)).toBe(true);
    },
    60_000,
  );

  it('runs the policy classes of core/overload, and none of its own', () => {
    const sources = readdirSync(SIM)
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFileSync(new URL(name, SIM), 'utf8'))
      .join('\n');
    for (const name of ['admission', 'retry-budget', 'shed-level', 'backoff']) {
      expect(sources).toContain(`from '../../../core/overload/${name}.ts'`);
    }
    expect(sources).not.toMatch(/class (Admission|RetryBudget|ShedLevel|CodelQueue|TokenBucket)\b/);
    expect(sources).not.toMatch(/Math\.random|Date\.now|performance\.now/);
  });
});
