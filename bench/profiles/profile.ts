/** What a profile is: a shape of load that cites where its figures come from. Each is a file beside this one. */
import type { Flow } from '../load/plan.ts';
import type { ScenarioPhase, ScenarioPlan } from '../load/scenarios/scenario.ts';
import type { MetricName } from '../run/metrics.ts';
import type { SystemId } from '../systems/system.ts';

export const PROFILE_NAMES = [
  'voice',
  'video',
  'message',
  'supernode',
  'login-storm',
  'login-cost',
  'login-flood',
  'idle',
  'fan-in',
  'saturate',
] as const;
export type ProfileName = (typeof PROFILE_NAMES)[number];

interface About {
  name: ProfileName;
  /** One line, as `--list` and the tables show it. */
  title: string;
  /** Most peers that it has; where more are asked for, it has this many. */
  mostPeers: number;
  /** Whom supernode is compared with, where the configuration has them too. */
  rivals: readonly SystemId[];
  /** Rivals are measured at every size, or only at the one in the middle of those asked for. */
  rivalsAt: 'every-size' | 'middle-size';
  /** What is kept of every round. The first one is the figure by which two results are compared. */
  metrics: readonly MetricName[];
}

/** Packets leave at a rate, whatever the relay does: what users of the network do. */
export interface OpenProfile extends About {
  kind: 'open';
  shape: 'pairs' | 'fan-in';
  flows: readonly Flow[];
  /**
   * Packets a second of all peers together, at most: what two cores carry with room to spare; half of it with thousands. With more peers than that
   * allows each of them sends less often; `ratePerSec` and `rateFactor` of the case say how often.
   */
  mostPerSec: number;
}

/** A packet leaves when one has come: the relay sets the pace. */
export interface ClosedProfile extends About {
  kind: 'closed';
  shape: 'pairs' | 'fan-in';
  flows: readonly [Flow];
  /** Packets under way of all peers together; each peer has its part, but one at least. */
  underWay: number;
  messages: readonly ('single' | 'bundled')[];
}

type WithoutAddress<T> = T extends unknown ? Omit<T, 'address'> : never;
export type ScenarioCrowd = WithoutAddress<ScenarioPlan>;

/** One measurement on the peers of a scenario. */
export interface ScenarioStep {
  /** Ends the benchmark's name. */
  name: string;
  title: string;
  phase(warmupMs: number, measureMs: number): ScenarioPhase;
  metrics: readonly MetricName[];
}

/** More than packets between peers who are there: logins, look-ups, peers who come and go. Rivals know none of it. */
export interface ScenarioProfile extends Omit<About, 'rivals' | 'rivalsAt' | 'metrics'> {
  kind: 'scenario';
  crowd(peers: number): ScenarioCrowd;
  steps: readonly ScenarioStep[];
  /** Memory is read with everybody gone and again with everybody there, each time after a collection of garbage. */
  memoryPerPeer: boolean;
}

export type LoadProfile = OpenProfile | ClosedProfile;
export type Profile = LoadProfile | ScenarioProfile;
