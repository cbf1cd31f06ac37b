/** What is run: the configuration of the mode, with the flags on top. */
import { UsageError } from '../../core/cli/exit-codes.ts';
import { type FlagValues, list, shown, text, wholeNumber } from '../../core/cli/flags.ts';
import { type BenchConfig, type ModeConfig, RIVAL_IDS, SUITE_NAMES } from '../config.ts';
import { PROFILE_NAMES } from '../profiles/profile.ts';
import type { Result } from '../reporter/index.ts';

export interface Settings {
  mode: Result['mode'];
  /** What the mode has, changed by flags. */
  plan: ModeConfig;
}

/** @throws UsageError that lists the names there are. */
export function settingsOf(config: BenchConfig, values: FlagValues): Settings {
  const base = values['quick'] === true ? config.quick : config.full;
  const suites = names(values, 'suite', SUITE_NAMES);
  const profiles = names(values, 'profile', PROFILE_NAMES);
  const rivals = rivalsOf(values);
  const peers = sizes(values);
  const rounds = wholeNumber(values, 'rounds', 1, 1_000);
  // One of the two chosen: the other is not wanted.
  const chosen = suites !== undefined || profiles !== undefined;
  const plan: ModeConfig = {
    ...base,
    ...(chosen && { suites: suites ?? [], profiles: profiles ?? [] }),
    ...(rivals && { rivals }),
    ...(peers && { peers }),
    ...(rounds && { rounds: everyRound(base, rounds) }),
  };
  const custom = chosen || rivals !== undefined || peers !== undefined || rounds !== undefined;
  return { mode: custom ? 'custom' : values['quick'] === true ? 'quick' : 'full', plan };
}

function everyRound({ rounds }: ModeConfig, count: number): ModeConfig['rounds'] {
  const changed = Object.entries(rounds).map(([name, was]) => [name, was === 0 ? 0 : count]);
  return Object.fromEntries(changed) as ModeConfig['rounds'];
}

/** A name twice counts once. */
function names<T extends string>(values: FlagValues, flag: string, there: readonly T[]): T[] | undefined {
  const given = list(values, flag);
  return given && [...new Set(given.map((name) => oneOf(flag, name, there)))];
}

function oneOf<T extends string>(flag: string, name: string, there: readonly T[]): T {
  const found = there.find((one) => one === name);
  if (found !== undefined) return found;
  throw new UsageError(`--${flag} has no "${shown(name)}"; there are: ${there.join(', ')}.`);
}

/** supernode is always measured, so naming it changes nothing. */
function rivalsOf(values: FlagValues): ModeConfig['rivals'] | undefined {
  if (text(values, 'systems') === 'none') return [];
  const given = names(values, 'systems', ['supernode' as const, ...RIVAL_IDS]);
  return given?.filter((id) => id !== 'supernode');
}

function sizes(values: FlagValues): number[] | undefined {
  const given = list(values, 'peers');
  if (!given) return undefined;
  const read = given.map((size) => {
    const peers = /^\d{1,5}$/.test(size) ? Number(size) : 0;
    if (peers >= 2 && peers <= 10_000 && peers % 2 === 0) return peers;
    throw new UsageError(`--peers takes even whole numbers from 2 to 10000, not "${shown(size)}".`);
  });
  return [...new Set(read)];
}
