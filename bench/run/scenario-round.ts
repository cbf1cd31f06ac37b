/** One round of a scenario: a fresh relay, a fresh scenario process, and the scenario's steps. */
import { encodeIntoCompressedBase64 } from 'hdr-histogram-js';
import { Child } from '../load/child.ts';
import type {
  FromScenario,
  OperationResult,
  ScenarioPhase,
  ScenarioResult,
  ToScenario,
} from '../load/scenarios/scenario.ts';
import { SpeedProbe } from '../machine/speed-probe.ts';
import type { RunningSystem, System, Usage } from '../systems/system.ts';
import type { Benchmark, ScenarioJob } from './benchmark.ts';
import { idleTimes, othersCpuShare } from './core-time.ts';
import { latencyFigures, merge, msAt } from './histograms.ts';
import { addShares, costFigures, floodFigures } from './login-figures.ts';
import type { Placement } from './placement.ts';
import type { Figures, RoundStart, Sample } from './sample.ts';

/** A login costs a signature on either side; calls and tickets come on top. */
const CONNECT_MS_PER_PEER = 20;
const SETTLE_MS = 30_000;
/** Of the peers, before the memory of an empty relay is read. */
const WARM_UP_SHARE = 0.2;

type ScenarioProcess = Child<ToScenario, FromScenario>;

/** @throws Error with one sentence: the relay did not come up, or the scenario found a fault. */
export async function runScenarioRound(
  job: ScenarioJob,
  system: System,
  { relayCore, loadCores, shards }: Placement,
  start: RoundStart,
): Promise<Sample[]> {
  const running = await system.start({ core: relayCore, shards });
  const loadCore = loadCores[0] ?? null;
  const load: ScenarioProcess = new Child('scenarios/scenario-process', { name: 'scenario', core: loadCore });
  try {
    const { peers } = job.crowd;
    const emptyBytes = job.memoryPerPeer ? await emptied(load, running, job) : null;
    await connect(load, running, job.crowd);
    const bytesPerPeer =
      emptyBytes === null ? undefined : ((await running.collectedRssBytes()) - emptyBytes) / peers;
    const samples: Sample[] = [];
    for (const { benchmark, phase } of job.steps) {
      const observed = await observe(phase, load, running, { relayCore, loadCore });
      const figures = figuresOf(observed, peers);
      samples.push(
        sampleOf(benchmark, observed, { ...figures, ...(bytesPerPeer && { bytesPerPeer }) }, start),
      );
    }
    load.tell({ kind: 'stop' });
    await load.next('stopped', SETTLE_MS);
    if (job.crowd.kind === 'login-cost') addShares(samples, await signaturesPerSec(relayCore));
    return samples;
  } finally {
    await Promise.all([load.stop(), running.stop()]);
  }
}

/** On the relay's core, with the relay at rest. */
async function signaturesPerSec(core: number | null): Promise<number> {
  await using probe = new SpeedProbe({ core });
  return await probe.signaturesPerSec();
}

async function connect(
  load: ScenarioProcess,
  running: RunningSystem,
  crowd: ScenarioJob['crowd'],
): Promise<void> {
  load.tell({ kind: 'connect', plan: { ...crowd, address: running.address } });
  await load.next('connected', crowd.peers * CONNECT_MS_PER_PEER);
}

/**
 * Memory of the relay with code, pools and tables at their working size, and nobody there. A part of the peers has been
 * there: all of them would leave memory behind that is free but not given back, and seem to cost less than they do.
 */
async function emptied(
  load: ScenarioProcess,
  running: RunningSystem,
  { crowd }: ScenarioJob,
): Promise<number> {
  await connect(load, running, { ...crowd, peers: Math.ceil(crowd.peers * WARM_UP_SHARE) });
  load.tell({ kind: 'disconnect' });
  await load.next('disconnected', SETTLE_MS);
  return running.collectedRssBytes();
}

