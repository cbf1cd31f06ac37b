/**
 * Lets no task of the directory pool be cut off inside LMDB: a thread that is ended there takes the process with it.
 *
 *   word 0   1: closed, no task begins any more        (the main thread writes)
 *   word 1   tasks under way                           (the directory workers write; the main thread for a thread
 *            that starts: to be ended while it loads its modules is as bad)
 */
const CLOSED = 0;
const UNDER_WAY = 1;

export function createTaskGate(): SharedArrayBuffer {
  return new SharedArrayBuffer(8);
}

export class TaskGate {
  readonly #words: Int32Array;

  constructor(gate: SharedArrayBuffer) {
    this.#words = new Int32Array(gate);
  }

  /** @returns false when the gate is closed: the task must not begin. */
  enter(): boolean {
    Atomics.add(this.#words, UNDER_WAY, 1);
    if (Atomics.load(this.#words, CLOSED) === 0) return true;
    this.leave();
    return false;
  }

  leave(): void {
    Atomics.sub(this.#words, UNDER_WAY, 1);
    Atomics.notify(this.#words, UNDER_WAY);
  }

  close(): void {
    Atomics.store(this.#words, CLOSED, 1);
  }

  /** Blocks until no task is under way. @returns false when there still is one after so long. */
  waitUntilIdle(waitMs: number): boolean {
    const deadline = performance.now() + waitMs;
    for (;;) {
      const count = Atomics.load(this.#words, UNDER_WAY);
      const leftMs = deadline - performance.now();
      if (count <= 0) return true;
      if (leftMs <= 0) return false;
      Atomics.wait(this.#words, UNDER_WAY, count, leftMs);
    }
  }
}
