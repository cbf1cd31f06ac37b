/** A child process of a benchmark: pinned to a core where the system allows it, and spoken to over IPC. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Longer than any phase of a benchmark but its measurement. */
const ANSWER_DEADLINE_MS = 60_000;
const STOP_DEADLINE_MS = 10_000;

/**
 * A core for the relay and a core for the load, out of those that this process may use; null where `taskset` is
 * missing or there are not two.
 */
export function twoCores(): [relay: number, load: number] | null {
  if (process.platform !== 'linux' || spawnSync('taskset', ['--version']).status !== 0) return null;
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  const cores = list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
  return cores.length < 2 ? null : [cores[0]!, cores[1]!];
}

type Tagged = { kind: string };

export class Child<In extends Tagged, Out extends Tagged> {
  readonly #process: ChildProcess;
  readonly #name: string;
  readonly #exited: Promise<void>;
  /** Messages that nobody has asked for yet. */
  readonly #inbox: Out[] = [];
  #wake: () => void = () => {};
  #ended: string | null = null;

  /** @param script a module beside this one, without its extension: it is .js when built and .ts in development. */
  constructor(script: string, options: { name: string; core: number | null; args?: string[] }) {
    this.#name = options.name;
    const file = fileURLToPath(new URL(`./${script}${import.meta.url.slice(-3)}`, import.meta.url));
    const node = [process.execPath, ...process.execArgv, file, ...(options.args ?? [])];
    const [command, ...args] =
      options.core === null ? node : ['taskset', '-c', String(options.core), ...node];
    this.#process = spawn(command!, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#process.on('message', (message: Out) => {
      this.#inbox.push(message);
      this.#wake();
    });
    this.#exited = new Promise((resolve) => {
      this.#process.once('error', (error) => {
        this.#ended = error.message;
        this.#wake();
        resolve();
      });
      this.#process.once('exit', (code, signal) => {
        this.#ended ??= signal ? `was ended by ${signal}` : `ended with exit code ${code}`;
        this.#wake();
        resolve();
      });
    });
  }

  tell(message: In): void {
    if (this.#process.connected) this.#process.send(message);
  }

  /**
   * Waits for the next message, which must be of this kind.
   * @param busyMs what the child was told to spend before it.
   * @throws Error when the child failed, ended or is late.
   */
  async next<K extends Out['kind']>(kind: K, busyMs = 0): Promise<Extract<Out, { kind: K }>> {
    const deadline = performance.now() + busyMs + ANSWER_DEADLINE_MS;
    while (this.#inbox.length === 0) {
      const leftMs = deadline - performance.now();
      if (this.#ended) throw new Error(`The ${this.#name} process ${this.#ended}.`);
      if (leftMs <= 0) throw new Error(`The ${this.#name} process did not say "${kind}" in time.`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const message = this.#inbox.shift()!;
    if (message.kind === 'failed' && 'message' in message)
      throw new Error(`${this.#name}: ${message.message}`);
    if (message.kind !== kind) {
      throw new Error(`The ${this.#name} process said "${message.kind}" where "${kind}" was due.`);
    }
    return message as Extract<Out, { kind: K }>;
  }

  /** Lets the child end by itself; ends it if it does not. */
  async stop(): Promise<void> {
    if (this.#process.connected) this.#process.disconnect();
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), STOP_DEADLINE_MS);
    await this.#exited;
    clearTimeout(timer);
  }
}
