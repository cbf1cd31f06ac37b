/** How long a plan takes, about: for `--list`, the progress line, and the test that quick is quick. */
import type { ScenarioPhase } from '../load/scenarios/scenario.ts';
import { SUITES_OF_A_RELAY } from '../suites/suite.ts';
import type { Job, LoadStep } from './benchmark.ts';

/** Processes come up and end, modules load: as measured on a machine with two cores. */
const START_MS = 450;
const MICRO_START_MS = 1_900;
/** Of each suite that starts a relay of its own. */
const MICRO_RELAY_MS = 800;
const PROBE_MS = 40;
/** Between phases: telling, asking for CPU time, waiting for what is under way. */
const PHASE_MS = 40;
/** Logins cost a signature on either side; rivals let anybody in. */
const CONNECT_MS_PER_PEER = { supernode: 0.6, rival: 0.25 };
/** After a probe that was too much the load waits until everything has arrived. */
const SETTLE_MS = 450;
const FLOOD_END_MS = 1_500;
/** Two readings of memory, each after collections of garbage. */
const MEMORY_MS = 1_200;

export function roundMs(job: Job, round: number): number {
  if (job.kind === 'micro') {
    const relays = job.suites.filter((suite) => SUITES_OF_A_RELAY.includes(suite)).length;
    const start = job.suites.length > relays ? MICRO_START_MS : 0;
    return start + relays * MICRO_RELAY_MS + job.benchmarks.length * (job.passes + 1) * job.passMs;
  }
  const { peers } = job.crowd;
  if (job.kind === 'scenario') {
    const connects = job.memoryPerPeer ? 1.2 : 1;
    const phases = job.steps.reduce((sum, { phase }) => sum + phaseMs(phase) + PHASE_MS, 0);
    const memoryMs = job.memoryPerPeer ? MEMORY_MS : 0;
    return START_MS + connects * peers * CONNECT_MS_PER_PEER.supernode + memoryMs + phases;
  }
  const steps = job.steps.filter(({ rounds }) => round < rounds);
  const connectMs = peers * CONNECT_MS_PER_PEER[job.system === 'supernode' ? 'supernode' : 'rival'];
  return START_MS + connectMs + steps.reduce((sum, step) => sum + stepMs(step), 0);
}

/** A turn of quiet and flood ends when the last login of the flood has been answered. */
function phaseMs(phase: ScenarioPhase): number {
  if (phase.kind !== 'quiet-and-flood') return phase.warmupMs + phase.measureMs;
  return 2 * phase.warmupMs + phase.turns * (2 * phase.measureMs + FLOOD_END_MS);
}

function stepMs({ work }: LoadStep): number {
  if (work.kind === 'phase') return work.phase.warmupMs + work.phase.measureMs + PHASE_MS;
  return work.probes * (1.25 * work.probeMs + SETTLE_MS);
}

/** @param calibrationMs of all calibrations. */
export function estimateMs(order: readonly { job: Job; round: number }[], calibrationMs: number): number {
  return order.reduce((sum, { job, round }) => sum + PROBE_MS + roundMs(job, round), calibrationMs);
}
