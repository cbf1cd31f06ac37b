/**
 * The load processes of a real replay, and what each has told last.
 *
 *   started --ready--> its peers are logged in .. samples .. --finish--> result
 */
import { ReplayChild } from './child.ts';
import type { FromLoad, LoadOrder, LoadResult, LoadSample, ToLoad } from './messages.ts';

export interface LoadsHost {
  /** Median wait for the store, milliseconds of the clock, in a sample. */
  stored(ms: number): void;
  failed(message: string): void;
}

interface Load {
  child: ReplayChild<ToLoad, FromLoad>;
  sample: LoadSample | null;
  /** It has come since it was last taken. */
  isFresh: boolean;
  isReady: boolean;
  result: LoadResult | null;
  /** Relays that it knows to be killed. */
  noted: Set<number>;
}

export class Loads {
  readonly #host: LoadsHost;
  readonly #loads: Load[] = [];
  #isClosing = false;

  constructor(host: LoadsHost) {
    this.#host = host;
  }

  start(order: LoadOrder): void {
    const index = this.#loads.length;
    const load: Load = {
      child: new ReplayChild<ToLoad, FromLoad>('load-process', order, {
        heard: (message) => this.#heard(load, index, message),
        ended: (how) => {
          if (!this.#isClosing) this.#host.failed(`Load process ${index} ${how}.`);
        },
      }),
      sample: null,
      isFresh: false,
      isReady: false,
      result: null,
      noted: new Set(),
    };
    this.#loads.push(load);
  }

  tell(message: ToLoad): void {
    for (const { child } of this.#loads) child.tell(message);
  }

  get areReady(): boolean {
    return this.#loads.every(({ isReady }) => isReady);
  }

  get online(): number {
    return this.#loads.reduce((sum, { sample }) => sum + (sample?.online ?? 0), 0);
  }

  /**
   * The samples of all, each taken once; null while one has told none since the last time: what a load that is late has
   * counted would seem to be nothing now, and double at the next tick.
   */
  take(): LoadSample[] | null {
    if (!this.#loads.every(({ isFresh }) => isFresh)) return null;
    return this.#loads.map((load) => {
      load.isFresh = false;
      return load.sample!;
    });
  }

  /** Null until all have told theirs. */
  get results(): LoadResult[] | null {
    const results = this.#loads.flatMap(({ result }) => result ?? []);
    return results.length === this.#loads.length ? results : null;
  }

  /** Tells all that this relay is killed. @returns whether all have noted it. */
  killed(relay: number): () => boolean {
    for (const { noted } of this.#loads) noted.delete(relay);
    this.tell({ kind: 'killed', relay });
    return () => this.#loads.every(({ noted }) => noted.has(relay));
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    await Promise.all(this.#loads.map(({ child }) => child.kill()));
  }

  #heard(load: Load, index: number, message: FromLoad): void {
    switch (message.kind) {
      case 'ready':
        load.isReady = true;
        return;
      case 'noted':
        load.noted.add(message.relay);
        return;
      case 'result':
        load.result = message;
        return;
      case 'failed':
        this.#host.failed(`Load process ${index}: ${message.message}`);
        return;
      case 'sample':
        load.sample = message;
        load.isFresh = true;
        if (message.storeMs > 0) this.#host.stored(message.storeMs);
    }
  }
}
