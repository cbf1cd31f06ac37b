/**
 * What a supernode carries: 15% of its peers in a relayed call, 40% of the calls with video (as of 2010), the rest idle
 * with keep-alive, presence and messages; peers come and go after 1 to 2 or 7 to 10 hours (Rossi et al. 2009), and contact
 * 16 others in 5 minutes (Rossi et al. 2010). Hours would be needed to see that, so a user's life goes 60 times as fast;
 * the packets of calls go at their true rate. Every figure and its source is in bench/load/scenarios/supernode-mix.ts.
 */
import type { ScenarioProfile } from './profile.ts';

export const supernode: ScenarioProfile = {
  kind: 'scenario',
  name: 'supernode',
  title: 'the mix of a supernode: calls, video, messages, presence, logins',
  mostPeers: 10_000,
  crowd: (peers) => ({
    kind: 'supernode',
    peers,
    seed: 1,
    concurrency: 200,
    audio: '160x50',
    compression: 60,
    presence: 'watches',
  }),
  steps: [
    {
      name: 'mix',
      title: 'mix of a supernode, a life 60 times as fast',
      phase: (warmupMs, measureMs) => ({ kind: 'steady', warmupMs, measureMs }),
      metrics: [
        'cpuPerFrame',
        'throughput',
        'cpuPerPeer',
        'latencyP50',
        'latencyP90',
        'latencyP99',
        'latencyP999',
        'latencyMax',
        'videoP99',
        'setUpP99',
        'relayCpuShare',
        'rss',
        'drops',
      ],
    },
  ],
  memoryPerPeer: false,
};
