/** What a command is: citty's definition, with the examples that its --help shows. */
import type { ArgsDef } from 'citty';
import type { FlagValues } from './flags.ts';

export interface Command {
  /** As typed, such as `supernode pipe listen`. */
  name: string;
  description: string;
  args: ArgsDef;
  /** The one argument of which there may be any number. */
  several?: string;
  /** What it costs to know: paragraphs below the flags. */
  notes?: string[];
  /** Command line, and what it does. */
  examples: [line: string, what: string][];
  /** Exit codes beside 0 and 2. */
  exitCodes: [code: number, meaning: string][];
  /** @returns the exit code. Throws what becomes one sentence on stderr. */
  run(values: FlagValues): Promise<number>;
}

/** Commands of commands, such as `supernode pipe`. Loaded when asked for, so that none pays for the others. */
export interface CommandGroup {
  name: string;
  description: string;
  commands: Record<string, { description: string; load(): Promise<Command | CommandGroup> }>;
  examples: [line: string, what: string][];
  /** What the group's name does by itself, with flags or without. */
  alone?: () => Promise<Command>;
}

export function isGroup(command: Command | CommandGroup): command is CommandGroup {
  return 'commands' in command;
}
