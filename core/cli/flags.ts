/**
 * Flags and arguments, checked. citty reads them leniently: it takes an unknown flag, a flag without its value and one
 * argument too many in silence, and a script with a typo would run with the defaults. So each is an error here.
 */
import { parseArgs as readTokens } from 'node:util';
import { type ArgsDef, parseArgs } from 'citty';
import { UsageError } from './exit-codes.ts';

/** A list: arguments of which there may be several. */
export type FlagValues = Record<string, string | boolean | string[] | undefined>;

/**
 * @param several the argument of which there may be any number; its value is a list.
 * @throws UsageError that names the flag and those that there are.
 */
export function readFlags(command: string, args: ArgsDef, raw: string[], several?: string): FlagValues {
  const flags = Object.entries(args).filter(([, definition]) => definition.type !== 'positional');
  const positionals = Object.keys(args).filter((name) => args[name]!.type === 'positional');
  const known = new Map(flags.map(([name, { type }]) => [name, type === 'boolean' ? 'boolean' : 'string']));
  const options = Object.fromEntries(
    [...known].map(([name, type]) => [name, { type: type as 'boolean' | 'string' }]),
  );
  raw = joinNegative(raw, known);
  const { tokens } = readTokens({ args: raw, options, strict: false, tokens: true, allowPositionals: true });
  const given: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') given.push(token.value);
    if (token.kind === 'option') checkOption(command, known, token);
  }
  if (given.length > positionals.length && several === undefined) {
    const takes = positionals.length === 0 ? 'no argument' : `only ${positionals.map(upper).join(' ')}`;
    throw new UsageError(
      `${command} takes ${takes}: "${shown(given[positionals.length]!)}" is one too many.`,
    );
  }
  const missing = positionals[given.length];
  if (missing !== undefined) {
    const example = `${command} ${positionals.map(upper).join(' ')}`;
    throw new UsageError(`${upper(missing)} is missing: ${example} (see ${command} --help).`);
  }
  for (const [name, { required, valueHint }] of flags) {
    if (!required || tokens.some((token) => token.kind === 'option' && token.name === name)) continue;
    throw new UsageError(`${command} needs --${name} ${valueHint ?? upper(name)}.`);
  }
  const values = parseArgs(raw, args) as FlagValues;
  return several === undefined ? values : { ...values, [several]: given };
}

/** A number below 0 is a value, wrong as it may be, and not a flag after one whose value was forgotten. */
function joinNegative(raw: string[], known: Map<string, string>): string[] {
  const joined: string[] = [];
  for (const word of raw) {
    const before = joined.at(-1);
    const takesIt = before?.startsWith('--') && known.get(before.slice(2)) === 'string';
    if (takesIt && /^-\d+(\.\d+)?$/.test(word) && !joined.includes('--'))
      joined.push(`${joined.pop()}=${word}`);
    else joined.push(word);
  }
  return joined;
}

function checkOption(
  command: string,
  known: Map<string, string>,
  token: { name: string; rawName: string; value: string | undefined; inlineValue: boolean | undefined },
): void {
  const type = known.get(token.name);
  if (type === undefined) {
    const there = [...known.keys(), 'help'].map((name) => `--${name}`).join(', ');
    throw new UsageError(`${command} has no flag ${shown(token.rawName)}; it has: ${there}.`);
  }
  if (type === 'boolean') {
    if (token.value === undefined) return;
    throw new UsageError(`--${token.name} takes no value, not "${shown(token.value)}".`);
  }
  // A value that looks like a flag is a forgotten value; --name=-value is there for those who mean it.
  const forgotten = token.value?.startsWith('-') && token.value !== '-' && !token.inlineValue;
  if (token.value === undefined || token.value === '' || forgotten) {
    throw new UsageError(`--${token.name} needs a value: --${token.name} ${upper(token.name)}.`);
  }
}

/** @throws UsageError when the flag is given and is not a whole number in the range. */
export function wholeNumber(
  values: FlagValues,
  name: string,
  least: number,
  most: number,
): number | undefined {
  const text = values[name];
  if (text === undefined) return undefined;
  const number = /^\d{1,10}$/.test(String(text)) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new UsageError(
    `--${name} must be a whole number from ${least} to ${most}, not "${shown(String(text))}".`,
  );
}

export function text(values: FlagValues, name: string): string | undefined {
  const value = values[name];
  return typeof value === 'string' ? value : undefined;
}

/** Of a flag that takes several, separated by commas; undefined when it was not given. */
export function list(values: FlagValues, name: string): string[] | undefined {
  const parts = text(values, name)
    ?.split(',')
    .map((part) => part.trim());
  if (!parts?.includes('')) return parts;
  throw new UsageError(`--${name} takes names separated by commas, not "${shown(text(values, name)!)}".`);
}

export function shown(value: string): string {
  return value.length > 60 ? `${value.slice(0, 60)}...` : value;
}

function upper(name: string): string {
  return name.toUpperCase();
}
