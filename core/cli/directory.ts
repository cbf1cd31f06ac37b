/** `supernode directory`: tools for the store of a relay. Which store, and how far the work has come. */
import cliProgress from 'cli-progress';
import { defaultDataDirectory, storePath } from '../directory/place.ts';
import type { Progress } from '../directory/tool-store.ts';
import { DEFAULT_PORT } from '../protocol/names.ts';
import { type FlagValues, text } from './flags.ts';

export const dataFlag = {
  data: {
    type: 'string',
    description: `The relay's data directory; the store is DIR/directory. Default: that of the relay on port ${DEFAULT_PORT}`,
    valueHint: 'DIR',
  },
} as const;

export function storeOf(values: FlagValues): string {
  return storePath(text(values, 'data') ?? defaultDataDirectory(DEFAULT_PORT));
}

export interface ShownProgress {
  onProgress(progress: Progress): void;
  stop(): void;
}

/** A bar on stderr, when that is a terminal; a log or a script gets nothing. */
export function showProgress(what: string): ShownProgress {
  if (!process.stderr.isTTY) return { onProgress: () => undefined, stop: () => undefined };
  const bar = new cliProgress.SingleBar(
    {
      format: `${what} {bar} {percentage}%  {value} of {total} rows`,
      stream: process.stderr,
      hideCursor: true,
      barsize: 24,
      linewrap: false,
      clearOnComplete: true,
    },
    cliProgress.Presets.legacy,
  );
  let started = false;
  return {
    onProgress({ done, total }) {
      if (!started) bar.start(total, done);
      started = true;
      bar.setTotal(Math.max(total, done, 1));
      bar.update(done);
    },
    stop() {
      if (started) bar.stop();
    },
  };
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

export function plural(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? '' : 's'}`;
}
