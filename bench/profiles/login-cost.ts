/**
 * What a login costs the relay, in CPU time of all its threads: TCP connection, WebSocket upgrade, hello, proof, answer,
 * and the closing of the connection that it replaces. Beside it, in the same round and on the same core, the rate at which
 * Node checks Ed25519 signatures (RFC 8032, 2017): a first login cannot be cheaper than that, and its share is the figure.
 */
import type { LoginProofKind } from '../load/scenarios/scenario.ts';
import type { ScenarioProfile, ScenarioStep } from './profile.ts';

const CONCURRENCY = 100;
/**
 * Logins by signature and by ticket go through different code: each is compiled before it is measured. After 1.2 s the
 * compiler is still at work on a slow machine, and a login seems to cost a quarter more (530 us against 410, medians in turns).
 */
const LEAST_WARM_UP_MS = 5_000;

function logins(proof: LoginProofKind, ratio: 'signatureShare' | 'overSignature'): ScenarioStep {
  return {
    name: proof,
    title: `logins with a ${proof}, ${CONCURRENCY} at a time, nothing beside them`,
    phase: (warmupMs, measureMs) => ({
      kind: 'logins-closed',
      proof,
      concurrency: CONCURRENCY,
      // A test's run is short on purpose.
      warmupMs: measureMs < 500 ? warmupMs : Math.max(warmupMs, LEAST_WARM_UP_MS),
      measureMs,
    }),
    metrics: [
      'cpuPerLogin',
      ratio,
      'signaturesPerSec',
      'loginsPerSec',
      'latencyP50',
      'latencyP99',
      'loginsRefused',
      'relayCpuShare',
      'rss',
    ],
  };
}

export const loginCost: ScenarioProfile = {
  kind: 'scenario',
  name: 'login-cost',
  title: 'what a login costs, beside the signature that it checks',
  mostPeers: 300,
  crowd: (peers) => ({ kind: 'login-cost', peers, seed: 1 }),
  steps: [logins('signature', 'signatureShare'), logins('ticket', 'overSignature')],
  memoryPerPeer: false,
};
