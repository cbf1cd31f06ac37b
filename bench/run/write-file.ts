/** Writes a file whole or not at all: under another name first, which is gone whatever happens. */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { SupernodeError } from '../../core/protocol/errors.ts';

const unfinished = new Set<string>();
process.on('exit', () => {
  for (const file of unfinished) rmSync(file, { force: true });
});

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
    throw new SupernodeError('io', `${file} cannot be written: ${(error as Error).message}.`, {
      cause: error,
    });
  } finally {
    unfinished.delete(beside);
  }
}
