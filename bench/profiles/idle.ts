/**
 * Peers that are logged in and do nothing but one keep-alive in 20 seconds: most peers, most of the time. A supernode had
 * about 100 clients in 2005 and 800 in 2012, hosted ones 4,100 (Kortchinski 2012), and 95% of clients used less than 100
 * bit/s for signalling (Rossi et al. 2010). What they cost a relay is memory.
 */
import type { ScenarioProfile } from './profile.ts';

export const idle: ScenarioProfile = {
  kind: 'scenario',
  name: 'idle',
  title: 'peers that are logged in and wait',
  mostPeers: 10_000,
  crowd: (peers) => ({ kind: 'idle', peers, seed: 1, keepAliveMs: 20_000, concurrency: 200 }),
  steps: [
    {
      name: 'steady',
      title: 'idle peers, a keep-alive in 20 s each',
      phase: (warmupMs, measureMs) => ({ kind: 'steady', warmupMs, measureMs }),
      metrics: ['bytesPerPeer', 'cpuPerPeer', 'latencyP50', 'latencyP99', 'relayCpuShare', 'rss', 'drops'],
    },
  ],
  memoryPerPeer: true,
};
