/** What the tests of the measured systems share. */
import { readdirSync, readFileSync } from 'node:fs';
import type { TestContext } from 'vitest';
import type { System } from '../../../bench/systems/system.ts';

/** The children of this process, as ids. */
export function children(): string[] {
  return readdirSync('/proc/self/task').flatMap((thread) =>
    readFileSync(`/proc/self/task/${thread}/children`, 'latin1').split(' ').filter(Boolean),
  );
}

/** Outside CI a server that is not installed skips the test; in CI it must be there. */
export async function installed(system: System, context: TestContext): Promise<void> {
  const missing = await system.missing();
  if (missing === null) return;
  const sentence = `${missing.why}; ${missing.install}`;
  if (process.env['CI']) throw new Error(sentence);
  context.skip(sentence);
}

/** Rejects after a while: every wait of a test has an end. */
export function inTime<T>(what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Not in time: ${what}.`)), 15_000);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
