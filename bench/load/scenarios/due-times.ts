/**
 * Due times of what is under way, first in, first out: a ring of doubles, doubled when it is full.
 *
 *   #times   . . | t(taken) ... t(added - 1) | . .     index = count mod length, a power of two
 */
export class DueTimes {
  #times = new Float64Array(8);
  #added = 0;
  #taken = 0;

  get size(): number {
    return this.#added - this.#taken;
  }

  add(dueAtMs: number): void {
    if (this.size === this.#times.length) this.#grow();
    this.#times[this.#added++ & (this.#times.length - 1)] = dueAtMs;
  }

  /** The oldest, which stays; NaN when there is none. */
  get first(): number {
    return this.size === 0 ? Number.NaN : this.#times[this.#taken & (this.#times.length - 1)]!;
  }

  /** Takes the oldest; NaN when there is none. */
  take(): number {
    if (this.size === 0) return Number.NaN;
    return this.#times[this.#taken++ & (this.#times.length - 1)]!;
  }

  each(visit: (dueAtMs: number) => void): void {
    for (let i = this.#taken; i < this.#added; i++) visit(this.#times[i & (this.#times.length - 1)]!);
  }

  #grow(): void {
    const kept = new Float64Array(this.#times.length * 2);
    let count = 0;
    this.each((dueAtMs) => {
      kept[count++] = dueAtMs;
    });
    this.#times = kept;
    this.#taken = 0;
    this.#added = count;
  }
}
