/**
 * How much credit each reliable channel of a session may have outstanding: a large window for the first few, a small
 * one for the rest, and all of them together within what the relay allows a session.
 */
import { LARGE_WINDOW_BYTES, LARGE_WINDOWS, SMALL_WINDOW_BYTES } from '../protocol/limits.ts';

export class Windows {
  readonly #channelBytes: number;
  readonly #sessionBytes: number;
  #grantedBytes = 0;
  #large = 0;

  constructor(limits: { channelCreditBytes: number; sessionCreditBytes: number }) {
    this.#channelBytes = limits.channelCreditBytes;
    this.#sessionBytes = limits.sessionCreditBytes;
  }

  /**
   * A window for one more channel, in bytes; 0 when the session has none left that a frame of the largest size would
   * fit into. Give it back with `release`.
   */
  take(): number {
    const small = Math.min(SMALL_WINDOW_BYTES, this.#channelBytes);
    const large = Math.min(LARGE_WINDOW_BYTES, this.#channelBytes);
    const left = this.#sessionBytes - this.#grantedBytes;
    const bytes = this.#large < LARGE_WINDOWS && large <= left ? large : small <= left ? small : 0;
    if (bytes > SMALL_WINDOW_BYTES) this.#large++;
    this.#grantedBytes += bytes;
    return bytes;
  }

  release(bytes: number): void {
    if (bytes > SMALL_WINDOW_BYTES) this.#large--;
    this.#grantedBytes -= bytes;
  }
}
