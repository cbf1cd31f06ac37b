/**
 * One relay per store: two would each believe their own caches.
 *
 *   path/relay.lock.N    {pid, started} of the process that has it, or {} when it was given back
 *
 * The file with the highest N counts. Who finds its process gone, or the lock given back, makes N + 1; link() lets only
 * one of several make it. Whoever then sees a higher one beside its own was late, and starts over. The highest is never
 * removed, so that a late one cannot mistake its place for free, nor is the one before it: a list of the files that is
 * made while one comes and another goes may lack both. A lock is for the processes of one machine (and, in
 * containers, of one process namespace).
 */
import { randomBytes } from 'node:crypto';
import { linkSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { SupernodeError } from '../protocol/errors.ts';
import { isAlive, ownMark, type ProcessMark } from './process-mark.ts';

const NAME = /^relay\.lock\.(\d{1,15})$/;
const DRAFT = /^relay\.draft\.[0-9a-f]{16}$/;
const HOLDER = v.object({ pid: v.pipe(v.number(), v.integer(), v.minValue(1)), started: v.string() });
const OWNER_ONLY = 0o600;
/** Each lost race means that another process came further. */
const MOST_ATTEMPTS = 100;

export interface StoreLock {
  /** Synchronous, so that the end of the process can do it; twice is once. */
  release(): void;
}

export function isLockFile(name: string): boolean {
  return NAME.test(name) || DRAFT.test(name);
}

/** Who has the store, if anybody has. */
export function lockHolder(path: string): ProcessMark | undefined {
  return liveHolder(path, newestLock(path));
}

/**
 * Takes the lock of the store in this directory, which must exist.
 * @throws SupernodeError `directory-in-use` when a live process has it.
 */
export function lockStore(path: string): StoreLock {
  const draft = writeDraft(path, ownMark());
  try {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      // One look for both: who makes N + 1 must have seen whose N is.
      const newest = newestLock(path);
      const holder = liveHolder(path, newest);
      if (holder) throw inUse(path, holder);
      const number = newest + 1;
      const file = lockFile(path, number);
      if (!linked(draft, file)) continue;
      if (newestLock(path) === number) return held(path, file, number);
      rmSync(file, { force: true });
    }
  } finally {
    rmSync(draft, { force: true });
  }
  throw new SupernodeError(
    'directory-in-use',
    `The directory ${path} is wanted by too many processes at once.`,
  );
}

function held(path: string, file: string, number: number): StoreLock {
  for (const name of readdirSync(path)) {
    const older = NAME.exec(name);
    if (older && Number(older[1]) < number - 1) rmSync(join(path, name), { force: true });
  }
  let released = false;
  const release = () => {
    if (released) return;
    released = true;
    process.off('exit', release);
    try {
      renameSync(writeDraft(path, {}), file);
    } catch {
      // The directory was removed: so was the lock.
    }
  };
  process.on('exit', release);
  return { release };
}

/** 0 when there is none. */
function newestLock(path: string): number {
  let newest = 0;
  for (const name of readdirSync(path)) newest = Math.max(newest, Number(NAME.exec(name)?.[1] ?? 0));
  return newest;
}

function liveHolder(path: string, number: number): ProcessMark | undefined {
  const holder = number === 0 ? undefined : holderOf(lockFile(path, number));
  return holder && isAlive(holder) ? holder : undefined;
}

function lockFile(path: string, number: number): string {
  return join(path, `relay.lock.${number}`);
}

/** Undefined for one that was given back, and one that went away meanwhile. */
function holderOf(file: string): ProcessMark | undefined {
  try {
    const parsed = v.safeParse(HOLDER, JSON.parse(readFileSync(file, 'utf8')));
    return parsed.success ? parsed.output : undefined;
  } catch (error) {
    const isNone = error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (isNone) return undefined;
    throw error;
  }
}

/** Written whole before it gets its name: nobody reads half a lock. */
function writeDraft(path: string, content: ProcessMark | Record<string, never>): string {
  const draft = join(path, `relay.draft.${randomBytes(8).toString('hex')}`);
  writeFileSync(draft, `${JSON.stringify(content)}\n`, { flag: 'wx', mode: OWNER_ONLY });
  return draft;
}

function linked(draft: string, file: string): boolean {
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function inUse(path: string, { pid }: ProcessMark): SupernodeError {
  return new SupernodeError(
    'directory-in-use',
    `The directory ${path} is in use by process ${pid}: one relay has a store to itself. Stop that one, or use another path.`,
  );
}
