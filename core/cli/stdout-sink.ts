/**
 * stdout as a place for bytes that says when it has taken them: only then do they count as delivered.
 */
import { closeSync, fstatSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { isatty, WriteStream } from 'node:tty';
import { CommandError, EXIT_FAILURE } from './exit-codes.ts';

export interface ByteSink {
  /** Resolves, or has returned undefined, when the operating system has all of it. @throws CommandError `io`. */
  write(bytes: Uint8Array): Promise<void> | undefined;
  /** Closes it, so that whoever reads it sees the end. */
  end(): Promise<void>;
}

const STDOUT = 1;

export function stdoutSink(): ByteSink {
  if (isatty(STDOUT)) return new StreamSink(new WriteStream(STDOUT), false);
  const found = fstatSync(STDOUT);
  if (!found.isFIFO() && !found.isSocket()) return new FileSink();
  // process.stdout would write to a pipe without waiting for its reader only by blocking the event loop.
  return new StreamSink(new Socket({ fd: STDOUT, readable: false, writable: true }), found.isSocket());
}

/** A file takes bytes at once, into the page cache: a thread of its own for each write would only cost. */
class FileSink implements ByteSink {
  write(bytes: Uint8Array): undefined {
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(STDOUT, bytes, at);
    } catch (error) {
      throw unwritable(error as Error);
    }
  }

  async end(): Promise<void> {
    try {
      // Some file systems tell only now that there was no room.
      closeSync(STDOUT);
    } catch (error) {
      throw unwritable(error as Error);
    }
  }
}

class StreamSink implements ByteSink {
  readonly #stream: Socket | WriteStream;
  readonly #isSocket: boolean;

  constructor(stream: Socket | WriteStream, isSocket: boolean) {
    this.#stream = stream;
    this.#isSocket = isSocket;
    // What fails is told to the write that failed.
    stream.on('error', () => {});
  }

  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#stream.write(bytes, (error) => (error ? reject(unwritable(error)) : resolve()));
    });
  }

  async end(): Promise<void> {
    // A socket may be stdin as well, on another descriptor: closing this one alone would end nothing.
    if (this.#isSocket) await new Promise<void>((resolve) => this.#stream.end(() => resolve()));
    if (!(this.#stream instanceof WriteStream)) this.#stream.destroy();
  }
}

function unwritable(cause: NodeJS.ErrnoException): CommandError {
  const message =
    cause.code === 'EPIPE' || cause.code === 'ERR_STREAM_DESTROYED'
      ? 'stdout was closed before everything was written to it (EPIPE).'
      : `Cannot write to stdout: ${cause.message}.`;
  return new CommandError(EXIT_FAILURE, 'io', message, { cause });
}
