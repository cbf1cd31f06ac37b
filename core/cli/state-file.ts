/**
 * How `status` finds a relay that this user started: one file per relay, written by `start`.
 *
 *   $XDG_RUNTIME_DIR/supernode/relay-7420.json      else  TMPDIR/supernode-UID/relay-7420.json
 *   directory 0700, file 0600: {url, adminUrl, token, pid, startedAt}
 *
 * The token opens the relay's numbers, so the directory is trusted only when it is ours and closed to all others: in
 * a shared temporary directory somebody else may have made it first.
 */
import { randomBytes } from 'node:crypto';
import { constants, readFileSync, rmSync, statSync } from 'node:fs';
import { lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import * as v from 'valibot';
import { CommandError, EXIT_FAILURE } from './exit-codes.ts';

const STATE = v.object({
  url: v.string(),
  adminUrl: v.string(),
  token: v.string(),
  pid: v.pipe(v.number(), v.integer(), v.minValue(1)),
  /** Milliseconds since 1970. */
  startedAt: v.number(),
});
export type RelayState = v.InferOutput<typeof STATE>;

const MAX_STATE_BYTES = 16_384;
const GROUP_AND_OTHERS = 0o077;

export function stateDirectory(): string {
  const runtime = process.env['XDG_RUNTIME_DIR'];
  if (runtime && isAbsolute(runtime) && statSync(runtime, { throwIfNoEntry: false })?.isDirectory()) {
    return join(runtime, 'supernode');
  }
  return join(tmpdir(), `supernode-${process.getuid?.() ?? 'user'}`);
}

/** @returns the file's path. @throws CommandError when there is no directory that can be trusted, or it cannot be written. */
export async function writeState(port: number, state: RelayState): Promise<string> {
  const directory = stateDirectory();
  await mkdir(directory, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw unusable(directory, error.message);
  });
  await checkDirectory(directory);
  const path = join(directory, fileName(port));
  const draft = join(directory, `.draft-${randomBytes(8).toString('hex')}`);
  try {
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(`${JSON.stringify(state)}\n`);
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw unusable(directory, (error as Error).message);
  }
  return path;
}

/** Synchronous, for the end of the process. A relay that took the port over in the meantime keeps its file. */
export function removeState(path: string | undefined): void {
  if (path === undefined) return;
  try {
    const { pid } = JSON.parse(readFileSync(path, 'utf8')) as { pid: unknown };
    if (pid === process.pid) rmSync(path, { force: true });
  } catch {
    // The directory may be gone with the login session; then so is the file.
  }
}

/** The state of the relay on this port, or undefined: none, or one that has ended. @throws CommandError */
export async function readState(port: number): Promise<RelayState | undefined> {
  const directory = stateDirectory();
  return (await checkDirectory(directory)) ? readLive(join(directory, fileName(port))) : undefined;
}

/** The states of all relays of this user that run. @throws CommandError */
export async function readStates(): Promise<RelayState[]> {
  const directory = stateDirectory();
  if (!(await checkDirectory(directory))) return [];
  const names = (await readdir(directory)).filter((name) => /^relay-\d{1,5}\.json$/.test(name));
  const states = await Promise.all(names.map((name) => readLive(join(directory, name))));
  return states.filter((state) => state !== undefined);
}

function fileName(port: number): string {
  return `relay-${port}.json`;
}

/** False when it does not exist. */
async function checkDirectory(directory: string): Promise<boolean> {
  let found: Awaited<ReturnType<typeof lstat>>;
  try {
    found = await lstat(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw unusable(directory, (error as Error).message);
  }
  if (!found.isDirectory()) throw unusable(directory, 'it is not a directory');
  if (process.getuid !== undefined && found.uid !== process.getuid()) {
    throw unusable(directory, 'it belongs to another user');
  }
  if (process.platform !== 'win32' && (Number(found.mode) & GROUP_AND_OTHERS) !== 0) {
    throw unusable(directory, `others can enter it; run: chmod 700 ${directory}`);
  }
  return true;
}

/** A file of a relay that has ended without removing it is removed here. */
async function readLive(path: string): Promise<RelayState | undefined> {
  const text = await readOwn(path);
  if (text === undefined) return undefined;
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), STATE), text);
  if (!parsed.success) return undefined;
  if (isAlive(parsed.output.pid)) return parsed.output;
  await rm(path, { force: true });
  return undefined;
}

async function readOwn(path: string): Promise<string | undefined> {
  try {
    const file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
    try {
      const { size } = await file.stat();
      return size > MAX_STATE_BYTES ? undefined : await file.readFile('utf8');
    } finally {
      await file.close();
    }
  } catch {
    // Removed between the listing and here, or not a file of ours: as good as not there.
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function unusable(directory: string, why: string): CommandError {
  return new CommandError(EXIT_FAILURE, 'io', `The state directory ${directory} cannot be used: ${why}.`);
}
