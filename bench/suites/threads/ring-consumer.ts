/** The thread at the reading end of the ring benchmark: copies every record out, as a shard does, and acknowledges. */
import { parentPort, workerData } from 'node:worker_threads';
import { RingConsumer, RingProducer } from '../../../core/threads/ring.ts';
import { pinThisThread } from '../pin-thread.ts';
import { type ThreadData, whileWanted } from '../second-thread.ts';

export interface RingEnds {
  /** From the main thread. */
  records: SharedArrayBuffer;
  /** To the main thread: records whose count says how many were read. */
  acknowledgements: SharedArrayBuffer;
}

const { state, core, given } = workerData as ThreadData<RingEnds>;
const consumer = new RingConsumer(given.records);
const producer = new RingProducer(given.acknowledgements);
const outbox = new Uint8Array(64 * 1024);
const proof = new Uint8Array(8);

function copyOut(_kind: number, _count: number, bytes: Uint8Array, start: number, end: number): void {
  // At the alignment of its source, as a shard's outbox begins (see core/threads/ring.ts).
  const at = start & 7;
  outbox.set(bytes.subarray(start, end), at);
  // What the main thread checks: that the bytes were read, not only counted.
  proof[0] = outbox[at + end - start - 1]!;
}

function drain(): boolean {
  const records = consumer.drain(copyOut);
  if (records === 0) return false;
  if (!producer.write(1, records, proof, 0, proof.length)) throw new Error('Nobody reads acknowledgements.');
  producer.commit();
  return true;
}

if (core !== null) pinThisThread(core);
parentPort!.on('message', (order: 'busy' | 'wake') => {
  if (order === 'busy') {
    whileWanted(state, drain);
  } else {
    drain();
    parentPort!.postMessage('drained');
  }
});
parentPort!.postMessage('ready');
