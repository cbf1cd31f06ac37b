import { describe, expect, it } from 'vitest';
import { type CompareOptions, compareResults } from '../../../bench/reporter/index.ts';
import { Random } from './fixtures/random.ts';
import { type Model, NOISY_VM, runOf, sensitivities } from './fixtures/rule-model.ts';

const PAIRS = 50;

/** Pairs of runs of one build, and of a build that is 10% slower in the relay's benchmarks. */
function simulate(model: Model, rule: CompareOptions) {
  const random = new Random(5);
  let [falseCalls, found] = [0, 0];
  for (let pair = 0; pair < PAIRS; pair++) {
    const seen = sensitivities(model, random);
    const [a, again, slower] = [
      runOf(model, seen, random),
      runOf(model, seen, random),
      runOf(model, seen, random, 0.1),
    ];
    falseCalls += compareResults([a, again], rule).pairs[0]!.benchmarks.filter(
      ({ verdict }) => verdict !== '~',
    ).length;
    const called = compareResults([a, slower], rule).pairs[0]!.benchmarks.some(
      ({ suite, verdict }) => suite === 'relay-throughput' && verdict === 'worse',
    );
    if (called) found++;
  }
  return { falseCallsInTenPairs: (10 * falseCalls) / PAIRS, found: found / PAIRS };
}

describe('the rule of a call, on a machine whose speed drifts', () => {
  it('calls at most one benchmark in ten pairs of one build, and finds a change of 10%', () => {
    const { falseCallsInTenPairs, found } = simulate(NOISY_VM, {});
    expect(falseCallsInTenPairs).toBeLessThanOrEqual(1);
    expect(found).toBeGreaterThanOrEqual(0.9);
  });

  it('would be wrong by the dozen if it believed the raw figures', () => {
    const { falseCallsInTenPairs } = simulate(NOISY_VM, { lenses: ['raw'] });
    expect(falseCallsInTenPairs).toBeGreaterThan(10);
  });
});
