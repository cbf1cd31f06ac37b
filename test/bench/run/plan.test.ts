import { describe, expect, it } from 'vitest';
import { benchmarksOf, type Job } from '../../../bench/run/benchmark.ts';
import { estimateMs } from '../../../bench/run/estimate.ts';
import { loadBenchConfig } from '../../../bench/run/load-config.ts';
import { caseId, interleave, type PlanOptions, planJobs } from '../../../bench/run/plan.ts';
import { suiteHash } from '../../../bench/run/suite-hash.ts';

const config = await loadBenchConfig();
const options = (mode: 'quick' | 'full', changes: Partial<PlanOptions> = {}): PlanOptions => ({
  ...config[mode],
  objectiveP99Ms: config.thresholds.objectiveP99Ms,
  ...changes,
});

function casesOf(jobs: readonly Job[]): string[] {
  return jobs.flatMap((job) => benchmarksOf(job).map((benchmark) => caseId(benchmark, job.system)));
}

describe('a plan', () => {
  it.each(['quick', 'full'] as const)('of %s has every case once', (mode) => {
    const cases = casesOf(planJobs(options(mode)));
    expect(new Set(cases).size).toBe(cases.length);
  });

  it.each([
    ['quick', 90],
    ['full', 15 * 60],
  ] as const)('of %s takes no longer than %d s', (mode, seconds) => {
    const { calibrationMs } = config[mode].durations;
    const estimate = estimateMs(interleave(planJobs(options(mode))), 2 * calibrationMs) / 1000;
    expect(estimate).toBeLessThan(seconds);
    expect(estimate).toBeGreaterThan(seconds / 2);
  });

  it('of quick asks every main rival what it asks supernode about a relay', () => {
    const jobs = planJobs(options('quick'));
    for (const rival of ['ws', 'uws-relay', 'uws-echo', 'nats']) {
      const cases = casesOf(jobs.filter(({ system }) => system === rival));
      expect(cases).toEqual([
        `relay/one-in-flight/p100@${rival}`,
        `relay/saturate/single/p100@${rival}`,
        `relay/voice/p100@${rival}`,
      ]);
    }
  });

  it('compares bundles of supernode with single frames of a rival', () => {
    const benchmarks = planJobs(options('quick')).flatMap(benchmarksOf);
    const bundled = benchmarks.find(({ id }) => id === 'relay/saturate/bundled/p100');
    expect(bundled?.rivalsDo).toBe('relay/saturate/single/p100');
    expect(benchmarks.some(({ id }) => id === bundled?.rivalsDo)).toBe(true);
  });

  it('of full has every profile at every size, or at the largest that it has', () => {
    const ids = new Set(
      planJobs(options('full'))
        .flatMap(benchmarksOf)
        .map(({ id }) => id),
    );
    for (const size of [100, 1_000, 10_000]) {
      for (const profile of ['voice', 'video', 'message']) expect(ids).toContain(`relay/${profile}/p${size}`);
      expect(ids).toContain(`relay/saturate/bundled/p${size}`);
      expect(ids).toContain(`relay/voice/capacity/p${size}`);
      expect(ids).toContain(`scenario/idle/steady/p${size}`);
      expect(ids).toContain(`scenario/supernode/mix/p${size}`);
      expect(ids).toContain(`scenario/login-storm/ticket/p${size}`);
    }
    expect([...ids].filter((id) => id.startsWith('relay/fan-in/p'))).toEqual([
      'relay/fan-in/p100',
      'relay/fan-in/p250',
    ]);
  });

  it('lowers the rate of each of 10,000 callers, and says so', () => {
    const voice = planJobs(options('full', { suites: [], profiles: ['voice'] }))
      .flatMap(benchmarksOf)
      .filter(({ id }) => /^relay\/voice\/p\d+$/.test(id));
    const rates = new Map(voice.map(({ parameters: { peers, ...it } }) => [peers, it]));
    expect(rates.get(100)).toMatchObject({ ratePerSec: 5_000, rateFactor: 1 });
    expect(rates.get(1_000)).toMatchObject({ ratePerSec: 50_000, rateFactor: 1 });
    expect(rates.get(10_000)).toMatchObject({ ratePerSec: 25_000, rateFactor: 0.05 });
    expect(voice.find(({ parameters }) => parameters['peers'] === 10_000)?.title).toContain(
      '5% of their rate',
    );
  });

  it('measures rivals at one size of a profile that does not ask for more', () => {
    const jobs = planJobs(options('full', { suites: [], profiles: ['video'] }));
    const rivals = jobs.filter(({ system }) => system !== 'supernode');
    expect(rivals.map((job) => job.kind === 'load' && job.crowd.peers)).toEqual(Array(4).fill(1_000));
  });
});

describe('rounds', () => {
  const jobs = planJobs(options('quick'));
  const order = interleave(jobs);

  it('are all there, in their order', () => {
    for (const job of jobs) {
      const rounds = order.filter((one) => one.job === job).map(({ round }) => round);
      expect(rounds).toEqual(Array.from({ length: job.rounds }, (_, i) => i));
    }
  });

  it('of different systems take turns, so that drift hits all alike', () => {
    const middle = (system: string) => {
      const at = order.flatMap(({ job }, i) => (job.kind === 'load' && job.system === system ? [i] : []));
      return at.reduce((sum, i) => sum + i, 0) / at.length / order.length;
    };
    for (const system of ['supernode', 'ws', 'uws-relay', 'uws-echo', 'nats']) {
      expect(Math.abs(middle(system) - 0.5)).toBeLessThan(0.15);
    }
    const own = order.flatMap(({ job }, i) => (job.kind === 'load' && job.system === 'supernode' ? [i] : []));
    for (let i = 1; i < own.length; i++) expect(own[i]! - own[i - 1]!).toBeGreaterThan(1);
  });

  it('of a job that is alone are its own', () => {
    const [job] = planJobs(options('quick', { suites: ['frame'] }));
    expect(interleave([job!])).toHaveLength(config.quick.rounds.micro);
    expect(interleave([])).toEqual([]);
  });
});

describe('the suite hash', () => {
  const source = { 'load/x.js': 'one' };
  const hash = (changes: Partial<PlanOptions> = {}, text = source) =>
    suiteHash(planJobs(options('quick', changes)), text);

  it('is that of the questions and of the code that asks them', () => {
    const { durations, rounds } = config.quick;
    expect(hash()).toMatch(/^[0-9a-f]{64}$/);
    expect(hash()).toBe(hash());
    expect(hash({ suites: ['frame'] })).not.toBe(hash());
    expect(hash({ peers: [200] })).not.toBe(hash());
    expect(hash({ durations: { ...durations, warmupMs: 99 } })).not.toBe(hash());
    expect(hash({}, { 'load/x.js': 'two' })).not.toBe(hash());
    // What is on the machine, and how often it was asked, make no other question.
    expect(hash({ rivals: [] })).toBe(hash());
    expect(hash({ rounds: { ...rounds, relay: 3, relayRivals: 9 } })).toBe(hash());
  });
});
