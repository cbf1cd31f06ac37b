/** The packets of a call that one end sends: each medium at its rate, all that are due in one message. */
import { bundleWriter } from './bundle-writer.ts';
import type { Draws } from './draws.ts';
import type { Paced } from './pacer.ts';
import type { PipeDirection } from './pipe.ts';

export interface Medium {
  leastBytes: number;
  mostBytes: number;
  ratePerSec: number;
  /** Packets that are due together. */
  burst: number;
}

class MediaStream {
  readonly #direction: PipeDirection;
  readonly #medium: Medium;
  readonly #draws: Draws;
  readonly #gapMs: number;
  #nextDueAtMs: number;

  constructor(direction: PipeDirection, medium: Medium, draws: Draws, startMs: number) {
    this.#direction = direction;
    this.#medium = medium;
    this.#draws = draws;
    this.#gapMs = (1000 * medium.burst) / medium.ratePerSec;
    // Calls do not beat in time with each other.
    this.#nextDueAtMs = startMs + draws.uniform() * this.#gapMs;
  }

  get nextDueAtMs(): number {
    return this.#nextDueAtMs;
  }

  appendDue(nowMs: number): void {
    const { leastBytes, mostBytes, burst } = this.#medium;
    while (this.#nextDueAtMs <= nowMs) {
      for (let i = 0; i < burst; i++) {
        const bytes = leastBytes === mostBytes ? leastBytes : this.#draws.between(leastBytes, mostBytes);
        this.#direction.flow.append(bundleWriter, this.#direction.end, bytes, this.#nextDueAtMs);
      }
      this.#nextDueAtMs += this.#gapMs;
    }
  }
}

/** One end of a call. */
export class MediaSender implements Paced {
  readonly #streams: MediaStream[];
  readonly #sender: PipeDirection['sender'];
  #nextDueAtMs: number;

  /** @param directions all of one sender. */
  constructor(directions: readonly (readonly [PipeDirection, Medium])[], draws: Draws, startMs: number) {
    this.#sender = directions[0]![0].sender;
    this.#streams = directions.map(
      ([direction, medium]) => new MediaStream(direction, medium, draws, startMs),
    );
    this.#nextDueAtMs = Math.min(...this.#streams.map((stream) => stream.nextDueAtMs));
  }

  get nextDueAtMs(): number {
    return this.#nextDueAtMs;
  }

  sendDue(nowMs: number): void {
    bundleWriter.begin(this.#sender.socket);
    let nextMs = Number.POSITIVE_INFINITY;
    for (const stream of this.#streams) {
      stream.appendDue(nowMs);
      nextMs = Math.min(nextMs, stream.nextDueAtMs);
    }
    this.#nextDueAtMs = nextMs;
    bundleWriter.send();
  }
}
