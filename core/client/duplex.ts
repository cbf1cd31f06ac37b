/** A channel as a Node stream: credit, bufferedAmount and the stream's own back-pressure joined. */
import { Duplex } from 'node:stream';
import { SupernodeError } from '../protocol/errors.ts';
import { MAX_PAYLOAD_BYTES } from '../protocol/limits.ts';
import { type ChannelCore, channelError } from './channel-core.ts';

const KiB = 1024;
/** What the stream holds in each direction before it asks its user to wait; four frames of the largest size. */
const HIGH_WATER_BYTES = 256 * KiB;

export function duplexOf(core: ChannelCore): Duplex {
  return new ChannelDuplex(core);
}

interface Writing {
  bytes: Uint8Array;
  /** Bytes of it that the channel has. */
  at: number;
  done(error?: Error | null): void;
}

class ChannelDuplex extends Duplex {
  readonly #core: ChannelCore;
  /** The stream asked for more and has not got it. */
  #wanted = false;
  /** The chunk that is being sent, or waits until less is buffered. */
  #writing: Writing | undefined;

  constructor(core: ChannelCore) {
    super({ readableHighWaterMark: HIGH_WATER_BYTES, writableHighWaterMark: HIGH_WATER_BYTES });
    this.#core = core;
    core.startPull({ ready: () => this.#pull() });
    core.onSendProgress = () => this.#writeOn();
    // The other end learns that its stream was read to its end only when it was: not when END reached this buffer.
    this.once('end', () => core.readEnd());
    if (core.state !== 'open') queueMicrotask(() => this.#pull());
  }

  override _read(): void {
    this.#wanted = true;
    this.#pull();
  }

  override _write(
    chunk: Buffer | string,
    encoding: BufferEncoding,
    done: (error?: Error | null) => void,
  ): void {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk;
    this.#writing = { bytes, at: 0, done };
    this.#writeOn();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#core.end().then(() => done(), done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const complete = error === null && this.#core.endRead && this.#core.sending.finished;
    if (complete) this.#core.close();
    else this.#core.abort();
    // Node gives the error to the writes that wait behind this one, but not to the one that is under way.
    const writing = this.#writing;
    this.#writing = undefined;
    writing?.done(
      error ?? new SupernodeError('not-open', 'The stream was destroyed while it was written to.'),
    );
    done(error);
  }

  /** Sends what is left of the chunk as far as there is room; then, when little enough waits, asks for the next. */
  #writeOn(): void {
    const writing = this.#writing;
    if (writing === undefined) return;
    const { bytes, done } = writing;
    try {
      while (writing.at < bytes.length && this.#core.sending.bufferedBytes < HIGH_WATER_BYTES) {
        const next = Math.min(bytes.length, writing.at + MAX_PAYLOAD_BYTES);
        const piece = bytes.subarray(writing.at, next);
        // Before the send, which may come back here when it makes progress.
        writing.at = next;
        // A stream's chunk is not changed after it was written, so it need not be copied if it has to wait.
        this.#core.send(piece, true);
      }
    } catch (error) {
      this.#writing = undefined;
      const { reason } = this.#core;
      done(reason === undefined ? (error as Error) : channelError(reason, 'while it was written'));
      return;
    }
    if (writing.at < bytes.length || this.#core.sending.bufferedBytes >= HIGH_WATER_BYTES) return;
    if (this.#writing !== writing) return;
    this.#writing = undefined;
    done();
  }

  #pull(): void {
    while (this.#wanted) {
      const frame = this.#core.receiving.take();
      if (frame === undefined) break;
      if (frame.payload === null) {
        this.#wanted = false;
        this.push(null);
        return;
      }
      const { buffer, byteOffset, length } = frame.payload;
      // An empty chunk would do nothing to the stream's state, and _read would not be called again.
      if (length > 0) this.#wanted = this.push(Buffer.from(buffer, byteOffset, length));
      this.#core.consumed(frame.frameBytes, false);
    }
    this.#noticeClose();
  }

  #noticeClose(): void {
    const { reason, receiving, sending, endRead, closedHere } = this.#core;
    if (reason === undefined || receiving.length > 0 || this.destroyed) return;
    // An END that waits in the stream's own buffer is as good as read: only this side's writing can have failed.
    const readAll = endRead || receiving.ended;
    if (readAll && sending.finished) return;
    this.destroy(closedHere ? undefined : channelError(reason, 'before the stream did'));
  }
}
