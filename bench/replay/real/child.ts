/**
 * A process of a real replay. None outlives the run: each ends when its channel to the run closes, however the run ended;
 * and while the run lives it ends them by SIGKILL when it exits.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const running = new Set<ChildProcess>();
const killAll = (): void => {
  for (const child of running) child.kill('SIGKILL');
};

/** What is run is the built code, also when the run itself comes from its sources (a test). */
const built = new URL(
  import.meta.url.endsWith('.ts') ? '../../../dist/bench/replay/real/' : './',
  import.meta.url,
);

export interface ChildHost<Out> {
  heard(message: Out): void;
  /** Once. @param how such as `was ended by SIGKILL`. */
  ended(how: string): void;
}

export class ReplayChild<In, Out> {
  readonly #child: ChildProcess;
  readonly gone: Promise<void>;
  #isGone = false;

  /** @param script a module beside this one, without its extension. @param order what it is told in its arguments. */
  constructor(script: string, order: unknown, host: ChildHost<Out>) {
    const file = fileURLToPath(new URL(`${script}.js`, built));
    if (running.size === 0) process.on('exit', killAll);
    this.#child = spawn(process.execPath, [file, JSON.stringify(order)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    running.add(this.#child);
    this.#child.on('message', (message) => host.heard(message as Out));
    this.gone = new Promise((resolve) => {
      const ended = (how: string): void => {
        if (this.#isGone) return;
        this.#isGone = true;
        running.delete(this.#child);
        if (running.size === 0) process.off('exit', killAll);
        resolve();
        host.ended(how);
      };
      this.#child.once('error', (error) => ended(`did not start: ${error.message}`));
      this.#child.once('exit', (code, signal) =>
        ended(signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`),
      );
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  tell(message: In): void {
    // An error means that it has ended; `ended` says so.
    if (this.#child.connected) this.#child.send(message as object, () => {});
  }

  /** SIGKILL, as a crash is. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.gone;
  }
}

/**
 * In the child: tells the run, and ends when that is gone.
 * @param leave called first, when the run has gone without ending this process: removes what it would have.
 */
export function childOf<In, Out>(
  heard: (message: In) => void,
  leave: () => void = () => {},
): { tell(message: Out, then?: () => void): void } {
  if (!process.send) throw new Error('This process is started by a replay, not by hand.');
  const end = (): void => {
    try {
      leave();
    } finally {
      process.kill(process.pid, 'SIGKILL');
    }
  };
  // The run ends its processes by itself; an interrupt of the terminal goes to all of them.
  process.on('SIGINT', () => {});
  process.once('disconnect', end);
  // It may have gone while this process was loading its modules: nobody tells that again.
  if (!process.connected) end();
  process.on('message', (message) => heard(message as In));
  return {
    tell: (message, then) => process.send?.(message, undefined, undefined, () => then?.()),
  };
}
