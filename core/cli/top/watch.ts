/** Asks a relay for its numbers again and again, and shows what changed: live, as lines of JSON, or once. */
import pc from 'picocolors';
import { askStatus } from '../ask-status.ts';
import { CommandError, EXIT_OK, sentenceOf } from '../exit-codes.ts';
import { findAdmin } from '../find-admin.ts';
import { printText } from '../print.ts';
import { type Rates, type Reading, ratesBetween } from './rates.ts';
import { History, type Line, type Style, screenOf } from './screen.ts';
import { type Keys, type Screen, Terminal } from './terminal.ts';

export interface WatchSettings {
  url: string | undefined;
  intervalMs: number;
  once: boolean;
  json: boolean;
}

/** @returns the exit code. @throws CommandError when the relay cannot be asked, unless it is shown live. */
export async function watchRelay(settings: WatchSettings): Promise<number> {
  const stop = new Stop();
  // Found once at the start: a mistake in what was asked for is told at once, and not on a screen.
  let before = await read(settings.url);
  const live = !settings.json && !settings.once && process.stdout.isTTY === true;
  if (live) return showLive(settings, before, stop, process.stdout, process.stdin);
  do {
    await stop.sleep(settings.intervalMs);
    if (stop.stopped) return EXIT_OK;
    const after = await read(settings.url);
    const rates = ratesBetween(before, after);
    await printText(settings.json ? `${JSON.stringify(rates)}\n` : plainScreen(rates));
    before = after;
  } while (settings.json && !settings.once && !process.stdout.destroyed && !stop.stopped);
  return EXIT_OK;
}

async function showLive(
  { url, intervalMs }: WatchSettings,
  first: Reading,
  stop: Stop,
  screen: Screen,
  keys: Keys,
): Promise<number> {
  const history = new History();
  const terminal = new Terminal(screen, keys, styled, () => stop.stop());
  const leave = (): void => terminal.close();
  process.once('exit', leave);
  terminal.open();
  let lines: Line[] = [{ text: `${first.numbers.url}  reading...`, style: 'title' }];
  let before = first;
  try {
    terminal.show(lines);
    for (;;) {
      await stop.sleep(intervalMs);
      if (stop.stopped) return EXIT_OK;
      try {
        const after = await read(url);
        const rates = ratesBetween(before, after);
        history.add(rates);
        before = after;
        lines = [...screenOf(rates, history), { text: '', style: 'plain' }, QUIT];
        terminal.show(lines);
      } catch (error) {
        // A relay that is being started anew, say: it is looked for until somebody quits.
        if (!(error instanceof CommandError)) throw error;
        terminal.show([{ text: sentenceOf(error), style: 'alarm' }, ...lines.slice(1)]);
      }
    }
  } finally {
    terminal.close();
    process.off('exit', leave);
  }
}

const QUIT: Line = { text: 'q quits', style: 'faint' };

async function read(url: string | undefined): Promise<Reading> {
  const address = await findAdmin(url);
  const { numbers } = await askStatus(address);
  return { atMs: performance.now(), numbers };
}

function plainScreen(rates: Rates): string {
  const history = new History();
  history.add(rates);
  return `${screenOf(rates, history)
    .map(({ text, style }) => styled(text.trimEnd(), style))
    .join('\n')}\n`;
}

/** picocolors is without colours when stdout is no terminal, and with NO_COLOR. */
function styled(text: string, style: Style): string {
  switch (style) {
    case 'title':
      return pc.bold(text);
    case 'head':
      return pc.cyan(text);
    case 'alarm':
      return pc.red(text);
    case 'faint':
      return pc.dim(text);
    default:
      return text;
  }
}

/** The end: a key, or a signal. */
class Stop {
  stopped = false;
  #wake: (() => void) | null = null;

  constructor() {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => this.stop());
  }

  stop(): void {
    this.stopped = true;
    this.#wake?.();
  }

  /** At most so long. */
  async sleep(ms: number): Promise<void> {
    if (this.stopped) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, ms);
    });
    clearTimeout(timer);
    this.#wake = null;
  }
}
