/**
 * Calls in progress while the relay is flooded with logins by keys that sign correctly, in turns with quiet. In August 2007
 * and December 2010 floods of logins took Skype's network down, calls included (Rossi et al. 2009; Rabbe 2010): here a
 * call must not hear of it. `closed` is as many whole logins as one core of load makes, connections included; `waves` sends
 * the proofs of thousands of fresh connections at ten times what the relay takes.
 */
import type { ScenarioProfile, ScenarioStep } from './profile.ts';

/** 50 calls. */
const PEERS = 100;
const OVER_CAPACITY = 10;
const TURNS = 3;
/** Keys of the flood: the sockets of a wave at ten times 5,000 logins a second. */
const KEYS = 7_500;
/** For a figure of the relay's capacity, compiled. */
const LEAST_WARM_UP_MS = 1_000;

function floods(flood: 'closed' | 'waves', title: string): ScenarioStep {
  return {
    name: flood,
    title: `calls beside ${title}`,
    phase: (warmupMs, measureMs) => ({
      kind: 'quiet-and-flood',
      flood,
      overCapacity: OVER_CAPACITY,
      turns: TURNS,
      warmupMs: measureMs < 500 ? warmupMs : Math.max(warmupMs, LEAST_WARM_UP_MS),
      measureMs,
    }),
    metrics: [
      'floodOverQuiet',
      'audioP99',
      'quietAudioP99',
      'offeredOverCapacity',
      'loginsPerSec',
      'loginsRefused',
      'latencyP50',
      'latencyP999',
      'latencyMax',
      'relayCpuShare',
      'rss',
      'drops',
    ],
  };
}

export const loginFlood: ScenarioProfile = {
  kind: 'scenario',
  name: 'login-flood',
  title: 'calls in progress beside a flood of logins',
  mostPeers: PEERS,
  crowd: (peers) => ({ kind: 'login-flood', peers, seed: 1, keys: KEYS }),
  steps: [
    floods('closed', 'as many logins as one core makes'),
    floods('waves', `waves of proofs, ${OVER_CAPACITY} times what the relay takes`),
  ],
  memoryPerPeer: false,
};
