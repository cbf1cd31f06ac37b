/** What it costs to hand frames from one shard to another: core/threads/ring.ts, alone and between two threads. */
import { createRing, RingConsumer, RingProducer } from '../../core/threads/ring.ts';
import { consume } from './blackhole.ts';
import { numbersFrom } from './numbers.ts';
import { SecondThread } from './second-thread.ts';
import { defineSuite, type OpenSuite, type Placement, sync } from './task.ts';
import type { RingEnds } from './threads/ring-consumer.ts';

const RECORD_BYTES = 160;
const RING_BYTES = 1024 * 1024;
/** Records of a window: written, committed once, and acknowledged before the next window. */
const WINDOW = 256;
const RECORD_DATA = 1;

const one = { recordBytes: RECORD_BYTES, window: WINDOW, threads: 1 };
const two = { ...one, threads: 2 };
type Names = 'write-drain' | 'hand-off' | 'hand-off-asleep';

export const ringSuite = defineSuite<Names>({
  suite: 'ring',
  tasks: {
    'write-drain': { title: 'Write and read a record in one thread', operations: WINDOW, parameters: one },
    'hand-off': {
      title: 'Hand a record to a thread that looks at its ring',
      operations: WINDOW,
      parameters: two,
    },
    'hand-off-asleep': {
      title: 'Hand a record to a thread that sleeps and is woken by a message',
      operations: WINDOW,
      parameters: two,
    },
  },
  open,
});

async function open({ loadCore }: Placement): Promise<OpenSuite<Names>> {
  const ends: RingEnds = { records: createRing(RING_BYTES), acknowledgements: createRing(RING_BYTES) };
  const thread = await SecondThread.start('ring-consumer', loadCore, ends);
  const window = new Window(ends.records);
  const acknowledged = new Acknowledgements(ends.acknowledgements);

  const handOff = (): void => {
    window.write();
    thread.waitUntil(() => acknowledged.count() >= WINDOW);
    acknowledged.take();
  };
  const handOffAsleep = async (): Promise<void> => {
    window.write();
    await thread.ask('wake');
    if (acknowledged.count() < WINDOW) throw new Error('A window was not read whole.');
    acknowledged.take();
  };
  return {
    work: {
      'write-drain': writeDrain(),
      'hand-off': {
        async: false,
        iterate: handOff,
        begin: () => thread.busy(),
        end: () => thread.rest(),
      },
      'hand-off-asleep': { async: true, iterate: handOffAsleep },
    },
    close: () => thread.close(),
  };
}

/** Writes windows of records out of a bundle, so at every alignment, as a shard does. */
class Window {
  readonly #producer: RingProducer;
  readonly #source = numbersFrom(2).bytes(WINDOW * (RECORD_BYTES + 1));

  constructor(ring: SharedArrayBuffer) {
    this.#producer = new RingProducer(ring);
  }

  write(): void {
    for (let i = 0; i < WINDOW; i++) {
      const start = i * (RECORD_BYTES + 1);
      if (!this.#producer.write(RECORD_DATA, 1, this.#source, start, start + RECORD_BYTES)) {
        throw new Error('The ring is full.');
      }
    }
    this.#producer.commit();
  }

  /** The last byte of a window. */
  get lastByte(): number {
    return this.#source[this.#source.length - 2]!;
  }
}

/** Counts what the other thread says that it has read. */
class Acknowledgements {
  readonly #consumer: RingConsumer;
  #records = 0;
  readonly #read = (_kind: number, count: number, bytes: Uint8Array, start: number): void => {
    this.#records += count;
    consume(count + bytes[start]!);
  };

  constructor(ring: SharedArrayBuffer) {
    this.#consumer = new RingConsumer(ring);
  }

  count(): number {
    this.#consumer.drain(this.#read);
    return this.#records;
  }

  take(): void {
    if (this.#records !== WINDOW) throw new Error(`${this.#records} records were read, not ${WINDOW}.`);
    this.#records = 0;
  }
}

function writeDrain() {
  const ring = createRing(RING_BYTES);
  const window = new Window(ring);
  const consumer = new RingConsumer(ring);
  const outbox = new Uint8Array(RECORD_BYTES + 8);
  let last = 0;
  const copyOut = (_kind: number, count: number, bytes: Uint8Array, start: number, end: number): void => {
    // At the alignment of its source, as a shard's outbox begins (see core/threads/ring.ts).
    const at = start & 7;
    outbox.set(bytes.subarray(start, end), at);
    last = outbox[at + RECORD_BYTES - 1]!;
    consume(count + last);
  };
  return sync(() => {
    window.write();
    if (consumer.drain(copyOut) !== WINDOW) throw new Error('A record was lost in a ring.');
    if (last !== window.lastByte) throw new Error('A record was changed in a ring.');
  });
}
