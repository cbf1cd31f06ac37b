/** What --help prints: citty's usage, then notes, examples and exit codes. */
import { stripVTControlCharacters } from 'node:util';
import { type CommandDef, renderUsage } from 'citty';
import pc from 'picocolors';
import { type Command, type CommandGroup, isGroup } from './command.ts';
import { EXIT_USAGE } from './exit-codes.ts';

const WIDTH = 96;

export async function helpOf(command: Command | CommandGroup): Promise<string> {
  const sections = [isGroup(command) ? groupUsage(command) : await usage(command)];
  if (!isGroup(command)) sections.push(...(command.notes ?? []).map(wrapped));
  sections.push(`${heading('EXAMPLES')}\n\n${columns(command.examples.map(([line, what]) => [line, what]))}`);
  if (!isGroup(command)) sections.push(`${heading('EXIT CODES')}\n\n${columns(exitCodes(command))}`);
  return `${sections.join('\n\n')}\n`;
}

async function usage({ name, description, args }: Command): Promise<string> {
  const text = await renderUsage({ meta: { name, description }, args } as CommandDef);
  // citty colours whatever it prints to: here only a terminal whose user did not ask for none gets colours.
  return (pc.isColorSupported ? text : stripVTControlCharacters(text)).replace(/ +$/gm, '').trimEnd();
}

function groupUsage({ name, description, commands }: CommandGroup): string {
  const lines = Object.entries(commands).map(([command, about]): [string, string] => [
    command,
    about.description,
  ]);
  return [
    pc.gray(`${description} (${name})`),
    '',
    `${heading('USAGE')} ${pc.cyan(`${name} ${Object.keys(commands).join('|')}`)}`,
    '',
    heading('COMMANDS'),
    '',
    columns(lines),
    '',
    `${name} COMMAND --help tells more about a command.`,
  ].join('\n');
}

function exitCodes({ exitCodes }: Command): [string, string][] {
  const all: [number, string][] = [[0, 'done'], ...exitCodes, [EXIT_USAGE, 'a flag or argument is wrong']];
  return all.sort(([a], [b]) => a - b).map(([code, meaning]) => [String(code), meaning]);
}

function heading(text: string): string {
  return pc.underline(pc.bold(text));
}

function columns(rows: [string, string][]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${pc.cyan(left.padEnd(width))}  ${right}`).join('\n');
}

function wrapped(paragraph: string): string {
  const lines: string[] = [];
  for (const word of paragraph.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > WIDTH) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.join('\n');
}
