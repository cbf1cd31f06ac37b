/** An engine in this process, with its outcome as a value. */
import { afterEach } from 'vitest';
import { loadDialect } from '../../../bench/load/dialects.ts';
import { Engine } from '../../../bench/load/engine.ts';
import type { LoadFault } from '../../../bench/load/fault.ts';
import type { Flow, LoadPlan, Measured, Phase } from '../../../bench/load/plan.ts';

const engines = new Set<Engine>();

afterEach(() => {
  for (const engine of engines) engine.destroy();
  engines.clear();
});

export const AUDIO: Flow = {
  name: 'audio',
  priority: 'audio',
  reliable: false,
  sizes: { bytes: 60 },
  ratePerSec: 100,
  burst: 1,
};

export function closed(window: number, messages: 'single' | 'bundled' = 'single'): Phase {
  return { kind: 'closed', window, messages, warmupMs: 20, measureMs: 150 };
}

export function open(measureMs = 300): Phase {
  return { kind: 'open', rateFactor: 1, warmupMs: 50, measureMs };
}

export interface RunningEngine {
  run(phase: Phase, measuring?: () => void): Promise<Measured>;
  stop(): Promise<{ packets: number; lost: number }>;
}

/** Connected, with every call up. A fault rejects what is under way. */
export async function startEngine(
  plan: Pick<LoadPlan, 'dialect' | 'address'> & Partial<LoadPlan>,
  arrivalDeadlineMs?: number,
): Promise<RunningEngine> {
  let fail: (fault: LoadFault) => void = () => {};
  const fault = new Promise<LoadFault>((resolve) => {
    fail = resolve;
  });
  const failed = fault.then((error) => {
    throw error;
  });
  failed.catch(() => {});
  const whole: LoadPlan = { peers: 4, shape: 'pairs', flows: [AUDIO], ...plan };
  const engine = new Engine(whole, await loadDialect(whole.dialect), fail, arrivalDeadlineMs);
  engines.add(engine);
  await Promise.race([engine.connect(), failed]);
  return {
    async run(phase, measuring = () => {}) {
      const measured = await Promise.race([engine.run(phase, measuring), failed]);
      await Promise.race([engine.settle(), failed]);
      return measured as Measured;
    },
    stop: () => Promise.race([engine.stop(), failed]) as Promise<{ packets: number; lost: number }>,
  };
}
