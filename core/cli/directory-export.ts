/** `supernode directory export`: a store as lines of JSON, to stdout or to a file that appears whole or not at all. */
import { randomBytes } from 'node:crypto';
import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type ExportSummary, exportDirectory } from '../directory/export-file.ts';
import type { Command } from './command.ts';
import { dataFlag, megabytes, plural, showProgress, storeOf } from './directory.ts';
import { CommandError, EXIT_FAILURE, EXIT_OK } from './exit-codes.ts';
import { text } from './flags.ts';
import { printText, stderrLine } from './print.ts';
import { stdoutSink } from './stdout-sink.ts';

const OWNER_ONLY = 0o600;

export const directoryExport: Command = {
  name: 'supernode directory export',
  description: 'Writes a directory as NDJSON: a backup, or to move it',
  args: {
    ...dataFlag,
    out: { type: 'string', description: 'File to write, mode 0600; default stdout', valueHint: 'FILE' },
    json: { type: 'boolean', description: 'With --out: print the counts as one line of JSON' },
  },
  notes: [
    'It works while the relay runs, and holds the directory as it was at one moment. The file has everybody’s records, ' +
      'lists and messages in it: keep it as you keep the data directory.',
  ],
  examples: [
    ['supernode directory export --out backup.ndjson', 'the relay on the default port'],
    ['supernode directory export --data /srv/relay | zstd > backup.zst', 'packed'],
  ],
  exitCodes: [[EXIT_FAILURE, 'it cannot be read or written, or damaged rows were left out']],
  async run(values) {
    const path = storeOf(values);
    const file = text(values, 'out');
    const progress = showProgress('exported');
    let summary: ExportSummary;
    try {
      summary =
        file === undefined
          ? await exportToStdout(path, progress.onProgress)
          : await exportToFile(path, file, progress.onProgress);
    } finally {
      progress.stop();
    }
    if (file !== undefined) {
      const said = `${plural(summary.rows, 'row')} (${megabytes(summary.bytes)}) in ${file}`;
      await printText(`${values['json'] === true ? JSON.stringify({ file, ...summary }) : said}\n`);
    }
    if (summary.damaged === 0) return EXIT_OK;
    stderrLine(`${plural(summary.damaged, 'damaged row')} left out; see supernode directory check.`);
    return EXIT_FAILURE;
  },
};

type OnProgress = ReturnType<typeof showProgress>['onProgress'];

async function exportToStdout(path: string, onProgress: OnProgress): Promise<ExportSummary> {
  const sink = stdoutSink();
  const summary = await exportDirectory(path, (lines) => sink.write(Buffer.from(lines)), { onProgress });
  await sink.end();
  return summary;
}

/** A file appears whole or not at all; what is none (a pipe, a device) is written to as it is. */
async function exportToFile(path: string, file: string, onProgress: OnProgress): Promise<ExportSummary> {
  const target = await targetOf(file);
  if (!target.isFile) return writeExport(path, file, await openAt(file, target.path, 'w'), onProgress);
  const draft = join(dirname(target.path), `.supernode-export-${randomBytes(8).toString('hex')}`);
  try {
    const summary = await writeExport(path, file, await openAt(file, draft, 'wx'), onProgress);
    await rename(draft, target.path);
    return summary;
  } finally {
    await rm(draft, { force: true });
  }
}

/** Where `file` leads, a link's target as well. @throws CommandError when it is a directory. */
async function targetOf(file: string): Promise<{ path: string; isFile: boolean }> {
  const path = await realpath(file).catch(() => file);
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) throw unwritable(file, new Error('it is a directory'));
  return { path, isFile: found === undefined || found.isFile() };
}

function openAt(file: string, path: string, flags: string): Promise<FileHandle> {
  return open(path, flags, OWNER_ONLY).catch((error: Error) => {
    throw unwritable(file, error);
  });
}

async function writeExport(
  path: string,
  file: string,
  opened: FileHandle,
  onProgress: OnProgress,
): Promise<ExportSummary> {
  try {
    const write = (lines: string) =>
      opened.appendFile(lines).catch((error: Error) => {
        throw unwritable(file, error);
      });
    const summary = await exportDirectory(path, write, { onProgress });
    // A pipe or a device has nothing to sync.
    if ((await opened.stat()).isFile()) await opened.sync();
    return summary;
  } finally {
    await opened.close();
  }
}

function unwritable(file: string, cause: Error): CommandError {
  return new CommandError(EXIT_FAILURE, 'io', `Cannot write the export ${file}: ${cause.message}.`, {
    cause,
  });
}
