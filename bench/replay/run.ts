/** One arm under one trigger, simulated or real. */
import { CommandError, EXIT_FAILURE } from '../../core/cli/exit-codes.ts';
import type { Outcome } from './outcome.ts';
import type { Plan } from './plan.ts';
import { Simulation } from './sim/simulate.ts';

/** For so long at a time the simulation computes: between, signals are heard and the progress is drawn. */
const AT_ONCE_MS = 50;

/** .js when built, .ts in development. */
const REAL = new URL(`./real/run-real${import.meta.url.slice(-3)}`, import.meta.url).href;

/** @param onShare is told how much is done, 0 to 1. */
export function runPlan(plan: Plan, real: boolean, onShare: (share: number) => void): Promise<Outcome> {
  return real ? runReal(plan) : simulateAwake(plan, onShare);
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

async function runReal(plan: Plan): Promise<Outcome> {
  try {
    const { runReal } = (await import(REAL)) as { runReal(plan: Plan): Promise<Outcome> };
    return await runReal(plan);
  } catch (error) {
    const { code, url } = error as NodeJS.ErrnoException & { url?: string };
    if (code !== 'ERR_MODULE_NOT_FOUND' || url !== REAL) throw error;
    throw new CommandError(
      EXIT_FAILURE,
      'io',
      'This build has no real replay yet: leave --real away to simulate.',
      { cause: error },
    );
  }
}
