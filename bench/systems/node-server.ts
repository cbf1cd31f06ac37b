/** Starts a server process of ours, and gives what the run asks of a running system. */
import { setTimeout as after } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { type FromServer, FromServerSchema, type ToServer } from './messages.ts';
import { ProcessUsage } from './process-usage.ts';
import { ServerProcess } from './server-process.ts';
import type { RunningSystem, StartOptions, Usage } from './system.ts';

/** A relay that is flooded, or stalled on purpose, answers late. */
const ANSWER_DEADLINE_MS = 30_000;
/** The first collection frees what the second finds to be free, and V8 gives pages back a little later. */
const COLLECTIONS = 2;
const COLLECTION_PAUSE_MS = 200;

/** What is measured is the built code, also when the run itself comes from its sources (a test). */
const built = new URL(import.meta.url.endsWith('.ts') ? '../../dist/bench/systems/' : './', import.meta.url);

export class NodeServer implements RunningSystem {
  readonly address: string;
  readonly #process: ServerProcess;
  readonly #usage: ProcessUsage | null;
  /** Questions are asked one after the other, so that each answer is told from the others by its turn. */
  #asked: Promise<unknown> = Promise.resolve();

  constructor(process_: ServerProcess, address: string) {
    this.#process = process_;
    this.address = address;
    this.#usage = process.platform === 'linux' ? new ProcessUsage(process_.pid) : null;
  }

  async usage(): Promise<Usage> {
    // From outside and at once: the server itself may be busy and answer late.
    const outside = await this.#usage?.read();
    const atMs = performance.now();
    const { drops, cpuMs, rssBytes } = await this.#ask({ kind: 'sample' }, 'sample');
    return { ...(outside ?? { cpuMs, rssBytes }), atMs: outside ? atMs : performance.now(), drops };
  }

  async collectedRssBytes(): Promise<number> {
    for (let i = 0; i < COLLECTIONS; i++) {
      const { threads, collected } = await this.#ask({ kind: 'collect' }, 'collected');
      if (collected < threads) {
        throw new Error(`${this.#process.name}: ${collected} of ${threads} threads collected their garbage.`);
      }
      await after(COLLECTION_PAUSE_MS);
    }
    if (this.#usage) return this.#usage.exactRssBytes();
    return (await this.#ask({ kind: 'sample' }, 'sample')).rssBytes;
  }

  /** Linux; elsewhere all of it counts as its own. */
  async resident(): Promise<{ anonBytes: number; fileBytes: number }> {
    if (this.#usage) return this.#usage.resident();
    return { anonBytes: (await this.#ask({ kind: 'sample' }, 'sample')).rssBytes, fileBytes: 0 };
  }

  stop(): Promise<void> {
    return this.#process.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #ask<K extends FromServer['kind']>(question: ToServer, kind: K): Promise<Extract<FromServer, { kind: K }>> {
    const answer = this.#asked.then(() => {
      this.#process.tell(question);
      return nextMessage(this.#process, kind);
    });
    this.#asked = answer.catch(() => {});
    return answer;
  }
}

async function nextMessage<K extends FromServer['kind']>(
  server: ServerProcess,
  kind: K,
): Promise<Extract<FromServer, { kind: K }>> {
  const message = v.parse(FromServerSchema, await server.nextMessage(`say "${kind}"`, ANSWER_DEADLINE_MS));
  if (message.kind === 'failed') throw new Error(`${server.name}: ${message.message}`);
  if (message.kind !== kind) throw new Error(`${server.name} said "${message.kind}", not "${kind}".`);
  return message as Extract<FromServer, { kind: K }>;
}

/** @param file a module beside this one, without its extension. */
export async function startNodeServer(
  file: string,
  { name, core, args = [] }: { name: string; core: StartOptions['core']; args?: string[] },
): Promise<NodeServer> {
  const server = new ServerProcess({
    name,
    program: process.execPath,
    args: [fileURLToPath(new URL(`${file}.js`, built)), ...args],
    core,
    ipc: true,
  });
  try {
    const { address } = await nextMessage(server, 'listening');
    return new NodeServer(server, address);
  } catch (error) {
    await server.stop();
    throw error;
  }
}
