/** The command line: finds the command and runs it. */
import { createRequire } from 'node:module';
import { type Command, type CommandGroup, isGroup } from './command.ts';
import { root } from './commands.ts';
import { EXIT_OK, UsageError } from './exit-codes.ts';
import { printText } from './print.ts';

/**
 * @param given the arguments after `supernode`.
 * @returns the exit code.
 * @throws what exit-codes.ts has a code and a sentence for.
 */
export async function runCommandLine(given: string[]): Promise<number> {
  const [first] = given;
  if (first === '--version' || first === '-v') {
    const { version } = createRequire(import.meta.url)('supernode/package.json') as { version: string };
    await printText(`${version}\n`);
    return EXIT_OK;
  }
  const { command, rest } = await findCommand(root, given);
  if (asksForHelp(rest)) {
    const { helpOf } = await import('./help.ts');
    await printText(await helpOf(command));
    return EXIT_OK;
  }
  if (isGroup(command)) throw noCommand(command, rest[0]);
  const { readFlags } = await import('./flags.ts');
  return command.run(readFlags(command.name, command.args, rest, command.several));
}

async function findCommand(
  group: CommandGroup,
  given: string[],
): Promise<{ command: Command | CommandGroup; rest: string[] }> {
  const [name, ...rest] = given;
  if (name === undefined || !Object.hasOwn(group.commands, name)) {
    const alone = group.alone && (name === undefined || name.startsWith('-'));
    return { command: alone ? await group.alone!() : group, rest: given };
  }
  const command = await group.commands[name]!.load();
  return isGroup(command) ? findCommand(command, rest) : { command, rest };
}

function asksForHelp(given: string[]): boolean {
  const end = given.indexOf('--');
  const flags = end < 0 ? given : given.slice(0, end);
  return flags.includes('--help') || flags.includes('-h');
}

function noCommand(group: CommandGroup, given: string | undefined): UsageError {
  const there = Object.keys(group.commands).join(', ');
  if (given === undefined) {
    return new UsageError(`a command is missing: ${group.name} has ${there} (see ${group.name} --help).`);
  }
  const shown = given.length > 60 ? `${given.slice(0, 60)}...` : given;
  if (given.startsWith('-')) {
    const flags = group === root ? '--help, --version' : '--help';
    return new UsageError(`${group.name} has no flag ${shown}; it has: ${flags}, and the commands ${there}.`);
  }
  return new UsageError(`${group.name} has no command "${shown}"; it has: ${there}.`);
}
