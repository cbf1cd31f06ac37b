/** Finds the configuration of a run: bench.config.ts beside this tree, and the file of `--config` over it. */
import { stat } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { OptionError } from '../../core/protocol/errors.ts';
import { type BenchConfig, resolveConfig } from '../config.ts';

/** .js when built, .ts in development. */
const BASE = new URL(`../../bench.config${import.meta.url.slice(-3)}`, import.meta.url);
const ENDINGS = ['.js', '.mjs', '.ts', '.mts'];

/** @throws OptionError in one sentence when the file is missing, cannot be loaded, or says something that is not allowed. */
export async function loadBenchConfig(file?: string): Promise<BenchConfig> {
  const base = (await import(BASE.href)) as { default: unknown };
  return resolveConfig(base.default, file === undefined ? {} : await defaultExport(file));
}

async function defaultExport(file: string): Promise<unknown> {
  const path = resolve(file);
  if (!ENDINGS.includes(extname(path))) {
    throw new OptionError(`The configuration ${file} must end with ${ENDINGS.join(', ')}.`);
  }
  const found = await stat(path).catch(() => null);
  if (!found?.isFile()) throw new OptionError(`There is no configuration file ${file}.`);
  let loaded: { default?: unknown };
  try {
    loaded = (await import(pathToFileURL(path).href)) as { default?: unknown };
  } catch (error) {
    if (error instanceof OptionError) throw error;
    throw new OptionError(`The configuration ${file} cannot be loaded: ${whyNot(error, path)}`, {
      cause: error,
    });
  }
  if (loaded.default === undefined) {
    throw new OptionError(
      `The configuration ${file} must have a default export: defineBenchConfig({ ... }).`,
    );
  }
  return loaded.default;
}

function whyNot(error: unknown, path: string): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION' || (path.endsWith('ts') && error instanceof SyntaxError)) {
    return `this Node (${process.version}) does not read TypeScript; write it as .js or .mjs.`;
  }
  return `${message.split('\n')[0]}`;
}
