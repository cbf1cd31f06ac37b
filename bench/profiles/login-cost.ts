/**
 * What a login costs the relay, in CPU time of all its threads: TCP connection, WebSocket upgrade, proof and answer. Measured
 * with a crowd that comes and stays, and over and over with few peers, where the closing of the connection that each login
 * replaces is in it. Beside it, in the same round and on the same core, the rate at which Node checks Ed25519 signatures
 * (RFC 8032, 2017): a first login cannot be cheaper than that, and its share is the figure.
 */
import type { ScenarioProfile, ScenarioStep } from './profile.ts';

const CONCURRENCY = 100;
/** Who comes and stays. Half a second of logins, a quarter of resumes. */
const CROWD = 4_000;
const CROWD_MS = 1_000;
/** A test's run is short on purpose. */
const SMALL_CROWD = 40;
const SHORT_MS = 500;
const PROOFS = {
  signature: 'a signature',
  early: 'a ticket in the request',
};
/**
 * Logins by signature and by ticket go through different code: each is compiled before it is measured. After 1.2 s the
 * compiler is still at work on a slow machine, and a login seems to cost a quarter more (530 us against 410, medians in turns).
 */
const LEAST_WARM_UP_MS = 5_000;
/** Where what is measured has run before, in the crowd. */
const LEAST_WARM_AGAIN_MS = 1_500;

function logins(proof: keyof typeof PROOFS, stays: boolean): ScenarioStep {
  return {
    name: stays ? `${proof}-stay` : proof,
    title: `logins with ${PROOFS[proof]}, ${CONCURRENCY} at a time${stays ? '' : ', each leaves again'}`,
    phase: (warmupMs, measureMs) => {
      const isShort = measureMs < SHORT_MS;
      const leastMs = stays ? LEAST_WARM_UP_MS : LEAST_WARM_AGAIN_MS;
      return {
        kind: 'logins-alone',
        proof,
        concurrency: CONCURRENCY,
        peers: stays ? (isShort ? SMALL_CROWD : CROWD) : null,
        warmupMs: isShort ? warmupMs : Math.max(warmupMs, leastMs),
        // What the crowd takes, on a slow machine.
        measureMs: stays && !isShort ? CROWD_MS : measureMs,
      };
    },
    metrics: [
      'cpuPerLogin',
      proof === 'signature' ? 'signatureShare' : 'overSignature',
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
  steps: [
    logins('signature', true),
    logins('early', true),
    logins('signature', false),
    logins('early', false),
  ],
  memoryPerPeer: false,
};
