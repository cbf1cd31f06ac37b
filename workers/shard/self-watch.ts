/**
 * How late the shard's own thread is: for the operator, and so that neither it nor a receiver is asked for more than it can
 * do (core/overload/behind.ts, flight.ts).
 */
import { type Behind, LOOK_MS } from '../../core/overload/behind.ts';
import { MAX_SHARD_QUEUE_BYTES } from '../../core/protocol/limits.ts';
import { C } from '../../core/threads/counters.ts';
import { LoopLag } from '../../core/threads/loop-lag.ts';
import type { Flights } from './flights.ts';

/** In and out, in LOOK_MS: a shard that moves as much watches its loop closely (core/threads/loop-lag.ts). */
const BUSY_FRAMES = 100;
const BUSY_BYTES = 256 * 1024;

export class SelfWatch {
  readonly #counters: Float64Array;
  readonly #behind: Behind;
  readonly #flights: Pick<Flights, 'lagMs'>;
  readonly #lag = new LoopLag(LOOK_MS);
  #frames = 0;
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(counters: Float64Array, behind: Behind, flights: Pick<Flights, 'lagMs'>) {
    this.#counters = counters;
    this.#behind = behind;
    this.#flights = flights;
  }

  start(): void {
    this.#timer = setInterval(() => this.#look(performance.now()), LOOK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#lag.stop();
  }

  #look(now: number): void {
    const counters = this.#counters;
    const frames = counters[C.framesIn]! + counters[C.framesOut]!;
    const bytes = counters[C.bytesIn]! + counters[C.bytesOut]!;
    const busy = frames - this.#frames >= BUSY_FRAMES || bytes - this.#bytes >= BUSY_BYTES;
    this.#frames = frames;
    this.#bytes = bytes;
    this.#lag.sample(now, busy);
    counters[C.lagMeanUs] = this.#lag.meanUs;
    counters[C.lagMaxUs] = this.#lag.maxUs;
    this.#flights.lagMs = this.#lag.lastMaxUs / 1_000;
    // One that has little to do is late for want of a processor: to forward less would not help it.
    const lateMs = busy ? this.#lag.meanUs / 1_000 : 0;
    this.#behind.look(lateMs, counters[C.queuedBytes]! / MAX_SHARD_QUEUE_BYTES);
  }
}
