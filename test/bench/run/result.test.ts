import { build, encodeIntoCompressedBase64 } from 'hdr-histogram-js';
import { describe, expect, it } from 'vitest';
import type { Calibration, Fingerprint, Measure } from '../../../bench/reporter/index.ts';
import { parseResult } from '../../../bench/reporter/index.ts';
import type { Benchmark, LoadJob, MicroJob } from '../../../bench/run/benchmark.ts';
import { RATE_FIRST } from '../../../bench/run/metrics.ts';
import {
  type Circumstances,
  mergeCalibrations,
  type Recorded,
  resultOf,
} from '../../../bench/run/result-of.ts';
import type { Sample } from '../../../bench/run/sample.ts';
import type { SystemId } from '../../../bench/systems/system.ts';

function histogramOf(...latenciesUs: number[]): string {
  const histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 1e9,
    numberOfSignificantValueDigits: 3,
  });
  for (const us of latenciesUs) histogram.recordValue(us);
  return encodeIntoCompressedBase64(histogram);
}

function measure(...samples: number[]): Measure {
  return { unit: '1/s', better: 'higher', median: samples[samples.length >> 1]!, samples };
}

const calibrationOf = (...samples: number[]): Calibration => ({
  singleThread: measure(...samples),
  memoryBandwidth: measure(...samples),
  loopback: measure(...samples),
  threadWake: measure(...samples),
});

const fingerprint: Fingerprint = {
  cpu: { model: 'a processor', logicalCores: 2, mhz: null, governor: null },
  cores: { allowed: [0, 1], relay: [0], load: [1] },
  memoryBytes: 1e9,
  os: { platform: 'linux', arch: 'x64', kernel: '6', distribution: null },
  virtualMachine: null,
  container: null,
  versions: { supernode: '0', node: '20', v8: '11', uv: '1', uWebSockets: '20', msgpackr: '2' },
  commit: null,
  dirty: null,
};

const circumstances: Circumstances = {
  startedAt: '2026-01-01T00:00:00.000Z',
  finishedAt: '2026-01-01T00:01:00.000Z',
  mode: 'custom',
  settings: {},
  calibration: calibrationOf(1, 2, 3),
  fingerprint,
};

function benchmark(id: string, changes: Partial<Benchmark> = {}): Benchmark {
  return {
    id,
    suite: 'relay-throughput',
    profile: 'saturate',
    title: id,
    parameters: { peers: 2, loop: 'closed' },
    metrics: RATE_FIRST,
    rivalsDo: null,
    ...changes,
  };
}

const single = benchmark('relay/single');
const bundled = benchmark('relay/bundled', { rivalsDo: 'relay/single' });
const micro = benchmark('frame/read', {
  suite: 'frame',
  profile: null,
  parameters: {},
  metrics: ['timePerOp'],
});

function loadJob(system: SystemId, ...benchmarks: Benchmark[]): LoadJob {
  const phase = { kind: 'closed', window: 1, messages: 'single', warmupMs: 1, measureMs: 1 } as const;
  const steps = benchmarks.map((benchmark) => ({
    benchmark,
    work: { kind: 'phase' as const, phase },
    rounds: 9,
  }));
  return { kind: 'load', system, crowd: { peers: 2, shape: 'pairs', flows: [] }, steps, rounds: 9 };
}

const microJob: MicroJob = {
  kind: 'micro',
  system: 'supernode',
  suites: ['frame'],
  benchmarks: [micro],
  passMs: 1,
  passes: 1,
  rounds: 9,
};

interface Script {
  load?: number | null;
  others?: number | null;
  arrived?: number | null;
  relay?: number;
  latenciesUs?: number[];
}

function sample(benchmark: Benchmark, system: SystemId, throughput: number, script: Script = {}): Sample {
  const { load = 0.5, others = 0, arrived = null, relay = 1, latenciesUs = [1_000] } = script;
  const isMicro = benchmark.metrics[0] === 'timePerOp';
  return {
    benchmark,
    system,
    figures: isMicro
      ? { timePerOp: throughput }
      : { throughput, cpuPerFrame: 1e6 / throughput, relayCpuShare: relay, drops: 0 },
    histogram: isMicro ? null : histogramOf(...latenciesUs),
    latencyFrom: 'sent',
    arrivedShare: arrived,
    round: { atMs: 1, speed: null, loadCpuShare: load, othersCpuShare: others },
  };
}

function result(samples: Sample[], changes: Partial<Recorded> = {}, around: Partial<Circumstances> = {}) {
  const recorded: Recorded = {
    jobs: [microJob, loadJob('supernode', single, bundled), loadJob('ws', single)],
    samples,
    missing: [],
    failures: [],
    systems: { supernode: { title: 'supernode', version: '0' } },
    planted: null,
    ...changes,
  };
  return resultOf(recorded, { ...circumstances, ...around });
}

const four = [0, 1, 2, 3];

