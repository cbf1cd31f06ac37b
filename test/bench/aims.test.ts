import { expect, test } from 'vitest';
import { AIMS, aimsText } from '../../bench/aims.ts';
import { benchmarksOf } from '../../bench/run/benchmark.ts';
import { loadBenchConfig } from '../../bench/run/load-config.ts';
import { METRICS } from '../../bench/run/metrics.ts';
import { planJobs } from '../../bench/run/plan.ts';
import { caseOf, metric } from './reporter/fixtures/minimal-result.ts';

test('every aim is of a benchmark and of a figure that there are', async () => {
  const { full, thresholds } = await loadBenchConfig();
  const plan = {
    ...{ ...full, objectiveP99Ms: thresholds.objectiveP99Ms, peers: [100] },
    suites: ['presence-million' as const, 'directory' as const, 'directory-million' as const],
    profiles: ['login-cost' as const, 'login-flood' as const],
    systems: [],
  };
  const known = planJobs(plan).flatMap((job) => benchmarksOf(job).map(({ id }) => id));
  for (const { benchmark, metric, and = metric } of AIMS) {
    expect(known).toContain(benchmark);
    expect(Object.keys(METRICS)).toEqual(expect.arrayContaining([metric, and]));
  }
});

test('a figure stands beside its aim, met or missed; one that was not measured is not told', () => {
  const cases = [
    caseOf('presence-million/hit', 'supernode', [metric('timePerOp', 'ns/op', [240, 250, 260])]),
    caseOf('directory-million/cold', 'supernode', [
      metric('latencyP99', 'ms', [0.7, 1.2, 1.4]),
      metric('residentAnon', 'bytes', [100 * 1024 ** 2]),
      metric('residentFile', 'bytes', [150 * 1024 ** 2]),
    ]),
    caseOf('scenario/login-cost/signature/p100', 'supernode', [metric('signatureShare', 'ratio', [0.6])]),
    caseOf('directory/online', 'nats', [metric('timePerOp', 'ns/op', [1])]),
  ];
  expect(aimsText({ cases })).toMatchInlineSnapshot(`
    "aims
      met     find a peer among a million, the table alone: 4.00 M/s, at least 2.00 M/s
      missed  look up a record that the relay does not have, p99: 1.20 ms, at most 1.00 ms
      met     memory with a million records, of the relay itself: 100 MiB, at most 200 MiB
      missed  the same with the store's pages that were read: 250 MiB, at most 200 MiB
      met     full logins of a CPU second over its signatures, when each leaves again: 0.600, at least 0.600
    "
  `);
  expect(aimsText({ cases: [] })).toBe('');
});
