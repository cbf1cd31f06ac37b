/** `--progress`: how much has moved, and how fast, on a terminal. */
import cliProgress from 'cli-progress';
import type { Joined } from './join-streams.ts';

const REFRESH_MS = 200;
const MB = 1_000_000;

export class PipeProgress {
  readonly #joined: Joined;
  readonly #bar: cliProgress.SingleBar;
  readonly #timer: NodeJS.Timeout;
  readonly #startedMs = performance.now();

  constructor(joined: Joined) {
    this.#joined = joined;
    const { totalBytes } = joined.source;
    // A bar needs an end: a file that is sent has one, what comes from elsewhere does not say.
    const bar = totalBytes ? '{bar} {percentage}%  ' : '';
    this.#bar = new cliProgress.SingleBar(
      {
        format: `${bar}{sent} MB sent  {received} MB received  {rate} MB/s`,
        stream: process.stderr,
        hideCursor: true,
        barsize: 24,
        linewrap: false,
      },
      cliProgress.Presets.legacy,
    );
    this.#bar.start(totalBytes || 1, 0, this.#figures());
    this.#timer = setInterval(() => this.#show(), REFRESH_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#show();
    this.#bar.stop();
  }

  #show(): void {
    const sentBytes = this.#sentBytes();
    this.#bar.update(this.#joined.source.totalBytes ? sentBytes : 0, this.#figures());
  }

  #figures(): Record<string, string> {
    const { receivedBytes } = this.#joined.counts;
    const sentBytes = this.#sentBytes();
    const seconds = Math.max(0.001, (performance.now() - this.#startedMs) / 1000);
    return {
      sent: (sentBytes / MB).toFixed(1),
      received: (receivedBytes / MB).toFixed(1),
      rate: ((sentBytes + receivedBytes) / MB / seconds).toFixed(1),
    };
  }

  #sentBytes(): number {
    const { channel, counts } = this.#joined;
    return Math.max(0, counts.sentBytes - channel.bufferedAmount);
  }
}
