import { describe, expect, it } from 'vitest';
import { compareResults, type Result } from '../../../bench/reporter/index.ts';
import { exampleResult, laterResult } from './fixtures/example-result.ts';
import { caseOf, FINGERPRINT, measure, metric, minimalResult } from './fixtures/minimal-result.ts';

const TIMES = [100, 101, 102, 103, 104, 105, 106, 107];

function withCase(unit: string, samples: number[], more: Partial<Result> = {}): Result {
  return minimalResult({
    cases: [caseOf('frame/read', 'supernode', [metric('figure', unit, samples)])],
    ...more,
  });
}

function times(factor: number): number[] {
  return TIMES.map((each) => each * factor);
}

function onlyPair(base: Result, other: Result, options = {}) {
  return compareResults([base, other], options).pairs[0]!;
}

describe('comparing results', () => {
  it('has ratios above 1 where the other result is better, for rates as for costs', () => {
    const cost = onlyPair(withCase('ns/op', TIMES), withCase('ns/op', times(0.5))).benchmarks[0]!;
    expect(cost.views.raw!.ratio).toBeCloseTo(2, 6);
    expect(cost.verdict).toBe('better');
    const rate = onlyPair(withCase('frames/s', TIMES), withCase('frames/s', times(0.5))).benchmarks[0]!;
    expect(rate.views.raw!.ratio).toBeCloseTo(0.5, 6);
    expect(rate.verdict).toBe('worse');
  });

  it('calls nothing between a result and itself', () => {
    const pair = onlyPair(exampleResult(), exampleResult());
    expect(pair.benchmarks).toHaveLength(11);
    expect(pair.benchmarks.every(({ verdict, views }) => verdict === '~' && views.raw!.ratio === 1)).toBe(
      true,
    );
    expect(pair.geometricMean).toEqual({ raw: 1, calibrated: 1, benchmarks: 11 });
  });

  it('takes out what calibration says of the machine, by the time of the round', () => {
    const faster = { ...minimalResult().calibration, singleThread: measure(2000, 'points') };
    const other = withCase('ns/op', times(0.5), { calibration: faster });
    const { views, verdict } = onlyPair(withCase('ns/op', TIMES), other).benchmarks[0]!;
    expect(views.raw!.ratio).toBeCloseTo(2, 6);
    expect(views.calibrated!.ratio).toBeCloseTo(1, 6);
    expect(verdict).toBe('~');
    const drifting = withCase(
      'frames/s',
      TIMES.map((each, index) => each * (index < 4 ? 1 : 2)),
    );
    drifting.cases[0]!.rounds.forEach((round, index) => {
      round.speed = { processor: index < 4 ? 1 : 2, kernel: 1 };
    });
    const steady = withCase('frames/s', TIMES);
    for (const round of steady.cases[0]!.rounds) round.speed = { processor: 1, kernel: 1 };
    expect(onlyPair(steady, drifting).benchmarks[0]!.views.calibrated!.ratio).toBeCloseTo(1, 6);
    expect(onlyPair(steady, drifting).benchmarks[0]!.views.raw!.ratio).toBeGreaterThan(1.3);
  });

  it('explains a relay by its kernel too', () => {
    const relay = (samples: number[], more: Partial<Result> = {}) =>
      minimalResult({
        cases: [caseOf('profile/voice', 'supernode', [metric('rate', 'frames/s', samples)])],
        ...more,
      });
    const faster = { ...minimalResult().calibration, loopback: measure(4 * 52_000, 'round trips/s') };
    const { views } = onlyPair(relay(TIMES), relay(times(2), { calibration: faster })).benchmarks[0]!;
    expect(views.calibrated!.ratio).toBeCloseTo(1, 6);
  });

  it('does not scale bytes by speed', () => {
    const { views, verdict } = onlyPair(withCase('bytes', TIMES), withCase('bytes', times(0.5)))
      .benchmarks[0]!;
    expect(views).toMatchObject({ calibrated: null, rivals: null });
    expect(verdict).toBe('better');
  });

  it('does not call what moved the rivals as well', () => {
    const all = (factor: number) =>
      minimalResult({
        systems: { supernode: { title: '', version: '1' }, ws: { title: '', version: '1' } },
        cases: ['supernode', 'ws'].map((system) =>
          caseOf('relay-throughput/a', system, [metric('throughput', 'frames/s', times(factor))]),
        ),
      });
    const { views, verdict } = onlyPair(all(1), all(0.5)).benchmarks[0]!;
    expect(views.rivals!.ratio).toBeCloseTo(1, 6);
    expect(verdict).toBe('~');
    const updated = all(0.5);
    updated.systems['ws'] = { title: '', version: '2' };
    expect(onlyPair(all(1), updated).benchmarks[0]!.views.rivals).toBeNull();
  });

  it('goes by the raw figures where the machines differ, and says so', () => {
    const other = withCase('ns/op', times(0.5), {
      fingerprint: { ...FINGERPRINT, cpu: { ...FINGERPRINT.cpu, model: 'Other CPU' } },
      calibration: { ...minimalResult().calibration, singleThread: measure(2000, 'points') },
    });
    const comparison = compareResults([withCase('ns/op', TIMES), other]);
    expect(comparison.differences).toEqual(['processor: A Example CPU @ 2.5 GHz, B Other CPU']);
    expect(comparison.pairs[0]!.benchmarks[0]!.verdict).toBe('better');
    expect(comparison.pairs[0]!.geometricMean.calibrated).toBeCloseTo(1, 6);
    expect(comparison.pairs[0]!.notes.join()).toContain('The machines differ');
  });

  it('refuses different suites, and names both', () => {
    const other = minimalResult({ suiteHash: 'b'.repeat(64) });
    const { refused, pairs } = compareResults([minimalResult(), other], { labels: ['a.json', 'b.json'] });
    expect(pairs).toEqual([]);
    expect(refused!.why).toContain(`${'a'.repeat(64)} and ${'b'.repeat(64)}`);
    expect(refused!.why).toContain('a.json and b.json measured different things');
  });

  it('lists regressions beyond the limit only', () => {
    const slower = onlyPair(exampleResult(), laterResult(0.9), { failOnRegression: 0.05 });
    expect(slower.regressions.length).toBeGreaterThan(5);
    expect(onlyPair(exampleResult(), laterResult(0.9), { failOnRegression: 0.2 }).regressions).toEqual([]);
    expect(onlyPair(exampleResult(), laterResult(0.9)).regressions).toEqual([]);
    expect(onlyPair(exampleResult(), laterResult(1.1), { failOnRegression: 0.05 }).regressions).toEqual([]);
  });

  it('keeps rivals and other metrics out of the family', () => {
    const { benchmarks, rivals, otherMetrics } = onlyPair(exampleResult(), laterResult());
    expect(benchmarks.every(({ metric: { name } }) => name !== 'rss')).toBe(true);
    expect(new Set(rivals.map(({ system }) => system))).toEqual(new Set(['ws', 'uws-echo', 'nats']));
    expect(
      otherMetrics.filter(({ metric: name }) => name === 'drops').every(({ ratio }) => ratio === null),
    ).toBe(true);
  });

  it('says so when there are too few rounds for any call, and can do without the correction', () => {
    const few = (factor: number) =>
      minimalResult({
        cases: Array.from({ length: 10 }, (_, index) =>
          caseOf(`frame/task${index}`, 'supernode', [metric('figure', 'ns/op', times(factor).slice(0, 5))]),
        ),
      });
    const corrected = onlyPair(few(1), few(2));
    expect(corrected.notes[0]).toContain('10 of 10 benchmarks have too few rounds');
    expect(corrected.benchmarks.every(({ verdict }) => verdict === '~')).toBe(true);
    const alone = onlyPair(few(1), few(2), { correction: 'none' });
    expect(alone.notes).toEqual([]);
    expect(alone.benchmarks.every(({ verdict }) => verdict === 'worse')).toBe(true);
  });

  it('compares each further result with the first, and names what only one has', () => {
    const fewer = { ...exampleResult(), cases: exampleResult().cases.slice(1) };
    const { pairs, results } = compareResults([exampleResult(), fewer, laterResult()]);
    expect(results.map(({ label }) => label)).toEqual(['A', 'B', 'C']);
    expect(pairs.map(({ base, other }) => base + other)).toEqual(['AB', 'AC']);
    expect(pairs[0]!.onlyInBase).toEqual(['frame/read']);
  });

  it('names an option that is out of range', () => {
    const two = [minimalResult(), minimalResult()];
    expect(() => compareResults(two, { noise: -1 })).toThrow('noise is a share between 0 and 1, not -1.');
    expect(() => compareResults(two, { failOnRegression: 5 })).toThrow('failOnRegression');
    expect(() => compareResults([minimalResult()])).toThrow('two results or more, not 1');
  });
});
