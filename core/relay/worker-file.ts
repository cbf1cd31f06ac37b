/** Where the workers' files are. `core` names them by URL and imports nothing from them. */

/** From sources (tsx, a test) the workers are TypeScript too, and need the loader; built, they are JavaScript. */
const fromSource = import.meta.url.endsWith('.ts');

export const workerExecArgv: string[] = fromSource ? ['--import', 'tsx'] : [];

export function workerFile(name: 'shard' | 'directory'): string {
  return new URL(`../../workers/${name}.${fromSource ? 'ts' : 'js'}`, import.meta.url).href;
}
