/** What bench.config.ts may say. Every value is checked before anything starts, and a wrong one is named. */
import * as v from 'valibot';
import { OptionError } from '../core/protocol/errors.ts';
import { MAX_SHARDS } from '../core/relay/limits.ts';
import { PROFILE_NAMES } from './profiles/profile.ts';
import { REPORTER_NAMES } from './reporter/index.ts';
import { MICRO_SUITES } from './suites/suite.ts';
import { SYSTEM_IDS } from './systems/system.ts';

export { PROFILE_NAMES };
export const SUITE_NAMES = MICRO_SUITES;
export type SuiteName = (typeof SUITE_NAMES)[number];

export const RIVAL_IDS = SYSTEM_IDS.filter((id) => id !== 'supernode');

const whole = (least: number, most: number) => {
  const message = `a whole number from ${least} to ${most}`;
  return v.pipe(v.number(message), v.integer(message), v.minValue(least, message), v.maxValue(most, message));
};
const real = (least: number, most: number) => {
  const message = `a number from ${least} to ${most}`;
  return v.pipe(v.number(message), v.minValue(least, message), v.maxValue(most, message));
};
const someOf = <const T extends readonly string[]>(names: T) =>
  v.pipe(
    v.array(v.picklist(names, `one of ${names.join(', ')}`), `a list of ${names.join(', ')}`),
    v.check((given) => new Set(given).size === given.length, 'a list that names each only once'),
  );
const PEERS = 'an even whole number from 2 to 10000';
const peers = v.pipe(
  v.number(PEERS),
  v.integer(PEERS),
  v.minValue(2, PEERS),
  v.maxValue(10_000, PEERS),
  v.multipleOf(2, PEERS),
);
const core = whole(0, 4_095);
const rounds = whole(1, 1_000);

const MODE = {
  /** Micro-benchmarks, and the relay's two standard loads. */
  suites: someOf(SUITE_NAMES),
  /** Loads from bench/profiles. */
  profiles: someOf(PROFILE_NAMES),
  /** What supernode is compared with; one that is not on this machine is named in the result. */
  rivals: someOf(RIVAL_IDS),
  /** Sizes at which every profile is measured. */
  peers: v.pipe(
    v.array(peers, 'a list of numbers of peers'),
    v.minLength(1, 'a list of at least one number'),
  ),
  /** Rounds of a case; `relay` is of the two relay suites. Each round has fresh processes. */
  rounds: v.strictObject(
    {
      micro: rounds,
      /** Micro-benchmarks of the two relay suites (one call through a relay); 0: only their standard loads. */
      microRelay: whole(0, 1_000),
      relay: rounds,
      relayRivals: rounds,
      profile: rounds,
      profileRivals: rounds,
      scenario: rounds,
      /** Rounds, out of those of a profile, that also search for the highest rate. */
      search: rounds,
    },
    'an object of numbers of rounds',
  ),
  durations: v.strictObject(
    {
      /** Before every measured time. */
      warmupMs: whole(0, 60_000),
      /** Measured in every phase of a round. */
      measureMs: whole(20, 600_000),
      /** Measured in a round of a scenario. */
      scenarioMs: whole(20, 600_000),
      /** The machine's own figures, taken before the first round and again after the last. */
      calibrationMs: whole(100, 60_000),
      /** One probe of the search for the highest rate; a round has at most `probes` of them, 0 for no search. */
      probeMs: whole(20, 60_000),
      probes: whole(0, 20),
      /** All tasks of the micro-benchmarks of a round share it. */
      microMs: whole(20, 600_000),
    },
    'an object of durations',
  ),
};

