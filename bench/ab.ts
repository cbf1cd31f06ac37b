/**
 * Two builds, or one build with two sets of options, in turns on the same cores with the same load: is the packet path of B
 * as fast as that of A?
 *
 *   node dist/bench/ab.js --a DIR [--b DIR] [--b-options JSON] [--rounds 10]
 *
 * DIR is a clone or its dist/. The load is that of this build for both, so only relays differ. Prints throughput and CPU time
 * per frame of the profile `saturate`, one frame a message and bundled, and B over A with its interval; exit code 1 when
 * a ratio is beyond the tolerance *and* its interval does not reach it: B is slower, and that is not noise. Of relays with the
 * same options the packet path alone is compared too (path-alone.ts), in short turns within this process: the difference,
 * added to what A's relay takes for a frame.
 */
import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { OptionError } from '../core/protocol/errors.ts';
import { PathAlone } from './path-alone.ts';
import { saturate } from './profiles/saturate.ts';
import { median } from './reporter/statistics/location.ts';
import { ratioOf } from './reporter/statistics/ratio.ts';
import type { LoadJob } from './run/benchmark.ts';
import { loadBenchConfig } from './run/load-config.ts';
import { runLoadRound } from './run/load-round.ts';
import { closedStep, warmedUp } from './run/load-steps.ts';
import { coresToPin, place } from './run/placement.ts';
import { startNodeServer } from './systems/node-server.ts';
import { supernode } from './systems/supernode.ts';
import type { System } from './systems/system.ts';

const HELP = `Compares the packet path of two builds, or of one build with two sets of options, in turns (ab.js)

USAGE node dist/bench/ab.js --a DIR [--b DIR] [OPTIONS]

  --a DIR             A clone, or its dist directory
  --b DIR             The other; default: this one
  --a-options JSON    Options of createRelay for A, such as '{"shards":1}'
  --b-options JSON    The same for B
  --rounds N          Rounds of each, 2 to 100 (default 10)
  --peers N           Peers of the load, 2 to 10000 (default 100)
  --measure-ms N      Length of each measurement, 100 to 60000 (default 1500)
  --tolerance PERCENT What B may cost more (default 3)
  --json              Print the figures as JSON

EXAMPLES

  git worktree add /tmp/before main~1 && (cd /tmp/before && npm ci)
  node dist/bench/ab.js --a /tmp/before                  what the last commit costs
  node dist/bench/ab.js --a . --b-options '{"tls":null}' what an option costs

EXIT CODES

  0  B costs no more than the tolerance, or it cannot be told from that
  1  B costs more, or a round failed
  2  a wrong flag
`;

const COST = ' us/frame';
const WARM_UP_SLICES = 4;
const SLICES_OF_A_ROUND = 4;
/** What peers of `saturate` have under way. */
const FRAMES_OF_A_BUNDLE = 64;

const flags = {
  a: { type: 'string' },
  b: { type: 'string' },
  'a-options': { type: 'string', default: '{}' },
  'b-options': { type: 'string', default: '{}' },
  rounds: { type: 'string', default: '10' },
  peers: { type: 'string', default: '100' },
  'measure-ms': { type: 'string', default: '1500' },
  tolerance: { type: 'string', default: '3' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

function number(flag: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!(value >= min && value <= max))
    throw new OptionError(`--${flag} must be ${min} to ${max}, not "${text}".`);
  return value;
}

async function moduleOf(directory: string): Promise<string> {
  for (const file of ['dist/core/index.js', 'core/index.js']) {
    const path = resolve(directory, file);
    if (
      await access(path).then(
        () => true,
        () => false,
      )
    )
      return pathToFileURL(path).href;
  }
  throw new OptionError(
    `There is no built supernode in ${directory}: no dist/core/index.js; run npm ci there.`,
  );
}

function optionsOf(flag: string, text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return text;
  } catch {
    // Said below.
  }
  throw new OptionError(`--${flag} must be a JSON object, not "${text}".`);
}

function arm(module: string, options: string): System {
  const start: System['start'] = ({ core, shards }) =>
    startNodeServer('ab-relay', {
      name: `relay of ${module}`,
      core,
      args: [module, JSON.stringify({ shards, ...JSON.parse(options) })],
    });
  return { ...supernode, start };
}

