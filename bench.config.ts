/**
 * What `supernode bench` measures, how long, and where. `--config FILE` lays a file of the same form over this one; flags
 * come last. Each setting is explained, with its bounds, in bench/config.ts.
 */
import { defineBenchConfig, PROFILE_NAMES, SUITE_NAMES } from './bench/config.ts';

export default defineBenchConfig({
  // Under 90 seconds on two cores: the suites, and every relay figure beside its main rivals.
  quick: {
    // A million of anything takes its time to set up.
    suites: SUITE_NAMES.filter((name) => !name.endsWith('-million')),
    profiles: [],
    rivals: ['ws', 'uws-relay', 'uws-echo', 'nats'],
    peers: [100],
    rounds: {
      micro: 7,
      microRelay: 0,
      relay: 8,
      relayRivals: 4,
      profile: 3,
      profileRivals: 2,
      scenario: 3,
      search: 1,
    },
    durations: {
      warmupMs: 100,
      measureMs: 350,
      scenarioMs: 1_500,
      calibrationMs: 1_200,
      probeMs: 400,
      probes: 6,
      microMs: 900,
    },
  },

  // Under 15 minutes: every profile at every size, the highest rate that each carries, all rivals.
  full: {
    // The first run of directory-million signs a million records: by --suite only.
    suites: SUITE_NAMES.filter((name) => name !== 'directory-million'),
    profiles: [...PROFILE_NAMES],
    rivals: ['ws', 'uws-relay', 'uws-echo', 'nats', 'coturn-tcp', 'coturn-tcp-udp', 'coturn-udp'],
    peers: [100, 1_000, 10_000],
    rounds: {
      micro: 10,
      microRelay: 7,
      relay: 12,
      relayRivals: 4,
      profile: 3,
      profileRivals: 3,
      scenario: 2,
      search: 2,
    },
    durations: {
      warmupMs: 200,
      measureMs: 500,
      scenarioMs: 2_000,
      calibrationMs: 3_000,
      probeMs: 400,
      probes: 6,
      microMs: 2_500,
    },
  },

  placement: { relay: 'auto', load: 'auto', loadProcesses: 'auto', shards: 1 },
  reporters: [],
  thresholds: { noise: 0.06, alpha: 0.05, objectiveP99Ms: 10 },
});
