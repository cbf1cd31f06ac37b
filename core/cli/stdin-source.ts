/**
 * stdin as a source of bytes that is asked for, so that a pipe reads no faster than it sends. Files are read in large
 * pieces into buffers that are used again; pipes and terminals as they come, without blocking the event loop.
 */
import { fstatSync, read } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { isatty, ReadStream } from 'node:tty';
import { MAX_PAYLOAD_BYTES } from '../protocol/limits.ts';
import { CommandError, EXIT_FAILURE } from './exit-codes.ts';

export interface ByteSource {
  /** Bytes that it will give in all; undefined: not known before its end. */
  readonly totalBytes: number | undefined;
  /** The next bytes, valid until the read after the next; null at the end. @throws CommandError `io`. */
  read(): Promise<Uint8Array | null>;
  /** Ends it: a read that waits gives null. */
  cancel(): void;
}

const STDIN = 0;
/** Whole messages, so that none but the last is small. */
const FILE_READ_BYTES = 4 * MAX_PAYLOAD_BYTES;
const STREAM_HIGH_WATER_BYTES = 256 * 1024;

export const EMPTY_SOURCE: ByteSource = {
  totalBytes: 0,
  read: () => Promise.resolve(null),
  cancel: () => {},
};

export function stdinIsTerminal(): boolean {
  return isatty(STDIN);
}

/** A source that is at its end when it was opened for writing alone (EBADF). */
export function ifReadable(source: ByteSource): ByteSource {
  return {
    totalBytes: source.totalBytes,
    read: () =>
      source.read().catch((error: unknown) => {
        const cause = (error as CommandError).cause as NodeJS.ErrnoException | undefined;
        if (cause?.code === 'EBADF') return null;
        throw error;
      }),
    cancel: () => source.cancel(),
  };
}

/** stdin, whatever it is. */
export function stdinSource(): ByteSource {
  if (isatty(STDIN)) return new StreamSource(new ReadStream(STDIN));
  const found = fstatSync(STDIN);
  if (!found.isFIFO() && !found.isSocket()) return new FileSource(found.isFile() ? found.size : undefined);
  const options = { fd: STDIN, readable: true, writable: false, highWaterMark: STREAM_HIGH_WATER_BYTES };
  return new StreamSource(new Socket(options));
}

class FileSource implements ByteSource {
  readonly totalBytes: number | undefined;
  /** Two, so that the next piece can be read while one is sent. */
  readonly #buffers = [new Uint8Array(FILE_READ_BYTES), new Uint8Array(FILE_READ_BYTES)];
  #next = 0;
  #cancelled = false;

  constructor(totalBytes: number | undefined) {
    this.totalBytes = totalBytes;
  }

  read(): Promise<Uint8Array | null> {
    if (this.#cancelled) return Promise.resolve(null);
    const buffer = this.#buffers[this.#next]!;
    this.#next = 1 - this.#next;
    return new Promise((resolve, reject) => {
      // No position: the file may have been opened and read by others before, as in `(head -1; supernode pipe ...)`.
      read(STDIN, buffer, 0, buffer.length, null, (error, bytes) => {
        if (error) reject(unreadable(error));
        else resolve(bytes === 0 || this.#cancelled ? null : buffer.subarray(0, bytes));
      });
    });
  }

  cancel(): void {
    this.#cancelled = true;
  }
}

class StreamSource implements ByteSource {
  readonly totalBytes = undefined;
  readonly #stream: Readable;
  readonly #chunks: AsyncIterator<Buffer>;
  #cancelled = false;

  constructor(stream: Readable) {
    this.#stream = stream;
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  async read(): Promise<Uint8Array | null> {
    try {
      const { done, value } = await this.#chunks.next();
      return done ? null : value;
    } catch (error) {
      if (this.#cancelled) return null;
      throw unreadable(error as Error);
    }
  }

  cancel(): void {
    this.#cancelled = true;
    this.#stream.destroy();
  }
}

function unreadable(cause: NodeJS.ErrnoException): CommandError {
  const why = cause.code === 'EISDIR' ? 'it is a directory' : cause.message;
  return new CommandError(EXIT_FAILURE, 'io', `Cannot read stdin: ${why}.`, { cause });
}
