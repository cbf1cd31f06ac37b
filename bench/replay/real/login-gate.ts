/**
 * What limits a relay's logins in a real replay: the embedder's user database behind `authorize`, which serves so many a
 * second, first come, first served, whether or not the peer still waits. A relay of 2007 was limited by its processor;
 * here a dozen relays share one, so that the limit must be made.
 */
import { type Authorization, allow } from '../../../core/index.ts';

interface Waiting {
  sinceMs: number;
  resolve(answer: Authorization): void;
}

const LOOK_MS = 5;

export class LoginGate {
  readonly #gapMs: number;
  #queue: Waiting[] = [];
  #first = 0;
  #freeAtMs = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(perSec: number) {
    this.#gapMs = 1_000 / perSec;
  }

  get queued(): number {
    return this.#queue.length - this.#first;
  }

  /** How long the first has waited. */
  waitMs(nowMs: number): number {
    return this.queued === 0 ? 0 : nowMs - this.#queue[this.#first]!.sinceMs;
  }

  readonly authorize = (): Promise<Authorization> =>
    new Promise((resolve) => {
      this.#queue.push({ sinceMs: performance.now(), resolve });
      this.#serve();
    });

  #serve(): void {
    const now = performance.now();
    // What was not used is lost, but for one look: timers are late.
    this.#freeAtMs = Math.max(this.#freeAtMs, now - 2 * LOOK_MS);
    while (this.queued > 0 && this.#freeAtMs <= now) {
      this.#queue[this.#first++]!.resolve(allow);
      this.#freeAtMs += this.#gapMs;
    }
    if (this.queued === 0) {
      this.#queue = [];
      this.#first = 0;
    } else {
      this.#timer ??= setTimeout(() => {
        this.#timer = null;
        this.#serve();
      }, LOOK_MS);
    }
  }
}
