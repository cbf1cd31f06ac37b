/** A command line that is refused, in this process: one for each wrong flag takes a minute of a core. */
import { expect, vi } from 'vitest';

type CommandLine = typeof import('../../core/cli/command-line.ts');
type ExitCodes = typeof import('../../core/cli/exit-codes.ts');

const built = (name: string): Promise<unknown> =>
  import(new URL(`../../dist/core/cli/${name}.js`, import.meta.url).href);
const { runCommandLine } = (await built('command-line')) as CommandLine;
const { exitCodeOf, sentenceOf } = (await built('exit-codes')) as ExitCodes;

/** @returns the sentence, after nothing was printed. */
export async function refusalOf(args: string[], code: number): Promise<string> {
  const printed: unknown[] = [];
  const spies = [process.stdout, process.stderr].map((stream) =>
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      printed.push(text);
      return true;
    }),
  );
  try {
    const error: unknown = await runCommandLine(args).then(
      (exitCode) => new Error(`was not refused, but ended with ${exitCode}`),
      (thrown: unknown) => thrown,
    );
    const sentence = sentenceOf(error);
    expect({ code: exitCodeOf(error), printed }, sentence).toEqual({ code, printed: [] });
    expect(sentence).not.toContain('\n');
    return sentence;
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
