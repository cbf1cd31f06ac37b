/** The jobs of a profile: one for each size and system. */
import type { LoadProfile, Profile, ScenarioProfile } from '../profiles/profile.ts';
import type { SystemId } from '../systems/system.ts';
import type { LoadJob, LoadStep, Parameters, ScenarioJob } from './benchmark.ts';
import { closedStep, MANY_PEERS, openStep, searchStep, warmedUp } from './load-steps.ts';
import type { PlanOptions } from './plan.ts';

/** An allocation of coturn takes a port and, over TCP, many round trips: 10,000 of them take longer than the figure is worth. */
const MOST_PEERS_OF: Partial<Record<SystemId, number>> = {
  'coturn-tcp': 1_000,
  'coturn-tcp-udp': 1_000,
  'coturn-udp': 1_000,
};

export function profileJobs(profile: Profile, options: PlanOptions): (LoadJob | ScenarioJob)[] {
  const sizes = sizesOf(profile, options.peers);
  if (profile.kind === 'scenario') return sizes.map((peers) => scenarioJob(profile, peers, options));
  const asked: readonly SystemId[] = options.rivals;
  const rivals = profile.rivals.filter((rival) => asked.includes(rival));
  const { profile: rounds, profileRivals, search } = options.rounds;
  const middle = sizes[sizes.length >> 1];
  return sizes.flatMap((peers) => {
    const isMiddle = peers === middle;
    const compared = rivals.filter(
      (rival) =>
        (profile.rivalsAt === 'every-size' || isMiddle) &&
        peers <= (MOST_PEERS_OF[rival] ?? Number.POSITIVE_INFINITY),
    );
    const jobOf = (system: SystemId, rounds: number, searches: number): LoadJob =>
      loadJob(profile, peers, { system, rounds, searches }, options);
    return [
      // With thousands of peers a search takes as long as the rest of the round: one has to do.
      jobOf('supernode', rounds, peers > MANY_PEERS ? Math.min(1, search) : search),
      // What a rival carries at most is asked once, at the size where all of them are.
      ...compared.map((rival) =>
        jobOf(rival, profileRivals, isMiddle && profile.rivalsAt === 'every-size' ? 1 : 0),
      ),
    ];
  });
}

function sizesOf({ mostPeers }: Profile, asked: readonly number[]): number[] {
  return [...new Set(asked.map((peers) => Math.min(peers, mostPeers)))];
}

function loadJob(
  profile: LoadProfile,
  peers: number,
  { system, rounds, searches }: { system: SystemId; rounds: number; searches: number },
  { durations, objectiveP99Ms }: PlanOptions,
): LoadJob {
  const steps: LoadStep[] = [];
  if (profile.kind === 'open') steps.push(openStep(profile, peers, durations, 'profile'));
  else {
    for (const messages of profile.messages) {
      if (messages === 'bundled' && system !== 'supernode') continue;
      steps.push(closedStep(profile, peers, messages, durations, 'profile'));
    }
  }
  const all = warmedUp(steps).map((step) => ({ ...step, rounds }));
  if (profile.kind === 'open' && durations.probes > 0 && searches > 0) {
    const step = searchStep(profile, peers, durations, objectiveP99Ms);
    all.push({ ...step, rounds: Math.min(rounds, searches) });
  }
  const { shape, flows } = profile;
  return { kind: 'load', system, crowd: { peers, shape, flows }, steps: all, rounds };
}

function scenarioJob(profile: ScenarioProfile, peers: number, options: PlanOptions): ScenarioJob {
  const { warmupMs, scenarioMs } = options.durations;
  const crowd = profile.crowd(peers);
  const steps = profile.steps.map(({ name, title, phase, metrics }) => ({
    benchmark: {
      id: `scenario/${profile.name}/${name}/p${peers}`,
      suite: 'profile',
      profile: profile.name,
      title: `${title}, ${peers} peers`,
      parameters: { ...(crowd as unknown as Parameters), measureMs: scenarioMs },
      metrics,
      rivalsDo: null,
    },
    phase: phase(warmupMs, scenarioMs),
  }));
  const { memoryPerPeer } = profile;
  return {
    kind: 'scenario',
    system: 'supernode',
    crowd,
    steps,
    memoryPerPeer,
    rounds: options.rounds.scenario,
  };
}
