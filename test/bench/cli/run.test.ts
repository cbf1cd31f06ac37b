/** The real thing, from the built code, as small as it can be. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseResult, type Result } from '../../../bench/reporter/index.ts';
import { Sandbox } from '../../cli/run-cli.ts';
import { until } from '../../fixtures/until.ts';

const TINY = {
  suites: ['frame', 'relay-throughput', 'relay-latency'],
  profiles: [],
  rivals: ['uws-echo'],
  peers: [10],
  rounds: {
    micro: 1,
    microRelay: 0,
    relay: 2,
    relayRivals: 2,
    profile: 1,
    profileRivals: 1,
    scenario: 1,
    search: 1,
  },
  durations: {
    warmupMs: 20,
    // A machine that runs all the tests at once may leave a relay without its core for 100 ms.
    measureMs: 400,
    scenarioMs: 100,
    calibrationMs: 100,
    probeMs: 50,
    probes: 2,
    microMs: 60,
  },
};

let sandbox: Sandbox;
let config: string;
beforeAll(async () => {
  sandbox = await Sandbox.create();
  config = sandbox.path('tiny.mjs');
  await writeFile(config, `export default ${JSON.stringify({ quick: TINY })};`);
});
afterAll(() => sandbox.remove());

/** Processes that were started by this run, or by those: told by an environment that only they have. */
function processesOf(mark: string): string[] {
  const found = execFileSync('ps', ['axeww', '-o', 'pid=,command='], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  return found.split('\n').filter((line) => line.includes(`SUPERNODE_TEST_MARK=${mark}`));
}

it('a run ends with a valid result, tables, reports and no process', async () => {
  const file = sandbox.path('r.json');
  const page = sandbox.path('r.html');
  const run = sandbox.run(
    ['bench', '--quick', '--config', config, '--out', file, '--report', `html=${page}`],
    { env: { SUPERNODE_TEST_MARK: 'whole', SUPERNODE_BENCH_PLANT: '' } },
  );
  expect(await run.end(), run.stderr).toEqual({ code: 0, signal: null });
  expect(run.stderr).toBe(`supernode: the result is in ${file}\n`);
  expect(run.text).toContain('relay-throughput');

  const result: Result = parseResult(JSON.parse(readFileSync(file, 'utf8')));
  expect(result.mode).toBe('quick');
  expect(result.systems).toHaveProperty('uws-echo.version');
  const cases = new Map(result.cases.map((one) => [one.id, one]));
  for (const id of ['saturate/single', 'saturate/bundled', 'one-in-flight', 'voice']) {
    expect(cases.get(`relay/${id}/p10@supernode`)?.rounds).toHaveLength(2);
    const primary = cases.get(`relay/${id}/p10@supernode`)!.metrics.find((metric) => metric.primary)!;
    expect(Math.min(...primary.samples)).toBeGreaterThan(0);
    const ratios = result.ratios.filter(({ benchmark }) => benchmark === `relay/${id}/p10`);
    expect(ratios.map(({ to, metric }) => `${to} ${metric}`)).toContain(`uws-echo ${primary.name}`);
  }
  expect(cases.get('relay/voice/p10@uws-echo')?.latency?.from).toBe('intended');
  expect(cases.get('frame/read@supernode')?.metrics[0]?.samples).toHaveLength(1);
  expect(readFileSync(page, 'utf8')).toContain('<html');
  expect(processesOf('whole')).toEqual([]);
});

it('SIGINT ends it with 130, and leaves neither a process nor a file', async () => {
  const before = readdirSync(sandbox.directory);
  const run = sandbox.run(['bench', '--quick', '--config', config, '--out', sandbox.path('none.json')], {
    env: { SUPERNODE_TEST_MARK: 'ended' },
  });
  await until('a load runs', () => processesOf('ended').some((line) => line.includes('load-process')));
  run.child.kill('SIGINT');
  expect(await run.end()).toEqual({ code: 130, signal: null });
  await until('every process is gone', () => processesOf('ended').length === 0);
  expect(readdirSync(sandbox.directory)).toEqual(before);
});

it('a fault that is planted in the relay is told', async () => {
  const file = sandbox.path('planted.json');
  const run = sandbox.run(
    [
      'bench',
      '--quick',
      '--suite',
      'relay-latency',
      '--systems',
      'none',
      '--rounds',
      '1',
      '--json',
      '--config',
      config,
      '--out',
      file,
    ],
    {
      env: { SUPERNODE_BENCH_PLANT: 'slow:10' },
    },
  );
  expect(await run.end(), run.stderr).toEqual({ code: 0, signal: null });
  const result = parseResult(JSON.parse(run.text));
  expect(result.warnings[0]).toMatchObject({ code: 'planted' });
  expect(result.mode).toBe('custom');
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(result);
  const published = new URL('../../../bench/reporter/result.schema.json', import.meta.url);
  const ajv = new Ajv({ strict: true, allowUnionTypes: true, formats: { 'date-time': true } });
  expect(ajv.validate(JSON.parse(readFileSync(published, 'utf8')), result), ajv.errorsText()).toBe(true);
});

it('a relay that stalls for 100 ms shows it in the open loop, in 99.9% and not only in the longest', async () => {
  const long = sandbox.path('long.mjs');
  // The plant stalls a shard every 2 s: one stall at least is within.
  const durations = { ...TINY.durations, measureMs: 2_500, probes: 0 };
  await writeFile(long, `export default ${JSON.stringify({ quick: { ...TINY, durations } })};`);
  const latencyOf = async (plant: string) => {
    const file = sandbox.path(`stall-${plant.length}.json`);
    const args = [
      '--profile',
      'voice',
      '--systems',
      'none',
      '--rounds',
      '1',
      '--config',
      long,
      '--out',
      file,
    ];
    const run = sandbox.run(['bench', '--quick', ...args], { env: { SUPERNODE_BENCH_PLANT: plant } });
    expect(await run.end(), run.stderr).toEqual({ code: 0, signal: null });
    return parseResult(JSON.parse(readFileSync(file, 'utf8'))).cases[0]!.latency!;
  };
  const stalled = await latencyOf('stall:100');
  expect(stalled.from).toBe('intended');
  // 4% of the packets were due in a stall: most of them waited tens of milliseconds, a closed loop would count a few.
  expect(stalled.p999).toBeGreaterThan(80);
  expect(stalled.p99).toBeGreaterThan(30);
});

// In parts: a run has a minute, and a machine that runs all the tests at once takes as long for all of them.
it.each([[['voice', 'video']], [['message', 'fan-in']], [['supernode', 'login-storm', 'idle', 'saturate']]])(
  'the profiles %j run, with every figure that they promise',
  async (names) => {
    const file = sandbox.path(`${names[0]}.json`);
    const args = ['--profile', names.join(','), '--systems', 'none', '--rounds', '1', '--config', config];
    const run = sandbox.run(['bench', '--quick', ...args, '--out', file], {
      env: { SUPERNODE_BENCH_PLANT: '' },
    });
    expect(await run.end(), run.stderr).toEqual({ code: 0, signal: null });
    const { cases } = parseResult(JSON.parse(readFileSync(file, 'utf8')));
    expect(new Set(cases.map(({ profile }) => profile))).toEqual(new Set(names));
    for (const { id, metrics } of cases) {
      expect(
        metrics.map(({ name }) => name),
        id,
      ).toContain('rss');
      for (const { samples } of metrics) expect(samples.every(Number.isFinite), id).toBe(true);
    }
    for (const name of names.filter((one) => ['voice', 'video', 'message', 'fan-in'].includes(one))) {
      const search = cases.find(({ id }) => id === `relay/${name}/capacity/p10@supernode`)!;
      expect(search.metrics.find(({ primary }) => primary)?.name).toBe('rateAtObjective');
    }
  },
);
