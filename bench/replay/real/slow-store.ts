/** The process that makes the stores of all relays slow, and how long peers waited for them before and during the trigger. */
import { ReplayChild } from './child.ts';
import type { FromStore, ToStore } from './messages.ts';

/** An answer of the store is late when it took so many times the median of the baseline, and at least this long. */
const LATE_FACTOR = 5;
const LATE_LEAST_MS = 30;
/** The store is held up for as long as makes its median wait 10 times the usual, and at least this long. */
const HOLD_FACTOR = 20;
const HOLD_LEAST_MS = 120;

export class SlowStore {
  readonly #fail: (message: string) => void;
  readonly #usual: number[] = [];
  readonly #slow: number[] = [];
  #child: ReplayChild<ToStore, FromStore> | null = null;
  #isClosing = false;
  /** It has opened all of them. */
  isOpen = false;

  constructor(fail: (message: string) => void) {
    this.#fail = fail;
  }

  start(directories: readonly string[]): void {
    this.#child = new ReplayChild<ToStore, FromStore>('slow-store-process', directories, {
      heard: (message) => {
        if (message.kind === 'opened') this.isOpen = true;
        else this.#fail(`The process that slows the store: ${message.message}`);
      },
      ended: (how) => {
        if (!this.#isClosing) this.#fail(`The process that slows the store ${how}.`);
      },
    });
  }

  /** Somebody has waited so long. */
  waited(ms: number, when: 'baseline' | 'trigger'): void {
    (when === 'baseline' ? this.#usual : this.#slow).push(ms);
  }

  get usualMs(): number {
    return medianOf(this.#usual);
  }

  get slowMs(): number {
    return medianOf(this.#slow);
  }

  /** An answer that takes longer is late. */
  get lateMs(): number {
    return Math.max(LATE_LEAST_MS, this.usualMs * LATE_FACTOR);
  }

  slow(): void {
    this.#child?.tell({
      kind: 'slow',
      holdMs: Math.round(Math.max(HOLD_LEAST_MS, this.usualMs * HOLD_FACTOR)),
    });
  }

  quick(): void {
    this.#child?.tell({ kind: 'quick' });
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#child?.kill();
  }
}

function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}
