/** Whom the trigger ends, and when: in the order of time, read from the front. */

export class Timeline {
  readonly #who: Int32Array;
  readonly #fromMs: number;
  readonly #withinMs: number;
  #at = 0;

  /** @param who in a random order: the k-th of n at from + within x (k + 1/2) / n. */
  constructor(who: Int32Array, fromMs: number, withinMs: number) {
    this.#who = who;
    this.#fromMs = fromMs;
    this.#withinMs = withinMs;
  }

  get length(): number {
    return this.#who.length;
  }

  /** The next one whose time has come; -1: nobody. */
  take(now: number): number {
    if (this.#at >= this.#who.length) return -1;
    const due = this.#fromMs + (this.#withinMs * (this.#at + 0.5)) / this.#who.length;
    return due <= now ? this.#who[this.#at++]! : -1;
  }
}

/** `n` of those below `count`, in a random order. */
export function drawn(n: number, count: number, random: () => number): Int32Array {
  const all = Int32Array.from({ length: count }, (_, k) => k);
  const most = Math.min(n, count);
  for (let k = 0; k < most; k++) {
    const other = k + Math.floor(random() * (count - k));
    const was = all[k]!;
    all[k] = all[other]!;
    all[other] = was;
  }
  return all.slice(0, most);
}
