/** Channels that arrived, as an async iterator: they wait here until somebody asks. */

import { Fifo } from '../fifo.ts';
import type { SupernodeError } from '../protocol/errors.ts';
import type { Channel } from './channel.ts';

type Result = IteratorResult<Channel, undefined>;

export class Incoming {
  /** Somebody takes channels from here. */
  used = false;
  readonly #channels = new Fifo<Channel>();
  readonly #asked = new Fifo<{ resolve(result: Result): void; reject(error: Error): void }>();
  #ended: { error: SupernodeError | undefined } | undefined;

  add(channel: Channel): void {
    const asked = this.#asked.shift();
    if (asked === undefined) this.#channels.push(channel);
    else asked.resolve({ done: false, value: channel });
  }

  end(error: SupernodeError | undefined): void {
    this.#ended = { error };
    for (let asked = this.#asked.shift(); asked !== undefined; asked = this.#asked.shift()) {
      if (error === undefined) asked.resolve({ done: true, value: undefined });
      else asked.reject(error);
    }
  }

  iterate(): AsyncIterableIterator<Channel> {
    this.used = true;
    let left = false;
    return {
      next: (): Promise<Result> => {
        const channel = left ? undefined : this.#channels.shift();
        if (channel !== undefined) return Promise.resolve({ done: false, value: channel });
        if (left || (this.#ended !== undefined && this.#ended.error === undefined)) {
          return Promise.resolve({ done: true, value: undefined });
        }
        if (this.#ended?.error) return Promise.reject(this.#ended.error);
        return new Promise((resolve, reject) => this.#asked.push({ resolve, reject }));
      },
      return: (): Promise<Result> => {
        left = true;
        return Promise.resolve({ done: true, value: undefined });
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }
}
