/** Runs the built command line as a user would: a process of its own, with run-time and data directories of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createKeyFile } from '../../core/identity/key-file.ts';

export const MAIN = fileURLToPath(new URL('../../dist/core/cli/main.js', import.meta.url));
const DEADLINE_MS = 60_000;

export interface RunOptions {
  env?: Record<string, string>;
  /** A file descriptor for stdin or stdout; default a pipe. */
  stdin?: number | 'pipe' | 'ignore';
  stdout?: number | 'pipe';
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A directory for one test file, and every process that was started in it. */
export class Sandbox {
  readonly directory: string;
  readonly #running = new Set<Run>();

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async create(): Promise<Sandbox> {
    return new Sandbox(await mkdtemp(join(tmpdir(), 'supernode-cli-')));
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  run(args: string[], options: RunOptions = {}): Run {
    const directories = { XDG_RUNTIME_DIR: this.directory, XDG_DATA_HOME: this.path('share') };
    const run = new Run(args, { ...directories, ...options.env }, options);
    this.#running.add(run);
    void run.exit.then(() => this.#running.delete(run));
    return run;
  }

  /** A fresh key file, as `supernode keygen` makes it. */
  async key(name: string): Promise<{ file: string; id: string }> {
    const file = this.path(`${name}.key`);
    return { file, id: (await createKeyFile(file)).id };
  }

  /** A relay on a port of its own. */
  async relay(args: string[] = [], options: RunOptions = {}): Promise<RunningRelay> {
    const run = this.run(['start', '--port', '0', '--json', ...args], options);
    const line = await run.stdoutLine();
    return { run, ...(JSON.parse(line) as Omit<RunningRelay, 'run'>) };
  }

  async remove(): Promise<void> {
    for (const run of this.#running) run.child.kill('SIGKILL');
    await Promise.all([...this.#running].map((run) => run.exit));
    await rm(this.directory, { recursive: true, force: true });
  }
}

export interface RunningRelay {
  run: Run;
  url: string;
  adminUrl: string;
  id: string;
  pid: number;
}

export class Run {
  readonly child: ChildProcess;
  readonly exit: Promise<Exit>;
  stderr = '';
  readonly #chunks: Buffer[] = [];
  readonly #name: string;

  constructor(args: string[], env: Record<string, string>, { stdin = 'pipe', stdout = 'pipe' }: RunOptions) {
    this.#name = args.join(' ');
    const { SUPERNODE_RELAY: _r, SUPERNODE_KEY: _k, SUPERNODE_ADMIN_TOKEN: _t, ...inherited } = process.env;
    this.child = spawn(process.execPath, [MAIN, ...args], {
      env: { ...inherited, NO_COLOR: '1', ...env },
      stdio: [stdin, stdout, 'pipe'],
    });
    this.child.stdin?.on('error', () => {
      // The process under test may end without reading: its exit code is what counts.
    });
    this.child.stdout?.on('data', (chunk: Buffer) => this.#chunks.push(chunk));
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.stderr += chunk;
    });
    this.exit = once(this.child, 'close').then(([code, signal]) => ({ code, signal }) as Exit);
  }

  get stdout(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get text(): string {
    return this.stdout.toString();
  }

  get stdoutBytes(): number {
    return this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  /** How it ended, which it must within the deadline. */
  async end(): Promise<Exit> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(this.#said('has not ended'))), DEADLINE_MS);
    });
    try {
      return await Promise.race([this.exit, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The first line on stdout. */
  async stdoutLine(): Promise<string> {
    await this.until(() => this.text.includes('\n'));
    return this.text.split('\n')[0]!;
  }

  /** What the first group of `pattern` matches on stderr, once it is there. */
  async stderrMatch(pattern: RegExp): Promise<string> {
    await this.until(() => pattern.test(this.stderr));
    return pattern.exec(this.stderr)![1]!;
  }

  /** The id that a `pipe listen` prints. */
  listening(): Promise<string> {
    return this.stderrMatch(/^supernode: listening as ([a-z2-7]{52})$/m);
  }

  /** Polls, with a deadline; fails when the process has ended without it. */
  async until(met: () => boolean): Promise<void> {
    const deadline = performance.now() + DEADLINE_MS;
    let ended = false;
    void this.exit.then(() => {
      ended = true;
    });
    while (!met()) {
      if (ended) throw new Error(this.#said('has ended too early'));
      if (performance.now() > deadline) throw new Error(this.#said('did not do what was waited for'));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  #said(what: string): string {
    return `supernode ${this.#name} ${what}; stderr: ${this.stderr} stdout: ${this.text.slice(0, 500)}`;
  }
}
