/** A running server that is not ours: nothing is asked of it, all is read from outside. */
import { ProcessUsage } from './process-usage.ts';
import type { ServerProcess } from './server-process.ts';
import type { RunningSystem, Usage } from './system.ts';

export class InstalledServer implements RunningSystem {
  readonly address: string;
  readonly #process: ServerProcess;
  readonly #usage: ProcessUsage;

  constructor(server: ServerProcess, address: string) {
    this.#process = server;
    this.address = address;
    this.#usage = new ProcessUsage(server.pid);
  }

  async usage(): Promise<Usage> {
    this.#checkPlatform();
    const read = await this.#usage.read();
    return { ...read, atMs: performance.now(), drops: null };
  }

  collectedRssBytes(): Promise<number> {
    this.#checkPlatform();
    return this.#usage.exactRssBytes();
  }

  stop(): Promise<void> {
    return this.#process.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #checkPlatform(): void {
    if (process.platform === 'linux') return;
    throw new Error(
      `CPU and memory of ${this.#process.name} are read from /proc, which only Linux has, not ${process.platform}.`,
    );
  }
}
