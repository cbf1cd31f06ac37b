/**
 * A terminal that shows one screen at a time, as `top` and `less` do: the alternate screen, so that what was there before
 * comes back. However it ends, the terminal is left as it was found.
 */
import type { ReadStream, WriteStream } from 'node:tty';
import type { Line, Style } from './screen.ts';

/** What is used of the two streams, so that a test can stand in for a terminal. */
export type Screen = Pick<WriteStream, 'write' | 'on' | 'off'> & { columns?: number; rows?: number };
export type Keys = Pick<ReadStream, 'on' | 'off' | 'resume' | 'pause' | 'unref'> & {
  isTTY?: boolean;
  setRawMode?: (raw: boolean) => unknown;
};

const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const TO_END_OF_LINE = '\x1b[K';
const TO_END_OF_SCREEN = '\x1b[J';
const CTRL_C = '\x03';
const CTRL_D = '\x04';

export class Terminal {
  readonly #screen: Screen;
  readonly #keys: Keys;
  readonly #style: (text: string, style: Style) => string;
  readonly #quit: () => void;
  #lines: Line[] = [];
  #open = false;

  /** @param quit q, Ctrl-C or Ctrl-D was pressed. */
  constructor(screen: Screen, keys: Keys, style: (text: string, style: Style) => string, quit: () => void) {
    this.#screen = screen;
    this.#keys = keys;
    this.#style = style;
    this.#quit = quit;
  }

  open(): void {
    this.#open = true;
    this.#screen.write(ENTER);
    this.#screen.on('resize', this.#draw);
    if (this.#keys.isTTY !== true) return;
    // Keys come one by one, and Ctrl-C as a key: nothing ends the process before the terminal is as it was.
    this.#keys.setRawMode?.(true);
    this.#keys.on('data', this.#pressed);
    this.#keys.resume();
  }

  show(lines: Line[]): void {
    this.#lines = lines;
    this.#draw();
  }

  /** Safe to call twice, and from an `exit` handler. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#screen.off('resize', this.#draw);
    if (this.#keys.isTTY === true) {
      this.#keys.off('data', this.#pressed);
      this.#keys.setRawMode?.(false);
      this.#keys.pause();
    }
    this.#screen.write(LEAVE);
  }

  readonly #draw = (): void => {
    if (!this.#open) return;
    // A terminal that was given no size (script, some containers) says 0.
    const columns = this.#screen.columns || 80;
    const rows = this.#screen.rows || 24;
    const shown = this.#lines.slice(0, rows).map(({ text, style }) => {
      const cut = [...text].slice(0, columns).join('');
      return `${this.#style(cut, style)}${TO_END_OF_LINE}`;
    });
    // One write for all of it, from the top without clearing first: it does not flicker.
    this.#screen.write(`${HOME}${shown.join('\r\n')}${TO_END_OF_SCREEN}`);
  };

  readonly #pressed = (bytes: Buffer): void => {
    const keys = bytes.toString('utf8');
    if (['q', 'Q', CTRL_C, CTRL_D].some((key) => keys.includes(key))) this.#quit();
  };
}
