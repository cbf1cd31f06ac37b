/**
 * Frames that the peers of a load process sent, and which of them arrived, by when they were sent: a frame that is under way
 * when an interval ends was served in the interval in which it was asked for. What is late is not what is lost: a tenth of a
 * second, with a dozen relays on two cores, is a fifth of a minute of the replay.
 *
 *   interval   0    1    2 ..     of so many milliseconds of the clock, since the replay began
 *   #sent    [ 41   39   40 ]     a row like this for each class
 *   #got     [ 41   39   12 ]
 */
import { CLASSES } from '../outcome.ts';

/** By class in the order of CLASSES, then by interval. */
export interface FrameCounts {
  sent: number[][];
  got: number[][];
}

export class FrameLog {
  readonly #stepMs: number;
  #beganAtMs = Number.NaN;
  readonly #sent: number[][] = CLASSES.map(() => []);
  readonly #got: number[][] = CLASSES.map(() => []);

  constructor(stepMs: number) {
    this.#stepMs = stepMs;
  }

  begin(nowMs: number): void {
    this.#beganAtMs = nowMs;
  }

  /** @param priority index of the class. @param nowMs of the clock. */
  sent(priority: number, nowMs: number, frames = 1): void {
    this.#add(this.#sent[priority]!, nowMs, frames);
  }

  /** @param sentAtMs as it was told to `sent`. */
  got(priority: number, sentAtMs: number, frames = 1): void {
    this.#add(this.#got[priority]!, sentAtMs, frames);
  }

  get counts(): FrameCounts {
    return { sent: this.#sent, got: this.#got };
  }

  #add(row: number[], atMs: number, frames: number): void {
    const interval = Math.floor((atMs - this.#beganAtMs) / this.#stepMs);
    // Before the replay nothing is counted.
    if (!(interval >= 0)) return;
    while (row.length <= interval) row.push(0);
    row[interval]! += frames;
  }
}
