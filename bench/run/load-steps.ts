/** Steps of a load: a profile at one size, as a phase and as the benchmark that it answers. */
import type { ModeConfig } from '../config.ts';
import type { Flow, Sizes } from '../load/plan.ts';
import type { ClosedProfile, LoadProfile, OpenProfile } from '../profiles/profile.ts';
import type { LoadStep, Parameters } from './benchmark.ts';
import { CAPACITY } from './metrics.ts';

type Durations = ModeConfig['durations'];

/** Below it every system that is compared here has time to spare. */
const FIRST_PROBE_PER_SEC = 20_000;

export function meanBytes(sizes: Sizes): number {
  if ('bytes' in sizes) return sizes.bytes;
  return Math.round(sizes.oneOf.reduce((sum, bytes) => sum + bytes, 0) / sizes.oneOf.length);
}

const COLD_MS = 250;

/** With ten times the sockets a packet costs the kernel about twice as much, on both sides. */
export const MANY_PEERS = 2_000;

/** Packets a second of all peers together, at factor 1. */
export function offeredPerSec({ shape, flows }: LoadProfile, peers: number): number {
  const perPeer = flows.reduce((sum, flow) => sum + flow.ratePerSec, 0);
  return (shape === 'pairs' ? peers : peers - 1) * perPeer;
}

export function windowOf({ underWay }: ClosedProfile, peers: number): number {
  return Math.max(1, Math.round(underWay / peers));
}

function flowParameters(
  { shape, flows }: { shape: string; flows: readonly Flow[] },
  peers: number,
): Parameters {
  const [flow] = flows as [Flow];
  const sizes = 'oneOf' in flow.sizes ? flow.sizes.oneOf : [flow.sizes.bytes];
  return {
    peers,
    shape,
    payloadBytes: meanBytes(flow.sizes),
    payloadFromBytes: Math.min(...sizes),
    payloadToBytes: Math.max(...sizes),
    priority: flow.priority,
    reliable: flow.reliable,
  };
}

export function closedStep(
  profile: ClosedProfile,
  peers: number,
  messages: 'single' | 'bundled',
  { warmupMs, measureMs }: Durations,
  suite: string,
  window = windowOf(profile, peers),
): LoadStep {
  const single = `relay/${profile.name}/single/p${peers}`;
  const inMessages = messages === 'single' ? 'one frame a message' : 'in bundles';
  const against = messages === 'single' ? '' : ' (rivals: one frame a message)';
  return {
    benchmark: {
      id: `relay/${profile.name}/${messages}/p${peers}`,
      suite,
      profile: profile.name,
      title: `${profile.name}, ${peers} peers x ${window} under way, ${inMessages}${against}`,
      parameters: { ...flowParameters(profile, peers), loop: 'closed', window, messages },
      metrics: profile.metrics,
      rivalsDo: messages === 'single' ? null : single,
    },
    work: { kind: 'phase', phase: { kind: 'closed', window, messages, warmupMs, measureMs } },
    rounds: Number.POSITIVE_INFINITY,
  };
}

export function openStep(
  profile: OpenProfile,
  peers: number,
  { warmupMs, measureMs }: Durations,
  suite: string,
): LoadStep {
  const fullRate = offeredPerSec(profile, peers);
  const mostPerSec = peers > MANY_PEERS ? profile.mostPerSec / 2 : profile.mostPerSec;
  const rateFactor = Math.min(1, mostPerSec / fullRate);
  const ratePerSec = Math.round(fullRate * rateFactor);
  const lowered = rateFactor < 1 ? `, at ${percent(rateFactor)} of their rate` : '';
  return {
    benchmark: {
      id: `relay/${profile.name}/p${peers}`,
      suite,
      profile: profile.name,
      title: `${profile.name}, ${peers} peers${lowered}`,
      parameters: {
        ...flowParameters(profile, peers),
        loop: 'open',
        ratePerSec,
        rateFactor,
        burst: profile.flows[0]!.burst,
      },
      metrics: profile.metrics,
      rivalsDo: null,
    },
    work: { kind: 'phase', phase: { kind: 'open', rateFactor, warmupMs, measureMs } },
    rounds: Number.POSITIVE_INFINITY,
  };
}

export function searchStep(
  profile: LoadProfile,
  peers: number,
  { probes, probeMs }: Durations,
  objectiveP99Ms: number,
): LoadStep {
  return {
    benchmark: {
      id: `relay/${profile.name}/capacity/p${peers}`,
      suite: 'profile',
      profile: profile.name,
      title: `${profile.name}, ${peers} peers: highest rate with p99 <= ${objectiveP99Ms} ms and no loss`,
      parameters: { ...flowParameters(profile, peers), loop: 'open', objectiveP99Ms, probes, probeMs },
      metrics: CAPACITY,
      rivalsDo: null,
    },
    work: {
      kind: 'search',
      ratePerSec: offeredPerSec(profile, peers),
      fromPerSec: FIRST_PROBE_PER_SEC,
      probes,
      probeMs,
      objectiveP99Ms,
    },
    rounds: Number.POSITIVE_INFINITY,
  };
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(2))}%`;
}

/** Steps of one job: a process that has just started interprets its code, and the first step would pay for the compiler. */
export function warmedUp([first, ...others]: LoadStep[]): LoadStep[] {
  if (first?.work.kind !== 'phase') return [];
  const warmupMs = Math.max(COLD_MS, first.work.phase.warmupMs);
  return [{ ...first, work: { ...first.work, phase: { ...first.work.phase, warmupMs } } }, ...others];
}
