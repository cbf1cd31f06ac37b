/**
 * The task of the thread that reads: it lasts as long as the relay does. Every shard posts its batches to a port of its own
 * (workers/shard/reads.ts); a batch is answered at once, from one snapshot of the store.
 */
import type { MessagePort } from 'node:worker_threads';
import type { ReadAnswer, ReadAsk, ReaderTask, TaskAnswers } from '../../core/threads/directory-messages.ts';
import { read } from './asks.ts';
import { guarded } from './guarded.ts';

const readGuarded = guarded(read);

export function serveReads({ ports, control }: ReaderTask): Promise<void> {
  for (const port of ports) port.on('message', (asks: ReadAsk[]) => answer(port, asks));
  return new Promise((ended) => {
    control.once('message', () => {
      for (const port of [...ports, control]) port.close();
      ended();
    });
  });
}

function answer(port: MessagePort, asks: ReadAsk[]): void {
  let answers: TaskAnswers<ReadAnswer>;
  try {
    answers = readGuarded(asks);
  } catch (error) {
    // The process is ending. An answer is owed all the same: the shard waits for it before it asks for more.
    const message = error instanceof Error ? error.message : String(error);
    answers = { answers: [], troubles: [{ code: 'directory-unavailable', message }] };
  }
  port.postMessage(answers);
}
