/** A run: every round of every job in its order, and the result that comes of it. */
import { calibrate } from '../machine/calibrate.ts';
import { fingerprint } from '../machine/fingerprint.ts';
import { SpeedProbe } from '../machine/speed-probe.ts';
import type { Missing, Result, Speed, Warning } from '../reporter/index.ts';
import { runMicroRound } from '../suites/run-micro.ts';
import { plantedBy } from '../systems/plant.ts';
import type { System, SystemId } from '../systems/system.ts';
import { SYSTEMS } from '../systems/systems.ts';
import type { Job, MicroJob } from './benchmark.ts';
import { estimateMs, roundMs } from './estimate.ts';
import { runLoadRound } from './load-round.ts';
import type { Placement } from './placement.ts';
import { interleave } from './plan.ts';
import { mergeCalibrations, type Recorded, resultOf } from './result-of.ts';
import type { RoundStart, Sample } from './sample.ts';
import { runScenarioRound } from './scenario-round.ts';
import { rivalFailed } from './warnings.ts';

export interface RunOptions {
  jobs: readonly Job[];
  placement: Placement;
  mode: Result['mode'];
  calibrationMs: number;
  /** Goes into the result as it is. */
  settings: Result['settings'];
  /** What is about to be done, and how far the run is, by the estimate. */
  onProgress(text: string, doneMs: number, allMs: number): void;
}

/** @throws Error with one sentence when a round of supernode failed: no figure of such a run is worth anything. */
export async function run({
  jobs: planned,
  placement,
  mode,
  calibrationMs,
  settings,
  onProgress,
}: RunOptions): Promise<Result> {
  const startedAt = new Date();
  const beganMs = performance.now();
  const missing = await missingOf(planned);
  const jobs = planned.filter(({ system }) => !missing.some((one) => one.system === system));
  const order = interleave(jobs);
  const allMs = estimateMs(order, 2 * calibrationMs);
  const core = placement.relayCore;
  const seconds = calibrationMs / 1000;

  onProgress('measuring this machine', 0, allMs);
  const before = await calibrate({ core, seconds });
  let doneMs = calibrationMs;
  const samples: Sample[] = [];
  const failed = new Map<Job, Warning>();
  await using probe = new SpeedProbe({ core });
  let speed = await probe.probe();
  for (const { job, round } of order) {
    if (failed.has(job)) continue;
    onProgress(describe(job, round), doneMs, allMs);
    const start: RoundStart = { atMs: performance.now() - beganMs, speed };
    try {
      const measured = await runRound(job, placement, { start, round });
      speed = await probe.probe();
      for (const { round: its } of measured) its.speed = meanSpeed(start.speed!, speed);
      samples.push(...measured);
    } catch (error) {
      const { message } = error as Error;
      if (job.system === 'supernode') {
        throw new Error(`${describe(job, round)}: ${message}`, { cause: error });
      }
      failed.set(job, rivalFailed(nameOf(job), message));
    }
    doneMs += roundMs(job, round);
  }
  onProgress('measuring this machine again', doneMs, allMs);
  const after = await calibrate({ core, seconds });

  const recorded: Recorded = {
    jobs,
    // A rival that failed once has no figure: which rounds it would have lost is not known.
    samples: samples.filter(
      ({ benchmark, system }) =>
        ![...failed.keys()].some((job) => job.system === system && has(job, benchmark.id)),
    ),
    missing,
    failures: [...failed.values()],
    systems: await versionsOf(jobs),
    planted: plantedBy(process.env),
  };
  return resultOf(recorded, {
    startedAt: startedAt.toISOString(),
    finishedAt: new Date().toISOString(),
    mode,
    settings,
    calibration: mergeCalibrations(before, after),
    fingerprint: fingerprint({
      relayCores: core === null ? null : [core],
      loadCores: placement.loadCores.some((one) => one === null)
        ? null
        : [...new Set(placement.loadCores as number[])],
    }),
  });
}

/** The core's speed during a round, as far as that before and after it tells. */
function meanSpeed(before: Speed, after: Speed): Speed {
  return {
    processor: Math.sqrt(before.processor * after.processor),
    kernel: Math.sqrt(before.kernel * after.kernel),
  };
}

function has(job: Job, benchmark: string): boolean {
  return job.kind !== 'micro' && job.steps.some((step) => step.benchmark.id === benchmark);
}

function runRound(
  job: Job,
  placement: Placement,
  at: { start: RoundStart; round: number },
): Promise<Sample[]> {
  switch (job.kind) {
    case 'micro':
      return microRound(job, placement, at.start);
    case 'load':
      return runLoadRound(job, SYSTEMS[job.system], placement, at);
    case 'scenario':
      return runScenarioRound(job, SYSTEMS[job.system], placement, at.start);
  }
}

async function microRound(
  { suites, benchmarks, passMs, passes }: MicroJob,
  { relayCore, loadCores }: Placement,
  start: RoundStart,
): Promise<Sample[]> {
  const loadCore = loadCores[0] ?? null;
  const { samples } = await runMicroRound({ suites, core: relayCore, loadCore, passMs, passes });
  return samples.map(({ benchmark: id, nsPerOp, figures: others }): Sample => {
    const benchmark = benchmarks.find((one) => one.id === id);
    if (!benchmark) throw new Error(`The suites measured "${id}", which was not planned.`);
    const round = { ...start, loadCpuShare: null, othersCpuShare: null };
    const figures = { timePerOp: nsPerOp, ...others };
    return {
      benchmark,
      system: 'supernode',
      figures,
      histogram: null,
      latencyFrom: 'sent',
      arrivedShare: null,
      round,
    };
  });
}

async function missingOf(jobs: readonly Job[]): Promise<Missing[]> {
  const missing: Missing[] = [];
  for (const id of systemsOf(jobs)) {
    const found = await SYSTEMS[id].missing();
    if (found) missing.push({ system: id, ...found });
  }
  return missing;
}

async function versionsOf(jobs: readonly Job[]): Promise<Result['systems']> {
  const versions: Result['systems'] = {};
  for (const id of systemsOf(jobs)) {
    const system: System = SYSTEMS[id];
    versions[id] = { title: system.title, version: await system.version() };
  }
  return versions;
}

function systemsOf(jobs: readonly Job[]): Set<SystemId> {
  return new Set(jobs.map(({ system }) => system));
}

function nameOf(job: Job): string {
  if (job.kind === 'micro') return `suites ${job.suites.join(', ')}`;
  const profiles = new Set(job.steps.map(({ benchmark }) => benchmark.profile));
  return `${[...profiles].join(' and ')} with ${job.crowd.peers} peers on ${job.system}`;
}

function describe(job: Job, round: number): string {
  return `round ${round + 1} of ${job.rounds}: ${nameOf(job)}`;
}
