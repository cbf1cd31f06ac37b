/**
 * `supernode bench`, `bench compare` and `bench report`. What they do is in bench/, which `core` names by URL and never
 * imports: a package may be installed without it.
 */
import type { BenchCommands } from './bench-commands.ts';
import type { Command } from './command.ts';
import { CommandError, EXIT_FAILURE, EXIT_INTERRUPTED } from './exit-codes.ts';

/** .js when built, .ts in development. */
const COMMANDS = new URL(`../../bench/cli/commands${import.meta.url.slice(-3)}`, import.meta.url).href;

/** @throws CommandError in one sentence when this installation has no benchmarks. */
export async function loadBench(): Promise<BenchCommands> {
  try {
    return ((await import(COMMANDS)) as { commands: BenchCommands }).commands;
  } catch (error) {
    const { code, url } = error as NodeJS.ErrnoException & { url?: string };
    if (code !== 'ERR_MODULE_NOT_FOUND' || url !== COMMANDS) throw error;
    throw new CommandError(
      EXIT_FAILURE,
      'io',
      'This installation has no benchmarks: its directory dist/bench is missing; install the package supernode anew.',
      { cause: error },
    );
  }
}

const json = { type: 'boolean', description: 'Print the result as JSON on stdout' } as const;

export const bench: Command = {
  name: 'supernode bench',
  description: 'Measures the relay and what it is compared with, and writes one result file',
  args: {
    quick: {
      type: 'boolean',
      description: 'The suites and the main loads, in under 90 seconds on two cores',
    },
    suite: { type: 'string', description: 'Only these suites', valueHint: 'NAME,..' },
    profile: { type: 'string', description: 'Only these profiles of load', valueHint: 'NAME,..' },
    systems: {
      type: 'string',
      description: 'Compare with these only; none: with nobody',
      valueHint: 'NAME,..',
    },
    peers: { type: 'string', description: 'Sizes at which profiles are measured', valueHint: 'N,..' },
    rounds: { type: 'string', description: 'Rounds of every case', valueHint: 'N' },
    shards: {
      type: 'string',
      description: 'Shards of the relay, on its one core (default 1)',
      valueHint: 'N',
    },
    json,
    out: { type: 'string', description: 'Result file (default bench-results/TIME.json)', valueHint: 'FILE' },
    report: {
      type: 'string',
      description: 'Further reports of the result, such as html=report.html',
      valueHint: 'FORMAT=FILE,..',
    },
    config: {
      type: 'string',
      description: 'Settings that replace those of bench.config.ts',
      valueHint: 'FILE',
    },
    list: {
      type: 'boolean',
      description: 'Say what would be measured and how long it takes; measure nothing',
    },
  },
  notes: [
    'supernode bench compare A B tells whether B is faster than A, and supernode bench report FILE shows a result in ' +
      'another format; supernode bench replay replays an outage (the same as supernode replay); each has --help.',
    'Without --quick, --suite or --profile everything is measured, which takes up to 15 minutes. A name that does not ' +
      'exist is answered with those that do. Progress is drawn on stderr, and only on a terminal.',
    'Figures are worth something only on a machine that does nothing else: relay and load have a core each.',
  ],
  examples: [
    ['supernode bench --quick', 'tables on stdout, the result in bench-results/'],
    ['supernode bench --profile voice --peers 1000', 'one load, one size'],
    ['supernode bench --suite frame,ring --json --out r.json', 'two suites, for a program'],
    ['supernode bench --quick --report html=r.html', 'a page with plots'],
    ['supernode bench compare before.json after.json', 'what a change did'],
  ],
  exitCodes: [
    [EXIT_FAILURE, 'a round failed: a frame was lost or changed, a process did not come up'],
    [EXIT_INTERRUPTED, 'interrupted; nothing was written'],
  ],
  run: async (values) => (await loadBench()).bench(values),
};

export const benchCompare: Command = {
  name: 'supernode bench compare',
  description: 'Compares results: the first one with each of the others',
  args: {
    result: { type: 'positional', description: 'Result files, two or more', required: true },
    html: { type: 'string', description: 'Write a page with plots', valueHint: 'FILE' },
    markdown: { type: 'string', description: 'Write Markdown', valueHint: 'FILE' },
    json: { type: 'boolean', description: 'Print the comparison as JSON on stdout' },
    'fail-on-regression': {
      type: 'string',
      description: 'Exit with 1 when a benchmark is worse by more than this, such as 5%',
      valueHint: 'SHARE',
    },
    all: {
      type: 'boolean',
      description: 'Also the figures that are not called: other metrics, and the rivals',
    },
  },
  several: 'result',
  notes: [
    'A difference that cannot be told from noise is shown as ~. Results that did not measure the same thing are refused.',
  ],
  examples: [
    ['supernode bench compare before.json after.json', 'what a change did'],
    ['supernode bench compare --fail-on-regression 5% main.json branch.json', 'in a pipeline'],
    ['supernode bench compare laptop.json server.json --html machines.html', 'two machines'],
  ],
  exitCodes: [[EXIT_FAILURE, 'a regression, or results that cannot be read or compared']],
  run: async (values) => (await loadBench()).compare(values),
};

export const benchReport: Command = {
  name: 'supernode bench report',
  description: 'Shows a result in another format',
  args: {
    result: { type: 'positional', description: 'A result file', required: true },
    format: {
      type: 'string',
      description: 'table, json, markdown, csv, html, bencher... (default table)',
      valueHint: 'FORMAT',
    },
    out: { type: 'string', description: 'File to write (default: stdout)', valueHint: 'FILE' },
  },
  examples: [
    ['supernode bench report r.json', 'tables'],
    ['supernode bench report r.json --format html --out r.html', 'a page with plots'],
  ],
  exitCodes: [[EXIT_FAILURE, 'the result cannot be read, or the file cannot be written']],
  run: async (values) => (await loadBench()).report(values),
};
