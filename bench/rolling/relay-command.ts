/** `supernode start` and `supernode drain`, as an operator runs them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../core/cli/main.js', import.meta.url));
const START_MS = 30_000;
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export interface RelayCommand {
  url: string;
  adminUrl: string;
  token: string;
  /** The exit code, once it has ended. */
  ended: Promise<number | null>;
  kill(): void;
}

/** The admin port is a free one: the port after the relay's may be that of a client's outgoing connection. */
export async function startRelay(args: string[], token: string): Promise<RelayCommand> {
  const child = run(['start', '--json', '--admin-port', '0', ...args], token);
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  const line = new Promise<string>((resolve) => {
    let text = '';
    child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (text.includes('\n')) resolve(text.split('\n')[0]!);
    });
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('The relay did not start in time.')), START_MS);
  });
  const failed = ended.then((code) => Promise.reject(new Error(`The relay ended with exit code ${code}.`)));
  failed.catch(() => {});
  try {
    const { url, adminUrl } = JSON.parse(await Promise.race([line, failed, late])) as RelayCommand;
    return { url, adminUrl, token, ended, kill: () => child.kill('SIGKILL') };
  } finally {
    clearTimeout(timer);
  }
}

/** @returns the exit code of `supernode drain`. */
export async function drainRelay(relay: RelayCommand, args: string[]): Promise<number | null> {
  const child = run(['drain', '--url', relay.adminUrl, ...args], relay.token);
  const [code] = await once(child, 'exit');
  return code as number | null;
}

function run(args: string[], token: string): ChildProcess {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, SUPERNODE_ADMIN_TOKEN: token },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}
