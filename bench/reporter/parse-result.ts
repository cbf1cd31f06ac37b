import { readFile, stat } from 'node:fs/promises';
import * as v from 'valibot';
import { ReporterError } from './errors.ts';
import { type Case, RESULT_KIND, RESULT_VERSION, type Result, ResultSchema } from './result.ts';

/** A full run is well below 5 MiB, histograms included. */
export const MAX_FILE_BYTES = 64 * 1024 * 1024;

/** Statistics take the square of the rounds, and nobody runs that many. */
export const MAX_ROUNDS = 1000;

const MAX_SHOWN = 200;

function shown(value: unknown): string {
  let text: string;
  try {
    text = JSON.stringify(value) ?? typeof value;
  } catch {
    text = typeof value;
  }
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}

function checkEnvelope(value: unknown): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ReporterError('kind', `A result is an object of kind "${RESULT_KIND}", not ${shown(value)}.`);
  }
  const { kind, version } = value as { kind?: unknown; version?: unknown };
  if (kind !== RESULT_KIND) {
    throw new ReporterError('kind', `A result is of kind "${RESULT_KIND}", not ${shown(kind)}.`);
  }
  if (typeof version === 'number' && version > RESULT_VERSION) {
    throw new ReporterError(
      'version',
      `The result has version ${version}, and this reporter reads up to ${RESULT_VERSION}: update it to read that file.`,
    );
  }
}

/** What the schema cannot say of one case. */
function checkCase(one: Case): void {
  if (one.id !== `${one.benchmark}@${one.system}`) {
    throw new ReporterError('content', `Case "${one.id}" must be named "${one.benchmark}@${one.system}".`);
  }
  if (one.rounds.length > MAX_ROUNDS) {
    throw new ReporterError(
      'content',
      `Case "${one.id}" has ${one.rounds.length} rounds; the most is ${MAX_ROUNDS}.`,
    );
  }
  const primary = one.metrics.filter((metric) => metric.primary);
  if (primary.length !== 1) {
    throw new ReporterError(
      'content',
      `Case "${one.id}" has ${primary.length} primary metrics; it must have one.`,
    );
  }
  const names = new Set<string>();
  for (const { name, samples } of one.metrics) {
    if (names.has(name)) throw new ReporterError('content', `Case "${one.id}" has metric "${name}" twice.`);
    names.add(name);
    if (samples.length !== one.rounds.length) {
      throw new ReporterError(
        'content',
        `Metric "${name}" of case "${one.id}" has ${samples.length} samples for ${one.rounds.length} rounds.`,
      );
    }
  }
}

/**
 * A result that holds what its type says, and what the type cannot: ids are unique, each case has one primary metric,
 * each metric a sample per round.
 *
 * @throws ReporterError with one sentence: wrong kind, newer version, or the first thing that is wrong, with its path.
 */
export function parseResult(value: unknown): Result {
  let parsed: v.SafeParseResult<typeof ResultSchema>;
  try {
    checkEnvelope(value);
    parsed = v.safeParse(ResultSchema, value, { abortEarly: true });
  } catch (error) {
    if (error instanceof ReporterError) throw error;
    throw new ReporterError('schema', 'The result is not plain data.', { cause: error });
  }
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const path = v.getDotPath(issue) ?? 'the result';
    throw new ReporterError('schema', `${path.slice(0, MAX_SHOWN)}: ${issue.message.slice(0, MAX_SHOWN)}.`);
  }
  const ids = new Set<string>();
  for (const one of parsed.output.cases) {
    if (ids.has(one.id)) throw new ReporterError('content', `Case "${one.id}" is there twice.`);
    ids.add(one.id);
    checkCase(one);
  }
  return parsed.output;
}

/**
 * Reads a result file, of at most {@link MAX_FILE_BYTES}.
 *
 * @throws ReporterError that names the file and what is wrong with it.
 */
export async function readResultFile(path: string): Promise<Result> {
  const text = await readText(path);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ReporterError('json', `${path} is not JSON: ${(error as Error).message.slice(0, MAX_SHOWN)}`, {
      cause: error,
    });
  }
  try {
    return parseResult(value);
  } catch (error) {
    const { code, message } = error as ReporterError;
    throw new ReporterError(code, `${path}: ${message}`, { cause: error });
  }
}

async function readText(path: string): Promise<string> {
  try {
    const found = await stat(path);
    if (!found.isFile()) throw new ReporterError('file', `${path} is not a file.`);
    if (found.size > MAX_FILE_BYTES) {
      throw new ReporterError(
        'file',
        `${path} has ${found.size} bytes; a result has at most ${MAX_FILE_BYTES}.`,
      );
    }
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof ReporterError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no such file' : (error as Error).message;
    throw new ReporterError('file', `${path} cannot be read: ${why}.`, { cause: error });
  }
}
