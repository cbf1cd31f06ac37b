/**
 * Everybody logs in at once, while calls go on. On 16 August 2007 a routine update restarted users' computers the world
 * over, and the flood of logins kept the network down for two days: three times the packets and four times the flows at
 * one campus (Rossi et al., "Evidences Behind Skype Outage", ICC 2009); on 22 December 2010 restarts sent about a hundred
 * times the usual load at the supernodes that were left (Rabbe 2010). A first login costs a signature; who comes back
 * with a ticket costs a hash.
 */
import type { LoginProofKind } from '../load/scenarios/scenario.ts';
import type { ScenarioProfile, ScenarioStep } from './profile.ts';

/** Logins under way at a time: enough to keep the relay busy, and no queue that only adds to the latency. */
const CONCURRENCY = 100;

function logins(proof: LoginProofKind): ScenarioStep {
  return {
    name: proof,
    title: `logins with a ${proof}, ${CONCURRENCY} at a time, beside 20 calls`,
    phase: (warmupMs, measureMs) => ({
      kind: 'logins-closed',
      proof,
      concurrency: CONCURRENCY,
      warmupMs,
      measureMs,
    }),
    metrics: [
      'loginsPerSec',
      'cpuPerLogin',
      'latencyP50',
      'latencyP90',
      'latencyP99',
      'latencyP999',
      'latencyMax',
      'audioP99',
      'loginsRefused',
      'relayCpuShare',
      'rss',
      'drops',
    ],
  };
}

export const loginStorm: ScenarioProfile = {
  kind: 'scenario',
  name: 'login-storm',
  title: 'everybody logs in at once, beside calls',
  mostPeers: 10_000,
  crowd: (peers) => ({ kind: 'login-storm', peers, seed: 1, calls: 20 }),
  steps: [logins('signature'), logins('ticket')],
  memoryPerPeer: false,
};
