/**
 * Sends packets when they are due, and leaves its core alone in between. PACKET PATH.
 *
 * Timers of Node have steps of 1 ms. Where the next packet is further away than that, a timer waits for most of it.
 * The rest is slept in naps (Atomics.wait takes fractions of a millisecond) of at most NAP_MS, between which sockets
 * are read; so a packet leaves, or is seen to arrive, up to about NAP_MS late, and that is part of its latency.
 */
import type { DueTimes } from './due-times.ts';
import type { Outgoing } from './outgoing.ts';

const TIMER_STEP_MS = 1;
const NAP_MS = 0.1;

export class Pacer {
  readonly #times: readonly DueTimes[];
  readonly #bed = new Int32Array(new SharedArrayBuffer(4));
  #running = false;
  #turnStartedAtMs = 0;
  readonly #owing: Outgoing[] = [];
  readonly #turn = (): void => this.#send();

  constructor(times: readonly DueTimes[]) {
    this.#times = times;
  }

  start(atMs: number): void {
    this.#running = true;
    setTimeout(this.#turn, Math.max(0, atMs - performance.now() - TIMER_STEP_MS));
  }

  stop(): void {
    this.#running = false;
  }

  #send(): void {
    if (!this.#running) return;
    const now = performance.now();
    const owing = this.#owing;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const times of this.#times) {
      let due = times.nextMs;
      while (due <= now) {
        const lane = times.take();
        lane.owe(lane.schedule!.burst);
        owing.push(lane);
        due = times.nextMs;
      }
      if (due < nextMs) nextMs = due;
    }
    // Two flows of one peer share a write where they are due in one turn.
    for (let i = 0; i < owing.length; i++) owing[i]!.flush();
    owing.length = 0;
    this.#sleep(nextMs);
  }

  #sleep(untilMs: number): void {
    const now = performance.now();
    if (untilMs - now > 2 * TIMER_STEP_MS) {
      setTimeout(this.#turn, Math.floor(untilMs - now - TIMER_STEP_MS));
      return;
    }
    // Turns begin NAP_MS apart, so that packets due in between go together; a turn that took longer has no nap.
    const napMs = Math.max(untilMs, this.#turnStartedAtMs + NAP_MS) - now;
    if (napMs > 0) Atomics.wait(this.#bed, 0, 0, Math.min(napMs, NAP_MS));
    this.#turnStartedAtMs = performance.now();
    setImmediate(this.#turn);
  }
}
