/** One round of a load job: a fresh system, fresh load processes, and the job's steps on their connections. */
import { encodeIntoCompressedBase64 } from 'hdr-histogram-js';
import type { Phase } from '../load/plan.ts';
import type { RunningSystem, System, Usage } from '../systems/system.ts';
import type { LoadJob, LoadStep } from './benchmark.ts';
import { idleTimes, othersCpuShare } from './core-time.ts';
import { latencyFigures, merge } from './histograms.ts';
import { type GroupMeasured, LoadGroup } from './load-group.ts';
import type { Placement } from './placement.ts';
import type { RoundStart, Sample } from './sample.ts';
import { type Probe, search } from './search.ts';

/** One phase, measured from both sides. */
export interface Observed {
  load: GroupMeasured;
  before: Usage;
  after: Usage;
  /** CPU time of the system over wall time. */
  relayCpuShare: number;
  othersCpuShare: number | null;
}

/** @throws Error with one sentence: the system did not come up, or the load found a fault. */
export async function runLoadRound(
  job: LoadJob,
  system: System,
  placement: Placement,
  { start, round }: { start: RoundStart; round: number },
): Promise<Sample[]> {
  const running = await system.start({ core: placement.relayCore, shards: placement.shards });
  try {
    const plan = { ...job.crowd, dialect: system.dialect, address: running.address };
    const loads = await LoadGroup.connect(plan, placement.loadCores);
    try {
      const samples: Sample[] = [];
      const steps = job.steps.filter(({ rounds }) => round < rounds);
      for (const step of steps)
        samples.push(await measureStep(step, { job, system, running, loads, placement, start }));
      await loads.stop();
      return samples;
    } finally {
      await loads.end();
    }
  } finally {
    await running.stop();
  }
}

interface Scene {
  job: LoadJob;
  system: System;
  running: RunningSystem;
  loads: LoadGroup;
  placement: Placement;
  start: RoundStart;
}

async function measureStep(step: LoadStep, scene: Scene): Promise<Sample> {
  const { benchmark, work } = step;
  const { system } = scene;
  if (work.kind === 'phase') {
    const observed = await observe(work.phase, scene);
    const { lost, packets } = observed.load;
    if (packets === 0) throw new Error(`${system.title} delivered no packet in ${benchmark.id}.`);
    // A rival may lose packets, as UDP does: that is its figure. A loss of supernode's fails the run.
    if (lost > 0 && system.id === 'supernode')
      throw new Error(`${system.title} lost ${lost} of ${packets + lost} packets in ${benchmark.id}.`);
    return sampleOf(step, observed, scene);
  }
  const { best, limit } = await search(work, async (rateFactor): Promise<Probe<Observed>> => {
    const warmupMs = Math.round(work.probeMs / 4);
    const observed = await observe({ kind: 'open', rateFactor, warmupMs, measureMs: work.probeMs }, scene);
    const { due, packets, lost, histograms } = observed.load;
    const p99Ms = latencyFigures(merge(histograms)).latencyP99 ?? Number.POSITIVE_INFINITY;
    return { p99Ms, lost, arrivedShare: due ? packets / due : 0, observed };
  });
  const { figures, round, ...sample } = sampleOf(step, (best ?? limit)!.observed, scene);
  // Where the load was at its own end in the probe that failed, the limit that was found is the load's.
  const loadCpuShare = Math.max(...(limit ?? best)!.observed.load.cpuShares);
  return {
    ...sample,
    figures: { ...figures, rateAtObjective: best?.observed.load.packetsPerSec ?? 0 },
    arrivedShare: null,
    round: { ...round, loadCpuShare },
  };
}

async function observe(phase: Phase, { running, loads, placement }: Scene): Promise<Observed> {
  let before: Usage | undefined;
  let idleBefore = idleTimes();
  const load = await loads.run(phase, async () => {
    before = await running.usage();
    idleBefore = idleTimes();
  });
  const after = await running.usage();
  const idleAfter = idleTimes();
  if (!before) throw new Error('The load measured without a beginning.');
  const relayCpuShare = (after.cpuMs - before.cpuMs) / (after.atMs - before.atMs);
  const ours = [
    { core: placement.relayCore, share: relayCpuShare },
    ...loads.cores.map((core, i) => ({ core, share: load.cpuShares[i]! })),
  ];
  return { load, before, after, relayCpuShare, othersCpuShare: othersCpuShare(idleBefore, idleAfter, ours) };
}

export function sampleOf(
  { benchmark, work }: LoadStep,
  observed: Observed,
  { job, start }: Pick<Scene, 'job' | 'start'>,
): Sample {
  const { load, before, after, relayCpuShare } = observed;
  const histogram = merge(load.histograms);
  const dropped = after.drops === null || before.drops === null ? 0 : after.drops - before.drops;
  return {
    benchmark,
    system: job.system,
    figures: {
      throughput: load.packetsPerSec,
      // Each over its own clock: the load's answer and the system's come at different times.
      ...(load.packets > 0 && { cpuPerFrame: (relayCpuShare * 1e6) / load.packetsPerSec }),
      ...latencyFigures(histogram),
      relayCpuShare,
      rss: after.rssBytes,
      drops: Math.max(dropped, load.lost),
    },
    histogram: encodeIntoCompressedBase64(histogram),
    latencyFrom: work.kind === 'search' || work.phase.kind === 'open' ? 'intended' : 'sent',
    arrivedShare: load.due ? load.packets / load.due : null,
    round: {
      ...start,
      loadCpuShare: Math.max(...load.cpuShares),
      othersCpuShare: observed.othersCpuShare,
    },
  };
}
