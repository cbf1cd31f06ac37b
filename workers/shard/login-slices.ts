/**
 * Work of logins, in slices of at most SLICE_MS in a turn of the event loop: however many log in at once, the packets of
 * calls wait no longer than one slice for their turn. FIFO; what is in it is bounded by the sessions that are logging in.
 */

/** A call's packet comes every 20 ms; this much later nobody hears. */
const SLICE_MS = 0.5;

export class LoginSlices<T> {
  readonly #work: (item: T) => void;
  #items: T[] = [];
  #next = 0;
  #due = false;

  /** @param work what it throws costs that item, not those after it. */
  constructor(work: (item: T) => void) {
    this.#work = work;
  }

  add(item: T): void {
    this.#items.push(item);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#due) return;
    this.#due = true;
    setImmediate(this.#slice);
  }

  readonly #slice = (): void => {
    this.#due = false;
    const until = performance.now() + SLICE_MS;
    try {
      while (this.#next < this.#items.length) {
        this.#work(this.#items[this.#next++]!);
        if (performance.now() >= until) break;
      }
    } finally {
      if (this.#next < this.#items.length) {
        this.#schedule();
      } else {
        this.#items = [];
        this.#next = 0;
      }
    }
  };
}