const CONFIG = {
  quick: v.strictObject(MODE, 'an object of settings'),
  full: v.strictObject(MODE, 'an object of settings'),
  placement: v.strictObject(
    {
      /** `auto`: the first core that this process may use, and the others. */
      relay: v.union([v.literal('auto'), core], "'auto' or the number of a core"),
      load: v.union(
        [v.literal('auto'), v.pipe(v.array(core), v.minLength(1))],
        "'auto' or a list of numbers of cores",
      ),
      loadProcesses: v.union([v.literal('auto'), whole(1, 64)], "'auto' or a whole number from 1 to 64"),
      shards: whole(1, MAX_SHARDS),
    },
    'an object of settings',
  ),
  /** Reports written beside every result; `{result}` in a name stands for the result's name without its ending. */
  reporters: v.array(
    v.strictObject(
      {
        format: v.picklist(REPORTER_NAMES, `one of ${REPORTER_NAMES.join(', ')}`),
        file: v.pipe(v.string('a file name'), v.nonEmpty('a file name')),
      },
      'an object { format, file }',
    ),
    'a list of reports',
  ),
  thresholds: v.strictObject(
    {
      /** A difference smaller than this is no regression, whatever the test says; 0.02 = 2%. */
      noise: real(0, 1),
      /** A difference is significant where chance gives one as large less often than this. */
      alpha: real(0.0001, 0.5),
      /** The highest rate is the highest at which 99% of packets take no longer, and none is lost. */
      objectiveP99Ms: real(0.01, 10_000),
    },
    'an object of numbers',
  ),
};

const MESSAGE = 'an object of settings';
const ConfigSchema = v.strictObject(CONFIG, MESSAGE);

export type BenchConfig = v.InferOutput<typeof ConfigSchema>;
export type ModeConfig = BenchConfig['full'];
type Partly<T> = T extends readonly unknown[] ? T : T extends object ? { [K in keyof T]?: Partly<T[K]> } : T;
/** What a file for `--config` gives: what it leaves out is as in the bench.config.ts that came with supernode. */
export type BenchConfigChanges = Partly<BenchConfig>;

/**
 * Types the configuration of a file: `export default defineBenchConfig({ ... })`.
 * @throws OptionError that names the setting, its value and what is allowed.
 */
export function defineBenchConfig<const T extends BenchConfigChanges>(config: T): T {
  if (!isRecord(config)) throw new OptionError(`A benchmark configuration must be ${MESSAGE}.`);
  const issues = v.safeParse(ConfigSchema, config).issues ?? [];
  const issue = issues.find((it) => !isAbsent(it));
  if (issue) throw new OptionError(sentenceOf(issue));
  return config;
}

/** @throws OptionError as `defineBenchConfig`, and for a setting that neither of the two gives. */
export function resolveConfig(base: unknown, changes: unknown): BenchConfig {
  const merged = merge(
    defineBenchConfig(base as BenchConfigChanges),
    defineBenchConfig(changes as BenchConfigChanges),
  );
  const parsed = v.safeParse(ConfigSchema, merged);
  if (parsed.success) return parsed.output;
  throw new OptionError(sentenceOf(parsed.issues[0]));
}

function merge(base: unknown, changes: unknown): unknown {
  if (!isRecord(base) || !isRecord(changes)) return changes === undefined ? base : changes;
  const merged = { ...base };
  for (const [key, value] of Object.entries(changes)) merged[key] = merge(base[key], value);
  return merged;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

type Issue = v.BaseIssue<unknown>;

/** A setting that is left out is no error of a file that only changes some. */
function isAbsent(issue: Issue): boolean {
  return issue.input === undefined;
}

function pathOf(issue: Issue): string {
  return (issue.path ?? []).reduce((path, { key }) => {
    if (typeof key === 'number') return `${path}[${key}]`;
    return path === '' ? String(key) : `${path}.${String(key)}`;
  }, '');
}

function sentenceOf(issue: Issue): string {
  const path = pathOf(issue);
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    return `There is no setting ${path} of benchmarks; there are: ${siblings(issue).join(', ')}.`;
  }
  if (isAbsent(issue)) return `The setting ${path} of benchmarks is missing.`;
  return `The setting ${path} of benchmarks must be ${issue.message}, not ${shown(issue.input)}.`;
}

/** The names allowed where a wrong one was given. */
function siblings(issue: Issue): string[] {
  let level: unknown = ConfigSchema;
  for (const { key } of (issue.path ?? []).slice(0, -1)) level = inside(level, key);
  return Object.keys((level as { entries?: object }).entries ?? {});
}

function inside(schema: unknown, key: unknown): unknown {
  const { entries, item } = schema as { entries?: Record<string, unknown>; item?: unknown };
  return typeof key === 'number' ? item : entries?.[String(key)];
}

function shown(value: unknown): string {
  const text = typeof value === 'string' ? `"${value}"` : (JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}
