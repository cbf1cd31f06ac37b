/** Who waits for which answer on a connection, and answers that came before anybody waited. */

/** More than any peer is ever owed; what comes unasked beyond it is a fault. */
const EARLY_LIMIT = 4_096;
const ANSWER_DEADLINE_MS = 30_000;

interface Waiting<T> {
  resolve(answer: T): void;
  reject(error: Error): void;
}

export class Answers<T> {
  readonly #waiting = new Map<string | number, Waiting<T>[]>();
  readonly #early = new Map<string | number, T[]>();
  #earlyCount = 0;
  #error: Error | null = null;

  /** @throws Error when more came than anybody waits for. */
  give(key: string | number, answer: T): void {
    const waiting = this.#waiting.get(key)?.shift();
    if (waiting) {
      waiting.resolve(answer);
      return;
    }
    if (++this.#earlyCount > EARLY_LIMIT)
      throw new Error(`${EARLY_LIMIT} answers came that nobody asked for.`);
    const early = this.#early.get(key);
    if (early) early.push(answer);
    else this.#early.set(key, [answer]);
  }

  /** The next answer with this key. @throws Error when the connection ends, or the answer does not come in time. */
  next(key: string | number): Promise<T> {
    if (this.#error) return Promise.reject(this.#error);
    const early = this.#early.get(key)?.shift();
    if (early !== undefined) {
      this.#earlyCount--;
      return Promise.resolve(early);
    }
    return new Promise((resolve, reject) => {
      const late = () => reject(new Error(`No answer ("${key}") came in ${ANSWER_DEADLINE_MS} ms.`));
      const timer = setTimeout(late, ANSWER_DEADLINE_MS);
      const waiting: Waiting<T> = {
        resolve: (answer) => {
          clearTimeout(timer);
          resolve(answer);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
      const others = this.#waiting.get(key);
      if (others) others.push(waiting);
      else this.#waiting.set(key, [waiting]);
    });
  }

  /** No answer comes any more. */
  fail(error: Error): void {
    this.#error ??= error;
    for (const waiting of this.#waiting.values()) for (const one of waiting) one.reject(error);
    this.#waiting.clear();
  }
}
