/** What a figure depends on besides the code: it goes with every result. */
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';

export interface Environment {
  node: string;
  platform: string;
  cpu: string;
  cores: number;
  uWebSockets: string;
}

export function environment(): Environment {
  return {
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    uWebSockets: uWebSocketsVersion(),
  };
}

/** The package exports no package.json, and may be installed under the name of a repack: its file tells. */
function uWebSocketsVersion(): string {
  const manifest = new URL('../package.json', import.meta.resolve('uWebSockets.js'));
  try {
    const { name, version } = JSON.parse(readFileSync(manifest, 'utf8')) as { name: string; version: string };
    return `${name}@${version}`;
  } catch {
    // Upstream's own package keeps its entry beside its package.json.
    return 'unknown';
  }
}
