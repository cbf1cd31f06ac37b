/**
 * A fault planted in the measured relay, to show that the benchmarks would find it. Only the bench's own relay process
 * knows of it: nothing in core/ or workers/ does.
 *
 *   SUPERNODE_BENCH_PLANT=slow:10     every turn of a shard costs 10% more
 *   SUPERNODE_BENCH_PLANT=stall:100   a shard stops for 100 ms once every 2 s
 */
import { OptionError } from '../../core/protocol/errors.ts';

const VARIABLE = 'SUPERNODE_BENCH_PLANT';
export const STALL_PERIOD_MS = 2_000;
const MAX_SLOW_PERCENT = 100;
const MAX_STALL_MS = 1_000;

export type Plant = { kind: 'slow'; percent: number } | { kind: 'stall'; stallMs: number };

/** @throws OptionError when the variable holds anything but a plant. */
export function plantOf(env: NodeJS.ProcessEnv): Plant | null {
  const value = env[VARIABLE];
  if (value === undefined || value === '') return null;
  const [, kind, digits] = /^(slow|stall):([1-9]\d{0,3})$/.exec(value) ?? [];
  const amount = Number(digits);
  if (kind === 'slow' && amount <= MAX_SLOW_PERCENT) return { kind, percent: amount };
  if (kind === 'stall' && amount <= MAX_STALL_MS) return { kind, stallMs: amount };
  throw new OptionError(
    `${VARIABLE} must be slow:1 to slow:${MAX_SLOW_PERCENT} (percent) or stall:1 to stall:${MAX_STALL_MS} (ms), not "${value}".`,
  );
}

/**
 * What is planted in every relay that is started with this environment, as the end of a sentence that begins with
 * "in the relay of this run"; null: nothing.
 * @throws OptionError when the variable holds anything but a plant.
 */
export function plantedBy(env: NodeJS.ProcessEnv): string | null {
  const planted = plantOf(env);
  if (planted === null) return null;
  return planted.kind === 'slow'
    ? `every turn of a shard costs ${planted.percent}% more (${VARIABLE}=${env[VARIABLE]})`
    : `a shard stops for ${planted.stallMs} ms every ${STALL_PERIOD_MS / 1000} s (${VARIABLE}=${env[VARIABLE]})`;
}

/**
 * Has every worker thread that this process starts from now on load plant-thread first. Node reads NODE_OPTIONS anew
 * for a worker with an `execArgv` of its own, as the relay's pools give theirs. Built code only, as the server processes.
 */
export function plant(env: NodeJS.ProcessEnv): void {
  if (plantOf(env) === null) return;
  const module = new URL('./plant-thread.js', import.meta.url).href;
  env['NODE_OPTIONS'] = `${env['NODE_OPTIONS'] ?? ''} --import=${module}`.trim();
}
