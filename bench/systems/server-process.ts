/** A measured server's process: pinned to a core, spoken to over IPC where it is ours, and sure to end. */
import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process';

const STOP_DEADLINE_MS = 3_000;
/** What is kept of what a server prints: enough for the sentence that says why it did not come up. */
const OUTPUT_LIMIT_CHARS = 16 * 1024;

export interface ServerCommand {
  /** For errors, such as `nats-server`. */
  name: string;
  program: string;
  args: string[];
  core: number | null;
  env?: NodeJS.ProcessEnv;
  /** Whether it speaks IPC; what such a server prints on stderr goes to ours. */
  ipc: boolean;
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Whether `setpriv` can have the kernel end a child whose parent was killed; IPC servers see that by themselves. */
let canDieWithParent: boolean | undefined;

function commandLine({ program, args, core, ipc }: ServerCommand): string[] {
  const line = [program, ...args];
  if (process.platform !== 'linux') return line;
  canDieWithParent ??= spawnSync('setpriv', ['--pdeathsig', 'KILL', 'true']).status === 0;
  // Each of these replaces itself with the next, so the process id is the server's.
  if (!ipc && canDieWithParent) line.unshift('setpriv', '--pdeathsig', 'KILL', '--');
  if (core !== null) line.unshift('taskset', '-c', String(core));
  return line;
}

export class ServerProcess {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #waiting = new Set<() => void>();
  /** Why there is no process any more, such as `ended with exit code 1`. */
  #ended: string | null = null;
  #output = '';
  #messages: unknown[] = [];

  constructor(command: ServerCommand) {
    this.name = command.name;
    const [program, ...args] = commandLine(command);
    const stdio: SpawnOptions['stdio'] = command.ipc
      ? ['ignore', 'inherit', 'inherit', 'ipc']
      : ['ignore', 'pipe', 'pipe'];
    // An installed server finds nothing to read and leaves nothing in the directory that the run was started in.
    const cwd = command.ipc ? process.cwd() : '/';
    this.#child = spawn(program!, args, { stdio, cwd, env: { ...process.env, ...command.env } });
    running.add(this.#child);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-OUTPUT_LIMIT_CHARS);
        this.#wake();
      });
    }
    this.#child.on('message', (message) => {
      this.#messages.push(message);
      this.#wake();
    });
    this.#exited = new Promise((resolve) => {
      const ended = (how: string): void => {
        this.#ended ??= how;
        running.delete(this.#child);
        this.#wake();
        resolve();
      };
      this.#child.once('error', (error) => ended(`did not start: ${error.message}`));
      // What a server printed last may come after `exit`; with IPC `close` may never come once we have disconnected.
      this.#child.once(command.ipc ? 'exit' : 'close', (code, signal) =>
        ended(signal ? `was ended by ${signal}` : `ended with exit code ${code}`),
      );
    });
  }

  /** @throws Error when it has ended. */
  get pid(): number {
    if (this.#ended !== null || this.#child.pid === undefined) throw this.#gone();
    return this.#child.pid;
  }

  /** The end of what a server without IPC has printed so far. */
  get output(): string {
    return this.#output;
  }

  tell(message: object): void {
    // An error here means that it has ended; `until` says so.
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  /** The next message of a server with IPC. */
  nextMessage(what: string, deadlineMs: number): Promise<unknown> {
    return this.until(what, () => this.#messages.shift(), deadlineMs);
  }

  /**
   * Looks whenever the server has printed or said something, and now and then.
   * @returns the first value that is neither undefined nor null.
   * @throws Error when it ends before, or at the deadline.
   */
  async until<T>(
    what: string,
    look: () => T | undefined | null | Promise<T | undefined | null>,
    deadlineMs: number,
  ): Promise<T> {
    const deadline = performance.now() + deadlineMs;
    for (;;) {
      const found = await look();
      if (found !== undefined && found !== null) return found;
      if (this.#ended !== null) throw this.#gone();
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) throw new Error(`${this.name} did not ${what} in ${deadlineMs} ms.`);
      await this.#somethingNew(Math.min(leftMs, 50));
    }
  }

  /** Ends the process, at the latest by SIGKILL, and waits until it is gone. */
  async stop(): Promise<void> {
    if (this.#ended !== null) return;
    if (this.#child.connected) this.#child.disconnect();
    else this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_DEADLINE_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  #gone(): Error {
    const lines = this.#output.trim().split('\n').slice(-3).join(' | ');
    return new Error(`${this.name} ${this.#ended ?? 'did not start'}${lines && `: ${lines}`}.`);
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }

  #somethingNew(atMostMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, atMostMs);
      this.#waiting.add(wake);
    });
  }
}
