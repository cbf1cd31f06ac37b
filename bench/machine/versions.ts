/** Versions of what the figures depend on. */
import { spawnSync } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Fingerprint } from '../reporter/result.ts';

const UNKNOWN = 'unknown';
const GIT_DEADLINE_MS = 5_000;

interface Package {
  name: string;
  version: string;
  folder: string;
}

export function versions(): Fingerprint['versions'] {
  const uWebSockets = packageOf('uWebSockets.js');
  return {
    supernode: ownPackage()?.version ?? UNKNOWN,
    node: process.versions.node,
    v8: process.versions.v8,
    uv: process.versions.uv,
    // It may be installed under the name of a repack: both are said.
    uWebSockets: uWebSockets ? `${uWebSockets.name}@${uWebSockets.version}` : UNKNOWN,
    msgpackr: packageOf('msgpackr')?.version ?? UNKNOWN,
  };
}

/** The commit that is checked out and whether files were changed since; null outside a checkout of this project. */
export function checkout(folder = ownPackage()?.folder): { commit: string; dirty: boolean } | null {
  if (folder === undefined) return null;
  const git = (...args: string[]): string | null => {
    const { status, stdout } = spawnSync('git', ['-C', folder, '--no-optional-locks', ...args], {
      encoding: 'utf8',
      timeout: GIT_DEADLINE_MS,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return status === 0 ? stdout.trim() : null;
  };
  // Installed as a dependency it may lie within another project's checkout, whose commit says nothing about it.
  const top = git('rev-parse', '--show-toplevel');
  if (top === null || realpathSync(top) !== realpathSync(folder)) return null;
  const commit = git('rev-parse', 'HEAD');
  const changes = git('status', '--porcelain');
  return commit === null || changes === null ? null : { commit, dirty: changes !== '' };
}

/** Looked for where Node would: a package need not export its package.json, nor an entry for `require`. */
function packageOf(name: string): Package | null {
  const folders = createRequire(import.meta.url).resolve.paths(name) ?? [];
  for (const folder of folders) {
    const found = packageIn(join(folder, name));
    if (found) return found;
  }
  return null;
}

/** The nearest package.json above this file that says a name and a version. */
function ownPackage(): Package | null {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const found = packageIn(folder);
    if (found || folder === dirname(folder)) return found;
  }
}

function packageIn(folder: string): Package | null {
  try {
    const { name, version } = JSON.parse(
      readFileSync(join(folder, 'package.json'), 'utf8'),
    ) as Partial<Package>;
    return typeof name === 'string' && typeof version === 'string' ? { name, version, folder } : null;
  } catch {
    return null;
  }
}
