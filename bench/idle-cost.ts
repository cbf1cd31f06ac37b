/**
 * What a relay costs that nobody uses: processor time, and how often its threads wake.
 *
 *   node dist/bench/idle-cost.js [--seconds N] [--settle N] [--shards N] [--json]
 */
import { setTimeout as after } from 'node:timers/promises';
import { createRelay } from '../core/relay/relay.ts';
import { type FlagValues, runScript, whole } from './flags.ts';

const flags = {
  seconds: whole('How long it is measured, seconds.', 10, 1, 3_600),
  settle: whole('Before that, seconds: V8 collects what the start left.', 15, 0, 3_600),
  shards: whole('Shards of the relay.', 1, 1, 64),
  json: { kind: 'switch', about: 'Print the figures as JSON.' },
} as const;

async function measure({ seconds, settle, shards, json }: FlagValues<typeof flags>): Promise<void> {
  await using _relay = await createRelay({ port: 0, shards, directory: { path: ':memory:' } });
  await after(settle * 1_000);
  const before = process.resourceUsage();
  await after(seconds * 1_000);
  const now = process.resourceUsage();
  const cpuUs = now.userCPUTime - before.userCPUTime + now.systemCPUTime - before.systemCPUTime;
  const wakes = now.voluntaryContextSwitches - before.voluntaryContextSwitches;
  const figures = { corePercent: cpuUs / seconds / 10_000, wakesPerSec: wakes / seconds };
  process.stdout.write(
    json
      ? `${JSON.stringify(figures)}\n`
      : `${figures.corePercent.toFixed(2)}% of a core, ${figures.wakesPerSec.toFixed(0)} wakes per second\n`,
  );
}

await runScript({
  name: 'node dist/bench/idle-cost.js',
  about: 'Measures what a relay costs that nobody uses.',
  flags,
  run: measure,
});
