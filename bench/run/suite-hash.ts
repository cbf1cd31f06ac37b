/**
 * What two results must have in common to be compared: SHA-256 over the benchmarks (ids, parameters, phases, loads) and
 * the text of the code that makes the load. Neither the machine nor the systems on it, nor the number of rounds, count.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Job } from './benchmark.ts';

const BENCH = fileURLToPath(new URL('..', import.meta.url));
/** Directories, and what takes the figures in a round. */
const MEASURED_BY = ['suites', 'profiles', 'load'];
const MEASURED_IN = ['load-round', 'load-group', 'scenario-round', 'search', 'histograms'];

export function suiteHash(jobs: readonly Job[], source = sourceTexts()): string {
  const own = jobs.filter(({ system }) => system === 'supernode').map(questionsOf);
  return createHash('sha256')
    .update(canonical({ jobs: own, source }))
    .digest('hex');
}

function questionsOf(job: Job): unknown {
  if (job.kind === 'micro') {
    const { benchmarks, passMs, passes } = job;
    return { benchmarks: benchmarks.map(({ id, parameters }) => ({ id, parameters })), passMs, passes };
  }
  const steps = job.steps.map(({ benchmark: { id, parameters }, ...step }) => {
    const { rounds: _, ...work } = { rounds: 0, ...step };
    return { id, parameters, work };
  });
  return { crowd: job.crowd, steps };
}

/** Of every file of code, by path; as built where this is built. */
export function sourceTexts(): Record<string, string> {
  const ending = import.meta.url.slice(-3);
  const files = MEASURED_BY.flatMap((directory) =>
    readdirSync(join(BENCH, directory), { recursive: true, encoding: 'utf8' }).map((file) =>
      join(directory, file),
    ),
  );
  files.push(...MEASURED_IN.map((file) => join('run', `${file}${ending}`)));
  const code = files.filter((file) => file.endsWith(ending) && !file.endsWith('.d.ts'));
  return Object.fromEntries(
    code.map((file) => [file.replaceAll('\\', '/'), readFileSync(join(BENCH, file), 'utf8')]),
  );
}

/** JSON in which equal values have equal texts: keys in order. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
