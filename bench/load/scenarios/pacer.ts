/**
 * Sends what is due, for every sender of the process. PACKET PATH of the load.
 *
 * Timers of Node have steps of 1 ms. Where nothing is due that soon, one waits; else turns begin TURN_MS apart, and
 * what is left of a turn is slept (Atomics.wait takes fractions of a millisecond). A turn that took longer has no nap,
 * so that a storm of logins is not held up. What is due leaves up to TURN_MS late, which is part of its latency.
 */

const TURN_MS = 0.25;
const TIMER_STEP_MS = 1;
/** A timer takes no more than 2^31 ms, and none of ours waits long. */
const MOST_TIMER_MS = 60_000;

export interface Paced {
  /** Infinity when there will be nothing. */
  readonly nextDueAtMs: number;
  /** Sends everything that was due by now. */
  sendDue(nowMs: number): void;
}

export class Pacer {
  readonly #senders = new Set<Paced>();
  readonly #fail: (error: unknown) => void;
  readonly #bed = new Int32Array(new SharedArrayBuffer(4));
  readonly #turn = (): void => this.#send();
  #timer: NodeJS.Timeout | null = null;
  #immediate: NodeJS.Immediate | null = null;
  #turnStartedAtMs = 0;

  /** @param fail called when a sender throws; nothing is sent after that. */
  constructor(fail: (error: unknown) => void) {
    this.#fail = fail;
  }

  add(sender: Paced): void {
    this.#senders.add(sender);
    if (this.#immediate) return;
    this.stop();
    this.#immediate = setImmediate(this.#turn);
  }

  remove(sender: Paced): void {
    this.#senders.delete(sender);
    if (this.#senders.size === 0) this.stop();
  }

  stop(): void {
    if (this.#timer) clearTimeout(this.#timer);
    if (this.#immediate) clearImmediate(this.#immediate);
    this.#timer = this.#immediate = null;
  }

  /** Sends what was due by then, however late it is: what a measured time asked for is counted in it. */
  catchUp(untilMs: number): void {
    this.#sendDue(untilMs);
  }

  #send(): void {
    this.#timer = this.#immediate = null;
    try {
      const nextMs = this.#sendDue(performance.now());
      if (this.#senders.size > 0) this.#sleep(nextMs);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** @returns when something is due next. */
  #sendDue(nowMs: number): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const sender of this.#senders) {
      if (sender.nextDueAtMs <= nowMs) sender.sendDue(nowMs);
      const { nextDueAtMs } = sender;
      if (nextDueAtMs < nextMs) nextMs = nextDueAtMs;
    }
    return nextMs;
  }

  #sleep(untilMs: number): void {
    const nowMs = performance.now();
    if (untilMs - nowMs > 2 * TIMER_STEP_MS) {
      this.#timer = setTimeout(this.#turn, Math.min(untilMs - nowMs - TIMER_STEP_MS, MOST_TIMER_MS));
      return;
    }
    const napMs = this.#turnStartedAtMs + TURN_MS - nowMs;
    if (napMs > 0) Atomics.wait(this.#bed, 0, 0, napMs);
    this.#turnStartedAtMs = performance.now();
    this.#immediate = setImmediate(this.#turn);
  }
}
