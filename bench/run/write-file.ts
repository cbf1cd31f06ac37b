/** Writes a file whole or not at all: under another name first, which is gone whatever happens. */
import { randomBytes } from 'node:crypto';
import { constants, rmSync } from 'node:fs';
import { access, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { SupernodeError } from '../../core/protocol/errors.ts';

const unfinished = new Set<string>();
process.on('exit', () => {
  for (const file of unfinished) rmSync(file, { force: true });
});

/** To be told before a run and not after it. @throws SupernodeError that names the file, when it cannot be written. */
export async function checkWritable(file: string): Promise<void> {
  const path = resolve(file);
  try {
    await mkdir(dirname(path), { recursive: true });
    await access(dirname(path), constants.W_OK);
    const there = await stat(path).catch(() => null);
    if (there?.isDirectory()) throw new Error('it is a directory');
  } catch (error) {
    throw notWritten(file, error);
  }
}

/** @throws SupernodeError that names the file, when it cannot be written. */
export async function writeWhole(file: string, text: string): Promise<void> {
  const path = resolve(file);
  const beside = `${path}.${randomBytes(4).toString('hex')}.part`;
  unfinished.add(beside);
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(beside, text);
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw notWritten(file, error);
  } finally {
    unfinished.delete(beside);
  }
}

function notWritten(file: string, error: unknown): SupernodeError {
  return new SupernodeError('io', `${file} cannot be written: ${(error as Error).message}.`, {
    cause: error,
  });
}
