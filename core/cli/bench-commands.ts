/** What bench/cli/commands gives to the command line. Types only. */
import type { FlagValues } from './flags.ts';

/** Each gives the exit code, and throws what becomes one sentence on stderr. */
export interface BenchCommands {
  bench(values: FlagValues): Promise<number>;
  compare(values: FlagValues): Promise<number>;
  report(values: FlagValues): Promise<number>;
  replay(values: FlagValues): Promise<number>;
}
