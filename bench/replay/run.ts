/** One arm under one trigger, simulated or real. */
import type { Outcome } from './outcome.ts';
import type { Plan } from './plan.ts';
import { runReal } from './real/run-real.ts';
import { Simulation } from './sim/simulate.ts';

/** For so long at a time the simulation computes: between, signals are heard and the progress is drawn. */
const AT_ONCE_MS = 50;

/** @param tell how much is done, 0 to 1; of a real replay, whose time is set, what is being done. */
export function runPlan(
  plan: Plan,
  real: boolean,
  tell: (share: number, text?: string) => void,
): Promise<Outcome> {
  return real ? runReal(plan, { progress: (text) => tell(0, text) }) : simulateAwake(plan, tell);
}

export async function simulateAwake(
  plan: Plan,
  onShare: (share: number) => void = () => {},
): Promise<Outcome> {
  const simulation = new Simulation(plan);
  let restedAtMs = performance.now();
  while (!simulation.second()) {
    if (performance.now() - restedAtMs < AT_ONCE_MS) continue;
    onShare(simulation.share);
    await new Promise(setImmediate);
    restedAtMs = performance.now();
  }
  return simulation.outcome();
}