describe('samples become a result', () => {
  const made = result([
    ...four.map((i) => sample(bundled, 'supernode', 1_000 + i, { latenciesUs: [1_000 * (i + 1)] })),
    ...four.map((i) => sample(single, 'ws', 100 + i)),
    ...four.map((i) => sample(single, 'supernode', 400 + i)),
    ...four.map((i) => sample(micro, 'supernode', 10 + i)),
  ]);
  const caseOf = (id: string) => made.cases.find((one) => one.id === id)!;

  it('that its own schema takes', () => {
    expect(parseResult(JSON.parse(JSON.stringify(made)))).toEqual(made);
  });

  it('with a case for each benchmark on each system, in the order of the plan', () => {
    expect(made.cases.map(({ id }) => id)).toEqual([
      'frame/read@supernode',
      'relay/single@ws',
      'relay/single@supernode',
      'relay/bundled@supernode',
    ]);
  });

  it('with a sample for each round, and one primary metric', () => {
    const { metrics, rounds } = caseOf('relay/single@supernode');
    expect(rounds).toHaveLength(4);
    expect(metrics[0]).toMatchObject({ name: 'throughput', primary: true, samples: [400, 401, 402, 403] });
    expect(metrics.filter(({ primary }) => primary)).toHaveLength(1);
    // Resident memory was not known: it is not there, rather than made up.
    expect(metrics.map(({ name }) => name)).toEqual(['throughput', 'cpuPerFrame', 'relayCpuShare', 'drops']);
  });

  it('with the latencies of all rounds together', () => {
    const { latency } = caseOf('relay/bundled@supernode');
    expect(latency).toMatchObject({ count: 4, from: 'sent' });
    expect(latency!.p50).toBeCloseTo(2, 2);
    expect(latency!.max).toBeCloseTo(4, 2);
    const shares = latency!.percentiles.map(([, ms]) => ms);
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(caseOf('frame/read@supernode').latency).toBeNull();
  });

  it('with the ratio to the rival, of bundles to its single frames too', () => {
    const ratio = (benchmark: string, metric: string) =>
      made.ratios.find((one) => one.benchmark === benchmark && one.metric === metric)!;
    expect(ratio('relay/single', 'throughput')).toMatchObject({
      of: 'supernode',
      to: 'ws',
      better: 'higher',
    });
    expect(ratio('relay/single', 'throughput').ratio).toBeCloseTo(4, 0);
    expect(ratio('relay/bundled', 'throughput').ratio).toBeCloseTo(10, 0);
    expect(ratio('relay/bundled', 'cpuPerFrame').ratio).toBeCloseTo(0.1, 1);
    expect(made.ratios.some(({ metric }) => metric === 'drops')).toBe(false);
  });
});

describe('what a round lacks', () => {
  it('leaves a metric out that some round could not give', () => {
    const odd = sample(single, 'supernode', 1);
    delete odd.figures.cpuPerFrame;
    const [one] = result([sample(single, 'supernode', 1), odd]).cases;
    expect(one!.metrics.map(({ name }) => name)).not.toContain('cpuPerFrame');
  });

  it('leaves a case out whose primary figure is missing, or no number', () => {
    expect(result([sample(single, 'supernode', Number.NaN)]).cases).toEqual([]);
  });
});

describe('two calibrations', () => {
  it('are one of all samples', () => {
    const { loopback } = mergeCalibrations(calibrationOf(1, 2, 3), calibrationOf(4, 5, 6));
    expect(loopback).toEqual({ unit: '1/s', better: 'higher', median: 3.5, samples: [1, 2, 3, 4, 5, 6] });
  });
});

describe('warnings', () => {
  const codes = (script: Script, rounds = 4) =>
    result(Array.from({ length: rounds }, () => sample(single, 'supernode', 1, script))).warnings.map(
      ({ code }) => code,
    );

  it.each<[string, Script, string[]]>([
    ['nothing is wrong', {}, []],
    ['the load was at its limit', { load: 0.96 }, ['load-saturated']],
    ['other programs ran', { others: 0.11 }, ['machine-disturbed']],
    [
      'other programs ran, which explains the rest',
      { others: 0.11, load: 1, relay: 0.1 },
      ['machine-disturbed'],
    ],
    ['the relay waited', { relay: 0.8 }, ['relay-idle']],
    ['packets came late', { arrived: 0.9 }, ['rate-not-reached']],
    ['nothing is known', { load: null, others: null }, []],
  ])('when %s', (_, script, expected) => {
    expect(codes(script)).toEqual(expected);
  });

  it('judge by the median round, not by the worst', () => {
    const samples = [0.5, 0.5, 0.5, 1].map((load) => sample(single, 'supernode', 1, { load }));
    expect(result(samples).warnings).toEqual([]);
  });

  it('say once that rounds are few, and name the cases', () => {
    const { warnings } = result([sample(single, 'supernode', 1), sample(micro, 'supernode', 1)]);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatchObject({ code: 'few-rounds', case: null });
    expect(warnings[0]!.text).toContain('frame/read@supernode, relay/single@supernode');
  });

  it('tell what was missing, planted, changed or not pinned', () => {
    const missing = [
      { system: 'nats', why: 'nats-server is not installed', install: 'apt install nats-server' },
    ];
    const { warnings } = result(
      four.map(() => sample(single, 'supernode', 1)),
      { missing, planted: 'every turn costs more' },
      { fingerprint: { ...fingerprint, dirty: true, cores: { allowed: null, relay: null, load: null } } },
    );
    expect(warnings.map(({ code }) => code)).toEqual([
      'planted',
      'not-pinned',
      'dirty-tree',
      'system-missing',
    ]);
    expect(warnings.at(-1)!.text).toContain('apt install nats-server');
  });
});
