import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { refusalOf } from '../../cli/refusal.ts';
import { Sandbox } from '../../cli/run-cli.ts';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await Sandbox.create();
});
afterAll(() => sandbox.remove());

const oneSentence = /^supernode: [^\n]+\n$/;

async function refused(args: string[], code: number): Promise<string> {
  const run = sandbox.run(['bench', ...args]);
  expect(await run.end()).toEqual({ code, signal: null });
  expect(run.stderr).toMatch(oneSentence);
  expect(run.text).toBe('');
  return run.stderr;
}

describe('a wrong flag or argument of bench', () => {
  it.each([
    [
      ['--suite', 'fram'],
      '--suite has no "fram"; there are: frame, ring, presence, outbox, login, presence-million, directory, directory-million, relay-throughput',
    ],
    [['--profile', 'voice,vdieo'], '--profile has no "vdieo"; there are: voice, video, message, supernode'],
    [['--systems', 'redis'], '--systems has no "redis"; there are: supernode, ws, uws-relay, uws-echo, nats'],
    [['--peers', '99'], '--peers takes even whole numbers from 2 to 10000, not "99"'],
    [['--peers', '100,,200'], '--peers takes names separated by commas'],
    [['--rounds', '0'], '--rounds must be a whole number from 1 to 1000, not "0"'],
    [['--shards', '0'], '--shards must be a whole number from 1 to 64, not "0"'],
    [['--report', 'pdf=x'], 'There is no format "pdf"; there are: table, json, markdown'],
    [['--report', 'html'], '--report takes FORMAT=FILE'],
    [['--config', 'none.mjs'], 'There is no configuration file none.mjs'],
    [['--fast'], 'has no flag --fast; it has: --quick'],
    [['comprae', 'a', 'b'], 'has no command "comprae"; it has: compare, report'],
    [['--quick', 'compare'], 'takes no argument: "compare"'],
    [['compare'], 'RESULT is missing'],
    [['compare', 'a.json'], 'takes two results or more'],
    [['compare', 'a', 'b', '--fail-on-regression', '-5%'], '--fail-on-regression needs a value'],
    [['compare', 'a', 'b', '--fail-on-regression', 'much'], 'a share between 0 and 100%'],
    [['compare', 'a', 'b', '--fail-on-regression', '200%'], 'a share between 0 and 100%'],
    [['report'], 'RESULT is missing'],
    [['report', 'a.json', '--format', 'pdf'], 'There is no format "pdf"'],
    [['report', 'a.json', 'b.json'], '"b.json" is one too many'],
  ])('%j', async (args, said) => {
    expect(await refusalOf(['bench', ...args], 2)).toContain(said);
  });

  it('ends the process with 2 and a sentence', async () => {
    expect(await refused(['--suite', 'fram'], 2)).toContain('--suite has no "fram"');
    expect(await refused(['compare'], 2)).toContain('RESULT is missing');
  });
});

// Newer Nodes take the types out by themselves.
it.skipIf('typescript' in process.features && process.features.typescript)(
  'a configuration in TypeScript is refused where Node does not read it',
  async () => {
    const file = sandbox.path('config.ts');
    await writeFile(file, 'export default { thresholds: { alpha: 0.01 as number } };');
    expect(await refused(['--list', '--config', file], 2)).toContain('does not read TypeScript');
  },
);

describe('a result that cannot be used', () => {
  it.each([
    [['report', 'none.json'], 'there is no such file'],
    [['compare', 'none.json', 'none.json'], 'there is no such file'],
  ])('%j fails', async (args, said) => {
    expect(await refused(args, 1)).toContain(said);
  });

  it('is named when it is no result', async () => {
    const file = sandbox.path('other.json');
    await writeFile(file, '{"kind":"something"}');
    expect(await refused(['report', file], 1)).toContain('not "something"');
  });
});

describe('bench --list', () => {
  interface Listed {
    mode: string;
    estimatedSeconds: number;
    benchmarks: { benchmark: string; suite: string; systems: Record<string, number> }[];
  }

  async function listed(...args: string[]): Promise<Listed> {
    const run = sandbox.run(['bench', ...args, '--list', '--json']);
    expect(await run.end()).toEqual({ code: 0, signal: null });
    return JSON.parse(run.text) as Listed;
  }

  it('says what would be measured, on what, how often and how long', async () => {
    const { mode, estimatedSeconds, benchmarks } = await listed('--quick');
    expect(mode).toBe('quick');
    expect(estimatedSeconds).toBeLessThan(90);
    const voice = benchmarks.find(({ benchmark }) => benchmark === 'relay/voice/p100');
    expect(Object.keys(voice!.systems)).toEqual(['supernode', 'ws', 'uws-relay', 'uws-echo', 'nats']);
    expect(new Set(benchmarks.map(({ suite }) => suite))).toEqual(
      new Set([
        'frame',
        'ring',
        'presence',
        'outbox',
        'login',
        'directory',
        'relay-throughput',
        'relay-latency',
      ]),
    );
  });

  it('follows the flags', async () => {
    const { mode, benchmarks } = await listed(
      ...['--profile', 'voice', '--peers', '10,20', '--systems', 'nats', '--rounds', '2'],
    );
    expect(mode).toBe('custom');
    expect(benchmarks.map(({ benchmark, systems }) => [benchmark, systems])).toEqual([
      ['relay/voice/p10', { supernode: 2, nats: 2 }],
      ['relay/voice/capacity/p10', { supernode: 2 }],
      ['relay/voice/p20', { supernode: 2, nats: 2 }],
      ['relay/voice/capacity/p20', { supernode: 2, nats: 1 }],
    ]);
  });

  it('is a table for people', async () => {
    const run = sandbox.run(['bench', '--suite', 'frame', '--list']);
    await run.end();
    expect(run.text).toContain('frame/read');
    expect(run.text).toMatch(/\d+ benchmarks \(custom\), about \d+:\d\d minutes\n$/);
  });
});

it.each([[[]], [['compare']], [['report']]])('bench %j --help shows examples', async (command) => {
  const run = sandbox.run(['bench', ...command, '--help']);
  expect(await run.end()).toEqual({ code: 0, signal: null });
  expect(run.text).toContain(`USAGE supernode bench${command.map((word) => ` ${word}`).join('')}`);
  expect(run.text).toContain('EXAMPLES');
});
