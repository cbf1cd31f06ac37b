/** What `supernode bench` and its commands do; core/cli/bench.ts says what they take. */
import type { BenchCommands } from '../../core/cli/bench-commands.ts';

export const commands: BenchCommands = {
  bench: async (values) => (await import('./bench.ts')).bench(values),
  compare: async (values) => (await import('./compare.ts')).compare(values),
  replay: async (values) => (await import('../replay/cli.ts')).replay(values),
  report: async (values) => (await import('./report.ts')).report(values),
};
