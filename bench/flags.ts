/** The flags of a benchmark script: what they are, what may be given, what --help prints. */
import { parseArgs } from 'node:util';
import { OptionError } from '../core/protocol/errors.ts';

export type Flag =
  | { kind: 'number'; about: string; default: number; min: number; max: number }
  | { kind: 'choice'; about: string; default: string; choices: readonly string[] }
  | { kind: 'switch'; about: string };

export type FlagValues<F extends Record<string, Flag>> = {
  [K in keyof F]: F[K] extends { kind: 'number' }
    ? number
    : F[K] extends { kind: 'choice'; choices: readonly (infer C)[] }
      ? C
      : boolean;
};

export interface Script<F extends Record<string, Flag>> {
  name: string;
  about: string;
  flags: F;
  run(values: FlagValues<F>): Promise<void>;
}

export function whole(about: string, initial: number, min: number, max: number) {
  return { kind: 'number', about, default: initial, min, max } as const;
}

const HELP = { kind: 'switch', about: 'Show this text.' } as const;

/** @throws OptionError that names the flag and what is allowed. */
export function readFlags<F extends Record<string, Flag>>(
  flags: F,
  args: string[],
): FlagValues<F> & { help: boolean } {
  const known: Record<string, Flag> = { ...flags, help: HELP };
  const values: Record<string, number | string | boolean> = {};
  for (const [name, flag] of Object.entries(known))
    values[name] = flag.kind === 'switch' ? false : flag.default;
  const options = Object.fromEntries(
    Object.entries(known).map(([name, flag]) => [
      name,
      { type: flag.kind === 'switch' ? ('boolean' as const) : ('string' as const) },
    ]),
  );
  const { tokens } = parseArgs({ args, options, strict: false, allowPositionals: true, tokens: true });
  for (const token of tokens) {
    if (token.kind === 'positional')
      throw new OptionError(`Unexpected argument "${token.value}"; see --help.`);
    if (token.kind !== 'option') continue;
    const flag = Object.hasOwn(known, token.name) ? known[token.name] : undefined;
    if (!flag) throw new OptionError(`There is no flag ${token.rawName}; see --help.`);
    values[token.name] = readValue(token.rawName, flag, token.value);
  }
  return values as FlagValues<F> & { help: boolean };
}

function readValue(name: string, flag: Flag, text: string | undefined): number | string | boolean {
  if (flag.kind === 'switch') {
    if (text !== undefined) throw new OptionError(`${name} takes no value, but was given "${text}".`);
    return true;
  }
  if (flag.kind === 'choice') {
    if (text !== undefined && flag.choices.includes(text)) return text;
    throw new OptionError(`${name} must be one of ${flag.choices.join(', ')}${was(text)}.`);
  }
  const value = text === undefined || text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isInteger(value) && value >= flag.min && value <= flag.max) return value;
  throw new OptionError(`${name} must be a whole number from ${flag.min} to ${flag.max}${was(text)}.`);
}

function was(text: string | undefined): string {
  return text === undefined ? ', but has no value' : `, not "${text}"`;
}

function help(name: string, about: string, flags: Record<string, Flag>): string {
  const rows = Object.entries<Flag>({ ...flags, help: HELP }).map(([flag, it]) => {
    const value = it.kind === 'switch' ? '' : it.kind === 'number' ? ' N' : ` ${it.choices.join('|')}`;
    return [`  --${flag}${value}`, it.kind === 'switch' ? it.about : `${it.about} [${it.default}]`] as const;
  });
  const width = Math.max(...rows.map(([left]) => left.length)) + 2;
  const lines = rows.map(([left, right]) => left.padEnd(width) + right);
  return `${about}\n\nUsage: ${name} [flags]\n\n${lines.join('\n')}\n`;
}

/** Runs a script: one sentence on stderr and exit code 2 for a wrong flag, 1 for a run that failed. */
export async function runScript<F extends Record<string, Flag>>(script: Script<F>): Promise<void> {
  try {
    const values = readFlags(script.flags, process.argv.slice(2));
    if (values.help) process.stdout.write(help(script.name, script.about, script.flags));
    else await script.run(values);
  } catch (error) {
    process.stderr.write(`${script.name}: ${(error as Error).message}\n`);
    process.exitCode = error instanceof OptionError ? 2 : 1;
  }
}
