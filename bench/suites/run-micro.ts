/** One micro round, in processes of its own. */
import { Child } from '../load/child.ts';
import { microBenchmarks, suitesNamed } from './catalogue.ts';
import type { FromMicro, RunMicro } from './micro-messages.ts';
import { type MicroRound, type MicroSample, type MicroSuite, SUITES_OF_A_RELAY } from './suite.ts';

export interface MicroRoundOptions {
  suites: readonly MicroSuite[];
  /** Core of the code under test; null: not pinned. */
  core: number | null;
  /** Core of second threads, and of the client that asks a relay; null: not pinned. */
  loadCore: number | null;
  /** One slice of one task, milliseconds. Default 10. */
  passMs?: number;
  /** Slices of each task. Default 5: all suites together take about 5 s. */
  passes?: number;
}

/** Threads to start, tables to fill, a relay to log in to. */
const OPEN_MS = 10_000;

/**
 * All suites but those of a whole relay run interleaved in one process, pinned to `core`; their second threads pin
 * themselves to `loadCore`. The others load a relay: it is then what is on `core`, and the process that asks on `loadCore`.
 * @throws OptionError for a suite that there is not; Error that names the benchmark which failed.
 */
export async function runMicroRound(options: MicroRoundOptions): Promise<MicroRound> {
  suitesNamed(options.suites);
  const samples: MicroSample[] = [];
  const inProcess = options.suites.filter((suite) => !SUITES_OF_A_RELAY.includes(suite));
  const ofRelay = options.suites.filter((suite) => SUITES_OF_A_RELAY.includes(suite));
  for (const [suites, core] of [
    [inProcess, options.core],
    [ofRelay, options.loadCore],
  ] as const) {
    if (suites.length > 0) samples.push(...(await runIn(suites, core, options)));
  }
  return { samples };
}

async function runIn(
  suites: MicroSuite[],
  pinned: number | null,
  { core, loadCore, passMs = 10, passes = 5 }: MicroRoundOptions,
): Promise<MicroSample[]> {
  const child = new Child<RunMicro, FromMicro>('../suites/micro-process', {
    name: `micro (${suites.join(', ')})`,
    core: pinned,
  });
  try {
    child.tell({ kind: 'run', suites, core, loadCore, passMs, passes });
    // With a warm-up each, and one pass that is not counted; an iteration that is begun is finished.
    const openMs = suitesNamed(suites).reduce((sum, { opensWithinMs = OPEN_MS }) => sum + opensWithinMs, 0);
    const busyMs = microBenchmarks(suites).length * (passes + 1) * (1.5 * passMs + 20) + openMs;
    return (await child.next('ran', busyMs)).samples;
  } finally {
    await child.stop();
  }
}
