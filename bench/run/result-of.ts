/** What a run recorded, as a result. */

import { machineWarnings } from '../machine/fingerprint.ts';
import {
  type Calibration,
  type Fingerprint,
  type Measure,
  type Missing,
  median,
  parseResult,
  RESULT_KIND,
  RESULT_VERSION,
  type Result,
  type Warning,
} from '../reporter/index.ts';
import { casesOf } from './assemble.ts';
import { benchmarksOf, type Job } from './benchmark.ts';
import { ratiosOf } from './ratios.ts';
import type { Sample } from './sample.ts';
import { suiteHash } from './suite-hash.ts';
import { caseWarnings, fewRounds, missingWarnings, planted } from './warnings.ts';

export interface Recorded {
  /** Those that were run, all systems. */
  jobs: readonly Job[];
  samples: readonly Sample[];
  missing: Missing[];
  failures: readonly Warning[];
  systems: Result['systems'];
  /** What the relay was made to do worse; null: nothing. */
  planted: string | null;
}

export interface Circumstances {
  startedAt: string;
  finishedAt: string;
  mode: Result['mode'];
  settings: Result['settings'];
  calibration: Calibration;
  fingerprint: Fingerprint;
}

/** @throws ReporterError when the result breaks its own schema: a fault of the run. */
export function resultOf(recorded: Recorded, circumstances: Circumstances): Result {
  const benchmarks = recorded.jobs.flatMap(benchmarksOf);
  const { samples } = recorded;
  const cases = casesOf(
    samples,
    benchmarks.map(({ id }) => id),
  );
  return parseResult({
    kind: RESULT_KIND,
    version: RESULT_VERSION,
    ...circumstances,
    suiteHash: suiteHash(recorded.jobs),
    systems: recorded.systems,
    cases,
    ratios: ratiosOf(cases, benchmarks),
    missing: recorded.missing,
    warnings: [
      ...(recorded.planted === null ? [] : [planted(recorded.planted)]),
      ...machineWarnings(circumstances.fingerprint),
      ...missingWarnings(recorded.missing),
      ...recorded.failures,
      ...caseWarnings(cases, samples),
      ...fewRounds(cases),
    ],
  });
}

/** One calibration of two: what changed during the run is in the spread of its samples. */
export function mergeCalibrations(before: Calibration, after: Calibration): Calibration {
  const both = (name: keyof Calibration): Measure => {
    const samples = [...before[name].samples, ...after[name].samples];
    return { ...before[name], samples, median: median(samples) };
  };
  return {
    singleThread: both('singleThread'),
    memoryBandwidth: both('memoryBandwidth'),
    loopback: both('loopback'),
    threadWake: both('threadWake'),
  };
}
