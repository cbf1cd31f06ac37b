/**
 * Messages as async iterators. Each message goes to one of them: the one that asked first. It is done when that one
 * asks for the next; one that is left (return(), or break in a loop) gives its last message back.
 */

import { Fifo } from '../../fifo.ts';
import type { SupernodeError } from '../../protocol/errors.ts';
import type { Message } from './message.ts';

type Result = IteratorResult<Message, undefined>;
const DONE: Result = { done: true, value: undefined };

interface Asked {
  reader: Reader;
  resolve(result: Result): void;
  reject(error: Error): void;
}

/** Who reads, and what it was given last. */
interface Reader {
  /** Settles the message that it has. */
  settle: ((taken: boolean) => void) | undefined;
  /** How often it has asked and not been answered. */
  asked: number;
  left: boolean;
}

interface Offered {
  message: Message;
  settle(taken: boolean): void;
}

export class MessageReaders {
  readonly #onRead: () => void;
  readonly #asked = new Fifo<Asked>();
  #readers = 0;
  /** A message that no reader has asked for yet. */
  #offered: Offered | undefined;
  #ended: { error: SupernodeError | undefined } | undefined;

  /** @param onRead called when a reader asks for a message. */
  constructor(onRead: () => void) {
    this.#onRead = onRead;
  }

  get length(): number {
    return this.#readers;
  }

  /** Calls `settle` with true when a reader is done with it, with false when its reader, or all, have left. */
  offer(message: Message, settle: (taken: boolean) => void): void {
    this.#offered = { message, settle };
    this.#match();
  }

  /** No message will come: the peer is closed, or the relay refuses. */
  end(error: SupernodeError | undefined): void {
    this.#ended ??= { error };
    this.#readers = 0;
    this.#takeBack();
    for (let asked = this.#asked.shift(); asked !== undefined; asked = this.#asked.shift()) {
      if (error === undefined) asked.resolve(DONE);
      else asked.reject(error);
    }
  }

  iterate(): AsyncIterableIterator<Message> {
    const reader: Reader = { settle: undefined, asked: 0, left: false };
    if (this.#ended === undefined) this.#readers++;
    return {
      next: (): Promise<Result> => {
        settle(reader, true);
        if (reader.left) return Promise.resolve(DONE);
        if (this.#ended !== undefined) return this.#endOf(reader, this.#ended.error);
        return new Promise((resolve, reject) => {
          reader.asked++;
          this.#asked.push({ reader, resolve, reject });
          this.#onRead();
          this.#match();
        });
      },
      return: (): Promise<Result> => {
        this.#leave(reader);
        return Promise.resolve(DONE);
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /** An error is thrown once, then the iterator is done. */
  #endOf(reader: Reader, error: SupernodeError | undefined): Promise<Result> {
    reader.left = true;
    return error === undefined ? Promise.resolve(DONE) : Promise.reject(error);
  }

  #leave(reader: Reader): void {
    if (reader.left) return;
    reader.left = true;
    if (this.#ended === undefined) this.#readers--;
    settle(reader, false);
    if (this.#readers === 0) this.#takeBack();
    this.#match();
  }

  #takeBack(): void {
    const offered = this.#offered;
    this.#offered = undefined;
    offered?.settle(false);
  }

  #give({ reader, resolve }: Asked, offered: Offered): void {
    this.#offered = undefined;
    reader.settle = offered.settle;
    resolve({ done: false, value: offered.message });
    // It has asked for the next one already.
    if (--reader.asked > 0) settle(reader, true);
  }

  #match(): void {
    for (let asked = this.#asked.peek(); asked !== undefined; asked = this.#asked.peek()) {
      if (asked.reader.left) asked.resolve(DONE);
      else if (this.#offered === undefined) return;
      else {
        this.#give(asked, this.#offered);
      }
      this.#asked.shift();
    }
  }
}

function settle(reader: Reader, taken: boolean): void {
  const { settle: settled } = reader;
  reader.settle = undefined;
  settled?.(taken);
}
