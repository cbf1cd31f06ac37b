/**
 * The other thread of a benchmark that needs two. It sleeps in its event loop while other tasks are measured, and is
 * busy only between `busy` and `rest`.
 *
 *   state[0]  1 while the main thread wants it busy          state[1]  1 while it is
 */
import { Worker } from 'node:worker_threads';

const WANTED = 0;
const BUSY = 1;
const DEADLINE_MS = 10_000;
/** Looks at shared memory before a thread lets others have its core, which may be the one that it waits for. */
const SPINS = 20_000;

const fromSource = import.meta.url.endsWith('.ts');
const nap = new Int32Array(new SharedArrayBuffer(4));

export interface ThreadData<T> {
  state: Int32Array<SharedArrayBuffer>;
  /** Where it pins itself; null: nowhere. */
  core: number | null;
  given: T;
}

export class SecondThread {
  readonly #worker: Worker;
  readonly #state: Int32Array;
  readonly #name: string;
  #error: Error | null = null;
  /** Who waits for the thread's next message. */
  #asking: { resolve(): void; reject(error: Error): void } | null = null;

  private constructor(name: string, data: ThreadData<unknown>) {
    this.#name = name;
    this.#state = data.state;
    const file = new URL(`./threads/${name}.${fromSource ? 'ts' : 'js'}`, import.meta.url);
    this.#worker = new Worker(file, {
      workerData: data,
      execArgv: fromSource ? ['--import', 'tsx'] : [],
    });
    this.#worker.on('error', (error) => this.#fail(error as Error));
    this.#worker.on('exit', () => this.#fail(new Error(`The thread ${name} has ended.`)));
    this.#worker.on('message', () => {
      const asking = this.#asking;
      this.#asking = null;
      asking?.resolve();
    });
  }

  /** Resolves once the thread runs, on its core. */
  static async start<T>(name: string, core: number | null, given: T): Promise<SecondThread> {
    const state = new Int32Array(new SharedArrayBuffer(8));
    const thread = new SecondThread(name, { state, core, given });
    const timer = setTimeout(() => thread.#fail(new Error(`The thread ${name} did not start.`)), DEADLINE_MS);
    try {
      await thread.#answer();
    } finally {
      clearTimeout(timer);
    }
    return thread;
  }

  /** Wakes the thread with a message, and waits for the message that it answers with. */
  ask(order: string): Promise<void> {
    const answer = this.#answer();
    this.#worker.postMessage(order);
    return answer;
  }

  busy(): void {
    Atomics.store(this.#state, WANTED, 1);
    this.#worker.postMessage('busy');
    this.waitUntil(() => Atomics.load(this.#state, BUSY) === 1);
  }

  rest(): void {
    Atomics.store(this.#state, WANTED, 0);
    this.waitUntil(() => Atomics.load(this.#state, BUSY) === 0);
  }

  /** Spins until `done`. @throws Error when the other thread failed or is late. */
  waitUntil(done: () => boolean): void {
    for (let spins = 0; spins < SPINS; spins++) if (done()) return;
    const deadline = performance.now() + DEADLINE_MS;
    while (!done()) {
      Atomics.wait(nap, 0, 0, 0.05);
      if (this.#error) throw this.#error;
      if (performance.now() > deadline) throw new Error(`The thread ${this.#name} does not answer.`);
    }
  }

  async close(): Promise<void> {
    Atomics.store(this.#state, WANTED, 0);
    await this.#worker.terminate();
  }

  #answer(): Promise<void> {
    if (this.#error) return Promise.reject(this.#error);
    return new Promise((resolve, reject) => {
      this.#asking = { resolve, reject };
    });
  }

  #fail(error: Error): void {
    this.#error ??= error;
    this.#asking?.reject(this.#error);
    this.#asking = null;
  }
}

/** In the thread: repeats `step` for as long as it is wanted. @param step returns whether it had something to do. */
export function whileWanted(state: Int32Array, step: () => boolean): void {
  Atomics.store(state, BUSY, 1);
  for (let idle = 0; Atomics.load(state, WANTED) === 1; ) {
    idle = step() ? 0 : idle + 1;
    if (idle > SPINS) Atomics.wait(nap, 0, 0, 0.05);
  }
  Atomics.store(state, BUSY, 0);
}
