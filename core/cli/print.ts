/** Text for stdout, which a script may read, and lines for people on stderr. */

/** Resolves when it was taken. A reader that has gone (`| head`) is no failure of what was asked for. */
export function printText(text: string): Promise<void> {
  return new Promise((resolve) => {
    // Not before something is printed: `pipe` uses the descriptor itself, and process.stdout would take it over.
    process.stdout.once('error', () => resolve());
    process.stdout.write(text, () => resolve());
  });
}

export function stderrLine(text: string): void {
  process.stderr.write(`supernode: ${text}\n`);
}

/** Ends the process once stderr has taken what it was given: a pipe may be slower than exit. */
export async function exitWith(code: number): Promise<never> {
  const { stderr } = process;
  if (stderr.writableLength > 0 && !stderr.destroyed) {
    await new Promise<void>((resolve) => {
      stderr.once('error', () => resolve());
      stderr.write('', () => resolve());
    });
  }
  process.exit(code);
}
