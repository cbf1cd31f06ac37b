/** What `register` is told about the profile: a file with the whole of it, single entries, or nothing. */
import { readFile, stat } from 'node:fs/promises';
import { CommandError, EXIT_FAILURE, UsageError } from './exit-codes.ts';
import { shown } from './flags.ts';

export interface ProfileChange {
  /** In place of what there was. */
  whole: Record<string, unknown> | undefined;
  /** Set one by one; '' removes. */
  entries: [key: string, value: string][];
}

/** Far beyond what a profile may have: a file that is larger is another file. */
const MAX_FILE_BYTES = 65_536;

/** @throws UsageError for an entry that is none; CommandError when the file cannot be read or is no JSON object. */
export async function readProfileChange(file: string | undefined, words: string[]): Promise<ProfileChange> {
  const entries = words.map((word): [string, string] => {
    const at = word.indexOf('=');
    if (at > 0) return [word.slice(0, at), word.slice(at + 1)];
    throw new UsageError(`After NAME come key=value pairs of the profile, not "${shown(word)}".`);
  });
  return { whole: file === undefined ? undefined : await readProfile(file), entries };
}

async function readProfile(file: string): Promise<Record<string, unknown>> {
  let parsed: unknown;
  try {
    const { size } = await stat(file);
    if (size > MAX_FILE_BYTES) throw new Error(`it has ${size} bytes`);
    parsed = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    const why =
      (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'it does not exist' : (cause as Error).message;
    throw unusable(file, why, cause);
  }
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) {
    return parsed as Record<string, unknown>;
  }
  throw unusable(file, 'it must hold one JSON object');
}

function unusable(file: string, why: string, cause?: unknown): CommandError {
  return new CommandError(EXIT_FAILURE, 'io', `Cannot use ${file} as a profile: ${why}.`, { cause });
}
