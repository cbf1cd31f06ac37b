/** One store, several threads of a process, as the directory workers open it. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterEach, expect, test } from 'vitest';
import { bytes, freshPath, openStore, text } from './store-fixture.ts';

const MAX_BYTES = 64 * 1024 * 1024;

class StoreThread {
  readonly worker: Worker;
  #lastId = 0;

  constructor(path: string) {
    this.worker = new Worker(new URL('./store-thread.mjs', import.meta.url), {
      workerData: { path, durable: false, maxBytes: MAX_BYTES },
    });
  }

  async ask(order: { do: string; key?: string; value?: string | number }): Promise<string | undefined> {
    const id = ++this.#lastId;
    const answer = new Promise<string | undefined>((resolve) => {
      const take = (message: { id: number; value?: string }) => {
        if (message.id !== id) return;
        this.worker.off('message', take);
        resolve(message.value);
      };
      this.worker.on('message', take);
    });
    this.worker.postMessage({ id, ...order });
    return answer;
  }
}

let threads: StoreThread[] = [];

function start(path: string, count: number): StoreThread[] {
  threads = Array.from({ length: count }, () => new StoreThread(path));
  return threads;
}

afterEach(async () => {
  for (const { worker } of threads.splice(0)) await worker.terminate();
});

test('what one thread has committed, the others see once it has answered', async () => {
  const path = freshPath();
  const [writer, ...readers] = start(path, 3);
  for (let round = 0; round < 300; round++) {
    await writer!.ask({ do: 'put', key: 'k', value: String(round) });
    const seen = await Promise.all(readers.map((reader) => reader.ask({ do: 'get', key: 'k' })));
    expect(seen).toEqual([String(round), String(round)]);
  }
});

test('transactions of several threads are one after another', async () => {
  const path = freshPath();
  const workers = start(path, 3);
  await Promise.all(workers.map((worker) => worker.ask({ do: 'add', key: 'sum', value: 500 })));
  expect(await workers[0]!.ask({ do: 'get', key: 'sum' })).toBe('1500');
});

test('a thread that closes the store, and one that is ended, leave it to the others', async () => {
  const path = freshPath();
  const [first, second, third] = start(path, 3);
  await first!.ask({ do: 'put', key: 'k', value: 'one' });
  await second!.ask({ do: 'get', key: 'k' });
  await third!.ask({ do: 'get', key: 'k' });
  const ended = once(second!.worker, 'exit');
  await second!.ask({ do: 'close' });
  await ended;
  await third!.worker.terminate();
  await first!.ask({ do: 'put', key: 'k', value: 'two' });
  expect(await first!.ask({ do: 'get', key: 'k' })).toBe('two');
  const store = openStore(path);
  expect(text(store.tables.records.get(bytes('k')))).toBe('two');
});

test('a reader that idles holds no pages back: the file does not grow with what is written over', async () => {
  const path = freshPath();
  const [writer, reader] = start(path, 2);
  const value = 'x'.repeat(50_000);
  const store = openStore(path);
  await writer!.ask({ do: 'put', key: 'k', value });
  await reader!.ask({ do: 'get', key: 'k' });
  for (let round = 0; round < 20; round++) await writer!.ask({ do: 'put', key: 'k', value });
  const settled = store.bytes();
  for (let round = 0; round < 200; round++) await writer!.ask({ do: 'put', key: 'k', value });
  expect(store.bytes()).toBe(settled);
});
