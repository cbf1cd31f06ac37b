import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defineBenchConfig, resolveConfig } from '../../../bench/config.ts';
import { loadBenchConfig } from '../../../bench/run/load-config.ts';
import base from '../../../bench.config.ts';
import { OptionError } from '../../../core/protocol/errors.ts';

function refusal(config: unknown): string {
  try {
    defineBenchConfig(config as object);
  } catch (error) {
    expect(error).toBeInstanceOf(OptionError);
    return (error as Error).message;
  }
  throw new Error('It was not refused.');
}

describe('a wrong setting is refused in one sentence', () => {
  it.each([
    [
      { quick: { rounds: { relay: 0 } } },
      'The setting quick.rounds.relay of benchmarks must be a whole number from 1 to 1000, not 0.',
    ],
    [
      { full: { durations: { measureMs: 1.5 } } },
      'The setting full.durations.measureMs of benchmarks must be a whole number from 20 to 600000, not 1.5.',
    ],
    [
      { full: { peers: [100, 99] } },
      'The setting full.peers[1] of benchmarks must be an even whole number from 2 to 10000, not 99.',
    ],
    [
      { full: { profiles: ['voice', 'vioce'] } },
      'The setting full.profiles[1] of benchmarks must be one of voice, video, message, supernode, login-storm, login-cost, login-flood, idle, fan-in, saturate, not "vioce".',
    ],
    [
      { full: { profiles: ['voice', 'voice'] } },
      'The setting full.profiles of benchmarks must be a list that names each only once, not ["voice","voice"].',
    ],
    [
      { full: { rivals: ['supernode'] } },
      'The setting full.rivals[0] of benchmarks must be one of ws, uws-relay, uws-echo, nats, coturn-tcp, coturn-tcp-udp, coturn-udp, not "supernode".',
    ],
    [
      { fast: {} },
      'There is no setting fast of benchmarks; there are: quick, full, placement, reporters, thresholds.',
    ],
    [
      { placement: { relya: 0 } },
      'There is no setting placement.relya of benchmarks; there are: relay, load, loadProcesses, shards.',
    ],
    [
      { placement: { relay: 'any' } },
      'The setting placement.relay of benchmarks must be \'auto\' or the number of a core, not "any".',
    ],
    [
      { reporters: [{ format: 'pdf', file: 'x.pdf' }] },
      'The setting reporters[0].format of benchmarks must be one of table, json, markdown, csv, html, github-action-smaller, github-action-bigger, bencher, not "pdf".',
    ],
    [
      { reporters: [{ format: 'html', file: 'x', size: 1 }] },
      'There is no setting reporters[0].size of benchmarks; there are: format, file.',
    ],
    [
      { thresholds: { alpha: 5 } },
      'The setting thresholds.alpha of benchmarks must be a number from 0.0001 to 0.5, not 5.',
    ],
    [[], 'A benchmark configuration must be an object of settings.'],
  ])('%j', (config, sentence) => {
    expect(refusal(config)).toBe(sentence);
  });

  it('and one that is left out everywhere is called missing', () => {
    const { full: _, ...rest } = base;
    expect(() => resolveConfig(rest, {})).toThrow('The setting full of benchmarks is missing.');
  });
});

describe('changes are laid over the base', () => {
  it('setting by setting, lists as a whole', () => {
    const config = resolveConfig(base, { quick: { peers: [10], rounds: { micro: 1 } } });
    expect(config.quick.peers).toEqual([10]);
    expect(config.quick.rounds).toEqual({ ...base.quick.rounds, micro: 1 });
    expect(config.full).toEqual(base.full);
  });
});

describe('a configuration file', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'supernode-config-'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  async function file(name: string, content: string): Promise<string> {
    const path = join(directory, name);
    await writeFile(path, content);
    return path;
  }

  it('changes what it names', async () => {
    const path = await file('good.mjs', 'export default { thresholds: { objectiveP99Ms: 5 } };');
    const config = await loadBenchConfig(path);
    expect(config.thresholds).toEqual({ ...base.thresholds, objectiveP99Ms: 5 });
  });

  it.each([
    ['none.mjs', null, 'There is no configuration file'],
    ['settings.json', '{}', 'must end with .js, .mjs, .ts, .mts'],
    ['empty.mjs', '', 'must have a default export'],
    ['broken.mjs', 'export default nothing;', 'cannot be loaded: nothing is not defined'],
    ['wrong.mjs', 'export default { quick: { suites: ["fram"] } };', 'must be one of frame, ring'],
  ])('%s is refused', async (name, content, sentence) => {
    const path = content === null ? join(directory, name) : await file(name, content);
    const error = await loadBenchConfig(path).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(OptionError);
    expect((error as Error).message).toContain(sentence);
  });
});
