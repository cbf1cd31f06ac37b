/** `supernode directory import`: the rows of an export into a store. */
import { createReadStream } from 'node:fs';
import { type ImportSummary, importDirectory, verifyExport } from '../directory/import-file.ts';
import type { Command } from './command.ts';
import { dataFlag, plural, showProgress, storeOf } from './directory.ts';
import { CommandError, EXIT_FAILURE, EXIT_OK, UsageError } from './exit-codes.ts';
import { printText, stderrLine } from './print.ts';

export const directoryImport: Command = {
  name: 'supernode directory import',
  description: 'Reads an export into a directory; creates it when there is none',
  args: {
    ...dataFlag,
    json: { type: 'boolean', description: 'Print the counts as one line of JSON' },
  },
  several: 'file',
  notes: [
    'FILE, or stdin without one. A file is checked whole before anything is stored; what comes from stdin, as it comes. ' +
      'Every record and vault is verified. What the directory has and is newer stays, so an import that was broken off ' +
      'is simply run again. Stop the relay first: a directory that is in use is refused.',
  ],
  examples: [
    ['supernode directory import backup.ndjson', 'into that of the relay on the default port'],
    ['zstd -dc backup.zst | supernode directory import --data /srv/relay', 'unpacked on the way'],
  ],
  exitCodes: [
    [
      EXIT_FAILURE,
      'the file is no export or was cut off, the directory is in use or full, or rows were refused',
    ],
  ],
  async run(values) {
    const files = values['file'] as string[];
    if (files.length > 1) {
      throw new UsageError(`supernode directory import takes one FILE, not ${files.length}.`);
    }
    const [file] = files;
    const progress = showProgress('imported');
    let summary: ImportSummary;
    try {
      if (file !== undefined) await verifyExport(bytesOf(file));
      const source = file === undefined ? process.stdin : bytesOf(file);
      summary = await importDirectory(storeOf(values), source, { onProgress: progress.onProgress });
    } finally {
      progress.stop();
    }
    const { stored, kept, refused, taken } = summary;
    const said = `${plural(stored, 'row')} stored, ${kept} there already`;
    await printText(`${values['json'] === true ? JSON.stringify(summary) : said}\n`);
    if (refused > 0) stderrLine(`${plural(refused, 'row')} refused: they do not verify.`);
    if (taken > 0) stderrLine(`${plural(taken, 'record')} left out: another peer has the name.`);
    return refused + taken === 0 ? EXIT_OK : EXIT_FAILURE;
  },
};

async function* bytesOf(file: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(file, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Uint8Array>;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (typeof code !== 'string' || error instanceof CommandError) throw error;
    throw new CommandError(EXIT_FAILURE, 'io', `Cannot read the export ${file}: ${message}.`, {
      cause: error,
    });
  }
}
