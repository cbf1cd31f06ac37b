/**
 * The share of each of those who have a budget together: max-min fair. Who uses less than the share has what it uses; what is
 * left is divided evenly between those who want more. So one that wants fifty times as much gets as much as the next.
 *
 * Everyone is measured by who meters it, and only sums come here: what those used who wanted no more, and how many did want
 * more. So several threads may each have a FairShare of one budget and feed it with the sums of all of them: they come to the
 * same share, and none waits for another. Found step by step, from below (water-filling): in about five updates.
 *
 * Beside the share it keeps account of the whole: what was used beyond the budget is paid back over the next second, so
 * that in the long run the budget holds, whatever came before the shares were known.
 */

/** What was not used may be used later, as time at the rate. */
const BURST_S = 0.25;
/** What was used beyond is paid back in this time, and never with more than MOST_PAID_BACK of the rate. */
const PAY_BACK_S = 1;
const MOST_PAID_BACK = 0.5;
/** Most that can be owed. */
const MOST_OWED_S = 4;

export class FairShare {
  readonly perSec: number;
  /** What each may use a second. */
  share: number;
  #level: number;
  #at: number;

  /** @param perSec of all together; Infinity: no limit. */
  constructor(perSec: number, now: number) {
    this.perSec = perSec;
    this.share = perSec;
    this.#level = perSec * BURST_S;
    this.#at = now;
  }

  /**
   * @param used by all since the last update.
   * @param modestPerSec used by those who wanted no more.
   * @param wanting how many wanted more.
   * @param active how many used anything.
   */
  update(now: number, used: number, modestPerSec: number, wanting: number, active: number): void {
    if (this.perSec === Number.POSITIVE_INFINITY) return;
    const seconds = Math.min(1, Math.max(0, now - this.#at) / 1_000);
    this.#at = now;
    this.#level = Math.min(
      this.perSec * BURST_S,
      Math.max(-this.perSec * MOST_OWED_S, this.#level + this.perSec * seconds - used),
    );
    const available = Math.max(this.perSec * (1 - MOST_PAID_BACK), this.perSec + this.#level / PAY_BACK_S);
    const even = available / Math.max(1, active);
    if (wanting === 0) {
      // All have what they want. If that is too much, begin from below; else leave room for who comes.
      const isOver = this.#level < 0 && modestPerSec > available;
      this.share = isOver ? even : Math.min(this.perSec, this.share * 2);
    } else {
      this.share = Math.min(this.perSec, Math.max(even, (available - modestPerSec) / wanting));
    }
  }
}