interface Observed {
  result: ScenarioResult;
  before: Usage;
  after: Usage;
  othersCpuShare: number | null;
}

async function observe(
  phase: ScenarioPhase,
  load: ScenarioProcess,
  running: RunningSystem,
  { relayCore, loadCore }: { relayCore: number | null; loadCore: number | null },
): Promise<Observed> {
  load.tell({ kind: 'run', phase });
  await load.next('measuring', 2 * phase.warmupMs + SETTLE_MS);
  const before = await running.usage();
  const idleBefore = idleTimes();
  const { result } = await load.next('measured', measuredMs(phase));
  const after = await running.usage();
  const others = othersCpuShare(idleBefore, idleTimes(), [
    { core: relayCore, share: (after.cpuMs - before.cpuMs) / (after.atMs - before.atMs) },
    { core: loadCore, share: result.cpuMs / result.elapsedMs },
  ]);
  return { result, before, after, othersCpuShare: others };
}

function measuredMs(phase: ScenarioPhase): number {
  return phase.kind === 'quiet-and-flood' ? 2 * phase.turns * phase.measureMs : phase.measureMs;
}

function sampleOf(
  benchmark: Benchmark,
  { result, othersCpuShare }: Observed,
  figures: Figures,
  start: RoundStart,
): Sample {
  return {
    benchmark,
    system: 'supernode',
    figures,
    histogram: mainHistogram(result),
    latencyFrom: 'intended',
    arrivedShare: null,
    round: { ...start, loadCpuShare: result.cpuMs / result.elapsedMs, othersCpuShare },
  };
}

/** Whose latency is the scenario's. */
function mainHistogram(result: ScenarioResult): string {
  switch (result.kind) {
    case 'login-storm':
    case 'login-cost':
      return result.login.histogram;
    case 'login-flood':
      return encodeIntoCompressedBase64(merge(result.flood.map(({ histogram }) => histogram)));
    case 'idle':
      return result.ping.histogram;
    case 'supernode':
      return result.operations.audio.histogram;
  }
}

function figuresOf({ result, before, after }: Observed, peers: number): Figures {
  const relayCpuShare = (after.cpuMs - before.cpuMs) / (after.atMs - before.atMs);
  const dropped = after.drops === null || before.drops === null ? 0 : after.drops - before.drops;
  return {
    ...latencyFigures(merge([mainHistogram(result)])),
    relayCpuShare,
    rss: after.rssBytes,
    drops: dropped,
    cpuPerPeer: (relayCpuShare * 1e6) / peers,
    ...figuresOfKind(result, relayCpuShare, dropped),
  };
}

function figuresOfKind(result: ScenarioResult, relayCpuShare: number, drops: number): Figures {
  if (result.kind === 'idle') return {};
  if (result.kind === 'login-cost') return costFigures(result, relayCpuShare);
  if (result.kind === 'login-flood') return floodFigures(result, drops);
  if (result.kind === 'login-storm') {
    const { login, audio, refused } = result;
    return {
      loginsPerSec: login.perSec,
      ...(login.perSec > 0 && { cpuPerLogin: (relayCpuShare * 1e6) / login.perSec }),
      loginsRefused: Object.values(refused).reduce((sum, count) => sum + count, 0),
      ...(audio && p99('audioP99', audio)),
    };
  }
  const { operations } = result;
  const framesPerSec = Object.values(operations).reduce((sum, { perSec }) => sum + perSec, 0);
  return {
    throughput: framesPerSec,
    ...(framesPerSec > 0 && { cpuPerFrame: (relayCpuShare * 1e6) / framesPerSec }),
    ...p99('videoP99', operations.video),
    ...p99('setUpP99', operations['set-up']),
  };
}

function p99(name: 'audioP99' | 'videoP99' | 'setUpP99', { histogram }: OperationResult): Figures {
  const merged = merge([histogram]);
  return merged.totalCount === 0 ? {} : { [name]: msAt(merged, 0.99) };
}
