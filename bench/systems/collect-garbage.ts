/**
 * Forces garbage collection in every thread of this process. `global.gc` reaches the calling isolate only, and a
 * relay keeps its sessions in workers; the inspector's `HeapProfiler.collectGarbage` reaches them all and asks
 * nothing of the code in them.
 */
import { Session } from 'node:inspector';
import { setTimeout as after } from 'node:timers/promises';

/** A worker that sleeps in Atomics.wait cannot answer; it makes no garbage either. */
const ANSWER_DEADLINE_MS = 3_000;
const POLL_MS = 20;

export interface Collection {
  /** Threads asked, the main one included. */
  threads: number;
  /** Threads that have answered that they are done. */
  collected: number;
}

export class GarbageCollector {
  readonly #session = new Session();
  readonly #workers = new Set<string>();
  #answers = 0;

  constructor() {
    this.#session.connect();
    this.#session.on('NodeWorker.attachedToWorker', ({ params }) => this.#workers.add(params.sessionId));
    this.#session.on('NodeWorker.detachedFromWorker', ({ params }) => this.#workers.delete(params.sessionId));
    this.#session.on('NodeWorker.receivedMessageFromWorker', () => this.#answers++);
    this.#session.post('NodeWorker.enable', { waitForDebuggerOnStart: false });
  }

  async collect(): Promise<Collection> {
    this.#answers = 0;
    const asked = [...this.#workers];
    for (const sessionId of asked) {
      const message = JSON.stringify({ id: 1, method: 'HeapProfiler.collectGarbage' });
      this.#session.post('NodeWorker.sendMessageToWorker', { sessionId, message });
    }
    this.#session.post('HeapProfiler.collectGarbage');
    const deadline = performance.now() + ANSWER_DEADLINE_MS;
    while (this.#answers < asked.length && performance.now() < deadline) await after(POLL_MS);
    return { threads: asked.length + 1, collected: this.#answers + 1 };
  }
}
