/**
 * When the packets of one flow are due, over all its directions. They have one interval and each its own offset, so
 * the order in which they come due is the same in every interval: a cursor over the sorted offsets is the schedule.
 */
import type { Outgoing, Schedule } from './outgoing.ts';

/** Packets of one direction due in [fromMs, toMs). */
function dueBetween({ firstMs, everyMs, burst }: Schedule, fromMs: number, toMs: number): number {
  // As the arrivals compute it, so that a time on the edge is on the same side for both.
  const turnsBefore = (ms: number): number => {
    let turns = Math.max(0, Math.floor((ms - firstMs) / everyMs) - 1);
    while (firstMs + turns * everyMs < ms) turns++;
    return turns;
  };
  return (turnsBefore(toMs) - turnsBefore(fromMs)) * burst;
}

export class DueTimes {
  readonly #lanes: Outgoing[];
  /** The lane that is due next, and the interval that it is due in. */
  #next = 0;
  #turn = 0;

  /** Lanes of one flow, with equal intervals and offsets within one interval of each other. */
  constructor(lanes: readonly Outgoing[]) {
    this.#lanes = [...lanes].sort((a, b) => a.schedule!.firstMs - b.schedule!.firstMs);
  }

  /** When the next packet is due. */
  get nextMs(): number {
    const { firstMs, everyMs } = this.#lanes[this.#next]!.schedule!;
    return firstMs + this.#turn * everyMs;
  }

  /** Takes the lane whose packets are due next. */
  take(): Outgoing {
    const lane = this.#lanes[this.#next]!;
    if (++this.#next === this.#lanes.length) {
      this.#next = 0;
      this.#turn++;
    }
    return lane;
  }

  /** Packets of all lanes due in [fromMs, toMs). */
  between(fromMs: number, toMs: number): number {
    return this.#lanes.reduce((sum, lane) => sum + dueBetween(lane.schedule!, fromMs, toMs), 0);
  }
}
