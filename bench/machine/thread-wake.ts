/** From a MessagePort post to the handler in another thread, and back: what waking a shard costs. */
import { Worker } from 'node:worker_threads';

/** A thread that sends back what it gets. As text, so that it needs no file and no loader. */
const ECHO = `
const { parentPort } = require('node:worker_threads');
parentPort.on('message', (message) => parentPort.postMessage(message));
`;

export class ThreadWake {
  readonly #worker = new Worker(ECHO, { eval: true, execArgv: [] });
  #left = 0;
  #done: () => void = () => {};
  #failed: (error: Error) => void = () => {};

  constructor() {
    this.#worker.on('message', () => {
      this.#left--;
      if (this.#left > 0) this.#worker.postMessage(0);
      else this.#done();
    });
    this.#worker.on('error', (error) => this.#failed(error as Error));
    this.#worker.on('exit', () => this.#failed(new Error('The echoing thread has ended.')));
  }

  /** One after the other; the first waits for the thread to start. */
  roundTrips(count: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#left = count;
      this.#done = resolve;
      this.#failed = reject;
      this.#worker.postMessage(0);
    });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}
