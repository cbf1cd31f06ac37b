/** Servers that are installed beside supernode, or not. */
import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const VERSION_DEADLINE_MS = 10_000;

/** Debian puts servers in `sbin`, which is on few people's PATH: look there too, beside each `bin`. */
function directories(path: string): string[] {
  const listed = path.split(delimiter).filter(Boolean);
  return [...listed, ...listed.map((directory) => directory.replace(/\/bin\/?$/, '/sbin'))];
}

/** @returns the file that this name runs, or null. */
export function findProgram(name: string): string | null {
  for (const directory of directories(process.env['PATH'] ?? '')) {
    const file = join(directory, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not in this one.
    }
  }
  return null;
}

/** What `missing()` of a system says that needs this program. */
export function missingProgram(name: string, debianPackage: string): { why: string; install: string } | null {
  if (findProgram(name) !== null) return null;
  return { why: `${name} is not installed (not found on PATH)`, install: `apt-get install ${debianPackage}` };
}

/** The file to run. @throws Error when it is not installed. */
export function programFile(name: string): string {
  const file = findProgram(name);
  if (file === null) throw new Error(`${name} is not installed (not found on PATH).`);
  return file;
}

/** The first thing that looks like a version in what the program prints. */
export async function programVersion(name: string, args: string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(programFile(name), args, {
    timeout: VERSION_DEADLINE_MS,
  });
  const version = /\d+\.\d+(\.\d+)*/.exec(`${stdout}\n${stderr}`)?.[0];
  if (version === undefined) throw new Error(`${name} ${args.join(' ')} printed no version.`);
  return version;
}
