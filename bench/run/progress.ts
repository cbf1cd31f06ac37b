/** The line on a terminal that says what is being measured and how long it will take: four times a second, in place. */
import { clearProgress, showProgress } from '../terminal.ts';

const REDRAW_MS = 250;

export class Progress {
  #text = '';
  #doneMs = 0;
  #allMs = 0;
  readonly #startedAtMs = performance.now();
  readonly #timer: NodeJS.Timeout | null;

  constructor() {
    this.#timer = process.stderr.isTTY ? setInterval(() => this.#draw(), REDRAW_MS).unref() : null;
  }

  /** @param doneMs @param allMs by the estimate. */
  show(text: string, doneMs: number, allMs: number): void {
    this.#text = text;
    this.#doneMs = doneMs;
    this.#allMs = allMs;
    this.#draw();
  }

  end(): void {
    if (this.#timer) clearInterval(this.#timer);
    clearProgress();
  }

  #draw(): void {
    const elapsedMs = performance.now() - this.#startedAtMs;
    // Once a part is done the estimate follows what it really took.
    const pace = this.#doneMs > 0 ? elapsedMs / this.#doneMs : 1;
    const leftMs = Math.max(0, (this.#allMs - this.#doneMs) * pace);
    showProgress(`${clock(elapsedMs)} / ${clock(elapsedMs + leftMs)}  ${this.#text}`);
  }
}

export function clock(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
