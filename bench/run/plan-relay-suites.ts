/** The suites relay-throughput and relay-latency: the standard loads of a relay, on one set of connections. */
import { saturate } from '../profiles/saturate.ts';
import { voice } from '../profiles/voice.ts';
import type { SystemId } from '../systems/system.ts';
import type { Benchmark, LoadJob, LoadStep } from './benchmark.ts';
import { closedStep, openStep, warmedUp } from './load-steps.ts';
import { LATENCY_FIRST } from './metrics.ts';
import type { PlanOptions } from './plan.ts';

export function relaySuiteJobs(options: PlanOptions): LoadJob[] {
  const { suites, peers: sizes, rivals, rounds } = options;
  if (!suites.includes('relay-throughput') && !suites.includes('relay-latency')) return [];
  const peers = sizes[0]!;
  const job = (system: SystemId, rounds: number): LoadJob => ({
    kind: 'load',
    system,
    crowd: { peers, shape: 'pairs', flows: saturate.flows },
    steps: warmedUp(stepsOf(system, peers, options)).map((step) => ({ ...step, rounds })),
    rounds,
  });
  return [job('supernode', rounds.relay), ...rivals.map((rival) => job(rival, rounds.relayRivals))];
}

function stepsOf(system: SystemId, peers: number, { suites, durations }: PlanOptions): LoadStep[] {
  const steps: LoadStep[] = [];
  const inLatency = suites.includes('relay-latency');
  // First: it hardly tells whether code is compiled yet, and it is the same code that the others run.
  if (inLatency) steps.push(oneInFlight(peers, durations));
  if (suites.includes('relay-throughput')) {
    for (const messages of saturate.messages) {
      if (messages === 'bundled' && system !== 'supernode') continue;
      steps.push(closedStep(saturate, peers, messages, durations, 'relay-throughput'));
    }
  }
  if (inLatency) steps.push(openStep(voice, peers, durations, 'relay-latency'));
  return steps;
}

/** One packet of each peer under way: nothing to gather, so what counts is how soon one is on its way again. */
function oneInFlight(peers: number, durations: PlanOptions['durations']): LoadStep {
  const { benchmark, work, rounds } = closedStep(saturate, peers, 'single', durations, 'relay-latency', 1);
  const one: Benchmark = {
    ...benchmark,
    id: `relay/one-in-flight/p${peers}`,
    title: `one packet of each of ${peers} peers under way`,
    metrics: LATENCY_FIRST,
  };
  return { benchmark: one, work, rounds };
}
