/**
 * What a thread that is itself behind still forwards: of realtime data the classes below audio, by the level of
 * shed-level.ts. Signal and audio always pass, and so does what must not be lost: its senders are held by credit.
 *
 *   on time:  `active` is false, and nobody asks further
 *   behind:   the event loop was late by more than MOST_LATE_MS in the mean, or half of what may wait in the shard does:
 *             every LOOK_MS 5% less passes, bulk first; then 1% more until all does
 */
import { PRIORITIES } from '../protocol/ops.ts';
import { ShedLevel } from './shed-level.ts';

/** How often `look` is to be called. */
export const LOOK_MS = 100;
/** DAGOR's bound of the mean wait (shed-level.ts); a voice packet's length. */
export const MOST_LATE_MS = 20;
/** Of the bytes that may wait. */
export const MOST_QUEUED_SHARE = 0.5;
const AUDIO = PRIORITIES.indexOf('audio');

export class Behind {
  /** True while `passes` has to be asked. */
  active = false;
  /** Each look ends a window: no clock is needed. */
  readonly #level = new ShedLevel({
    classes: PRIORITIES.length,
    mostWaitMs: MOST_LATE_MS,
    windowRequests: 1,
    windowMs: Number.POSITIVE_INFINITY,
  });

  /** 1 when everything passes. */
  get level(): number {
    return this.#level.level;
  }

  /**
   * @param lateMs how late the loop was since the last look, in the mean.
   * @param queuedShare what waits for receivers, of what may.
   */
  look(lateMs: number, queuedShare: number): void {
    const isBehind = lateMs > MOST_LATE_MS || queuedShare > MOST_QUEUED_SHARE;
    if (!this.active && !isBehind) return;
    this.#level.waited(isBehind ? MOST_LATE_MS * 2 : 0, 0);
    this.active = this.#level.level < 1;
  }

  /** Realtime frames. @param lot in [0, 1), the same for the same sender. */
  passes(priority: number, lot: number): boolean {
    return priority <= AUDIO || this.#level.admits(priority, lot, 0);
  }
}
