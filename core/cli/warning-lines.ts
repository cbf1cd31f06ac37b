/** A relay's warnings as lines, bounded: whoever can cause warnings must not be able to fill a disk with them. */

/** Most lines per PERIOD_MS; what is beyond is counted. */
export const MOST_LINES = 10;
export const PERIOD_MS = 10_000;
export const MOST_CHARACTERS = 500;

export class WarningLines {
  readonly #print: (line: string) => void;
  #printed = 0;
  #leftOut = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  add(code: string, message: string): void {
    this.#timer ??= setTimeout(() => this.#nextPeriod(), PERIOD_MS).unref();
    if (this.#printed >= MOST_LINES) {
      this.#leftOut++;
      return;
    }
    this.#printed++;
    // Control characters could be a peer's: they must not reach the operator's terminal.
    const line = message.replace(/\p{Cc}+/gu, ' ').slice(0, MOST_CHARACTERS);
    this.#print(`warning (${code}): ${line}`);
  }

  #nextPeriod(): void {
    const leftOut = this.#leftOut;
    this.#timer = undefined;
    this.#printed = 0;
    this.#leftOut = 0;
    if (leftOut > 0) this.#print(`warning: ${leftOut} more in the last ${PERIOD_MS / 1000} s were left out.`);
  }
}