async function run(values: ReturnType<typeof read>): Promise<boolean> {
  const rounds = number('rounds', values.rounds, 2, 100);
  const peers = number('peers', values.peers, 2, 10_000);
  const measureMs = number('measure-ms', values['measure-ms'], 100, 60_000);
  const tolerance = number('tolerance', values.tolerance, 0, 100) / 100;
  if (values.a === undefined) throw new OptionError('--a DIR is needed; see --help.');
  const modules = {
    a: await moduleOf(values.a),
    b: await moduleOf(values.b ?? new URL('..', import.meta.url).pathname),
  };
  const arms = {
    a: arm(modules.a, optionsOf('a-options', values['a-options'])),
    b: arm(modules.b, optionsOf('b-options', values['b-options'])),
  };
  const placement = place((await loadBenchConfig()).placement, coresToPin());
  const durations = { ...(await loadBenchConfig()).quick.durations, measureMs, warmupMs: 300 };
  const steps = warmedUp(
    saturate.messages.map((messages) => closedStep(saturate, peers, messages, durations, 'profile')),
  );
  const { shape, flows } = saturate;
  const job: LoadJob = { kind: 'load', system: 'supernode', crowd: { peers, shape, flows }, steps, rounds };

  const found = new Map<string, { a: number[]; b: number[] }>();
  const note = (key: string, side: 'a' | 'b', value: number): void => {
    const both = found.get(key) ?? { a: [], b: [] };
    both[side].push(value);
    found.set(key, both);
  };
  for (let round = 0; round < rounds; round++) {
    // A B, B A, A B: a machine that slows down does so for both alike.
    for (const side of round % 2 === 0 ? (['a', 'b'] as const) : (['b', 'a'] as const)) {
      const start = { atMs: Date.now(), speed: null };
      for (const { benchmark, figures } of await runLoadRound(job, arms[side], placement, { start, round })) {
        note(`${benchmark.id} frames/s`, side, figures.throughput!);
        note(`${benchmark.id} us/frame`, side, figures.cpuPerFrame!);
      }
    }
    process.stderr.write(`round ${round + 1} of ${rounds}\n`);
  }
  if (values['a-options'] === values['b-options']) await compareAlone(modules, found, rounds);
  return report(found, tolerance, values.json);
}

/** Adds, for each figure of CPU per frame, A's beside A's and what B's path alone takes more. */
async function compareAlone(
  modules: { a: string; b: string },
  found: Map<string, { a: number[]; b: number[] }>,
  rounds: number,
): Promise<void> {
  const [a, b] = await Promise.all(
    [modules.a, modules.b].map((module) => PathAlone.load(new URL('..', module))),
  );
  for (const [key, relays] of [...found].filter(([figure]) => figure.endsWith(COST))) {
    const frames = key.includes('/bundled/') ? FRAMES_OF_A_BUNDLE : 1;
    const relayUs = median(relays.a);
    const both = { a: [] as number[], b: [] as number[] };
    for (let slice = -WARM_UP_SLICES; slice < rounds * SLICES_OF_A_ROUND; slice++) {
      const [nsA, nsB] = slice % 2 === 0 ? [a!.slice(frames), b!.slice(frames)] : inTurn(b!, a!, frames);
      if (slice < 0) continue;
      both.a.push(relayUs);
      both.b.push(relayUs + (nsB - nsA) / 1_000);
    }
    found.set(key.replace(COST, `, path alone${COST}`), both);
  }
}

function inTurn(b: PathAlone, a: PathAlone, frames: number): [number, number] {
  const nsB = b.slice(frames);
  return [a.slice(frames), nsB];
}

function report(
  found: Map<string, { a: number[]; b: number[] }>,
  tolerance: number,
  asJson: boolean,
): boolean {
  let passed = true;
  const rows = [...found].map(([figure, { a, b }]) => {
    const { ratio, low, high, confidence } = ratioOf(b, a)!;
    const costs = figure.endsWith(COST);
    // By the end of the interval that is best for B; two or three rounds can show nothing.
    const beyond = costs ? low > 1 + tolerance : high < 1 / (1 + tolerance);
    const slower = beyond && confidence >= 0.95;
    const within = costs ? ratio <= 1 + tolerance : ratio >= 1 / (1 + tolerance);
    if (slower) passed = false;
    return { figure, a: median(a), b: median(b), ratio, low, high, within, slower };
  });
  if (asJson) {
    console.log(JSON.stringify({ tolerance, passed, rows }, null, 2));
    return passed;
  }
  const table = new Table({ head: ['figure', 'A', 'B', 'B over A (95%)', `within ${tolerance * 100}%`] });
  for (const { figure, a, b, ratio, low, high, within, slower } of rows) {
    const verdict = slower ? 'no' : within ? 'yes' : 'cannot tell';
    const digits = figure.endsWith(COST) ? 3 : 0;
    table.push([
      figure,
      a.toFixed(digits),
      b.toFixed(digits),
      `${ratio.toFixed(3)} (${low.toFixed(3)} - ${high.toFixed(3)})`,
      verdict,
    ]);
  }
  console.log(table.toString());
  return passed;
}

function read() {
  try {
    return parseArgs({ options: flags }).values;
  } catch (error) {
    throw new OptionError(`${(error as Error).message.split('.')[0]}; see --help.`);
  }
}

try {
  const values = read();
  if (values.help) process.stdout.write(HELP);
  else if (!(await run(values))) process.exitCode = 1;
} catch (error) {
  console.error(`ab: ${(error as Error).message}`);
  process.exitCode = error instanceof OptionError ? 2 : 1;
}
