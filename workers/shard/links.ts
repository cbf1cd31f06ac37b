/**
 * The rings to and from the other shards. Data goes through as frames, control as msgpack, in one order.
 *
 * A producer commits once per turn and posts to the consumer only when it is not awake already. A consumer that was
 * woken stays awake, looking at its rings every turn, until it found nothing for IDLE_TURNS turns.
 *
 * When a ring is full, realtime data is dropped and counted; what must not be lost waits in this shard's `spill`,
 * bounded by what receivers granted, and goes first when there is room.
 */
import type { MessagePort } from 'node:worker_threads';
import { Packr, Unpackr } from 'msgpackr';
import { C } from '../../core/threads/counters.ts';
import {
  RECORD_CONTROL,
  RECORD_REALTIME,
  RECORD_RELIABLE,
  type ShardMessage,
  type ShardTask,
} from '../../core/threads/messages.ts';
import { RingConsumer, RingProducer } from '../../core/threads/ring.ts';

/** Turns without a record after which a shard goes to sleep: one to see that the burst is over, one to be sure. */
const IDLE_TURNS = 2;

interface Spilled {
  kind: number;
  frames: number;
  bytes: Uint8Array;
}

interface Link {
  producer: RingProducer;
  wakePort: MessagePort;
  spill: Spilled[];
  /** True when records were written since the last wake: a full ring commits by itself, so `dirty` does not tell. */
  written: boolean;
}

export interface LinkHost {
  /** Frames for this shard's ends, out of a ring. */
  data(bytes: Uint8Array, start: number, stop: number, frames: number): void;
  message(from: number, message: ShardMessage): void;
  /** Asks for a turn: `receive` and `commit` will be called. */
  schedule(): void;
  fault(where: string, error: unknown): void;
}

const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false });

export class Links {
  readonly #host: LinkHost;
  readonly #index: number;
  readonly #counters: Float64Array;
  readonly #awake: Int32Array;
  readonly #out: (Link | null)[];
  readonly #in: {
    consumer: RingConsumer;
    read: (k: number, c: number, b: Uint8Array, s: number, e: number) => void;
  }[];
  #idleTurns = 0;

  constructor(host: LinkHost, task: ShardTask, counters: Float64Array) {
    this.#host = host;
    this.#index = task.index;
    this.#counters = counters;
    this.#awake = new Int32Array(task.awake);
    this.#out = task.ringsOut.map((ring, shard) =>
      ring
        ? { producer: new RingProducer(ring), wakePort: task.wakePorts[shard]!, spill: [], written: false }
        : null,
    );
    this.#in = task.ringsIn.flatMap((ring, shard) =>
      ring
        ? [
            {
              consumer: new RingConsumer(ring),
              read: (kind: number, count: number, bytes: Uint8Array, start: number, end: number) =>
                this.#read(shard, kind, count, bytes, start, end),
            },
          ]
        : [],
    );
    for (const port of task.wakePorts) {
      port?.on('message', () => {
        this.#idleTurns = 0;
        this.#host.schedule();
      });
    }
  }

  /** PACKET PATH. @returns false when the frames were dropped: the ring is full and they are realtime. */
  sendData(
    shard: number,
    reliable: boolean,
    bytes: Uint8Array,
    start: number,
    stop: number,
    frames: number,
  ): boolean {
    const link = this.#out[shard]!;
    const kind = reliable ? RECORD_RELIABLE : RECORD_REALTIME;
    if (link.spill.length === 0 && link.producer.write(kind, frames, bytes, start, stop)) {
      link.written = true;
      this.#counters[C.ringRecords]!++;
      this.#host.schedule();
      return true;
    }
    if (reliable) {
      link.spill.push({ kind, frames, bytes: bytes.slice(start, stop) });
      this.#host.schedule();
      return true;
    }
    this.#counters[C.dropRing]! += frames;
    return false;
  }

  sendMessage(shard: number, message: ShardMessage): void {
    const link = this.#out[shard]!;
    const bytes = packr.pack(message);
    if (link.spill.length > 0 || !link.producer.write(RECORD_CONTROL, 0, bytes, 0, bytes.length)) {
      link.spill.push({ kind: RECORD_CONTROL, frames: 0, bytes: Uint8Array.prototype.slice.call(bytes) });
    } else {
      link.written = true;
      this.#counters[C.ringRecords]!++;
    }
    this.#host.schedule();
  }

  /** Reads every ring once. */
  receive(): void {
    let records = 0;
    for (const { consumer, read } of this.#in) records += consumer.drain(read);
    this.#idleTurns = records > 0 ? 0 : this.#idleTurns + 1;
  }

  /** Publishes what was written in this turn and wakes whom it is for; then decides whether to stay awake. */
  commit(): void {
    for (let shard = 0; shard < this.#out.length; shard++) {
      const link = this.#out[shard];
      if (!link) continue;
      this.#unspill(link);
      if (!link.written && link.spill.length === 0) continue;
      link.written = false;
      link.producer.commit();
      if (Atomics.compareExchange(this.#awake, shard, 0, 1) === 0) {
        this.#counters[C.ringWakes]!++;
        link.wakePort.postMessage(null);
      }
      if (link.spill.length > 0) this.#host.schedule();
    }
    if (this.#in.length === 0 || Atomics.load(this.#awake, this.#index) === 0) return;
    if (this.#idleTurns < IDLE_TURNS) {
      this.#host.schedule();
      return;
    }
    Atomics.store(this.#awake, this.#index, 0);
    // A record committed before the store above saw this shard awake and posted nothing: look once more.
    for (const { consumer } of this.#in) {
      if (!consumer.ready) continue;
      Atomics.store(this.#awake, this.#index, 1);
      this.#idleTurns = 0;
      this.#host.schedule();
      return;
    }
  }

  #unspill(link: Link): void {
    let written = 0;
    for (const item of link.spill) {
      if (!link.producer.write(item.kind, item.frames, item.bytes, 0, item.bytes.length)) break;
      written++;
    }
    if (written === 0) return;
    link.written = true;
    this.#counters[C.ringRecords]! += written;
    link.spill.splice(0, written);
  }

  #read(shard: number, kind: number, count: number, bytes: Uint8Array, start: number, end: number): void {
    try {
      if (kind === RECORD_CONTROL) {
        this.#host.message(shard, unpackr.unpack(bytes.slice(start, end)) as ShardMessage);
      } else {
        this.#host.data(bytes, start, end, count);
      }
    } catch (error) {
      this.#host.fault('ring', error);
    }
  }
}
