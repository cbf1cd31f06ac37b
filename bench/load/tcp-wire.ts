/**
 * The cheapest TCP socket that Node has, for load: every socket of the process reads into one shared buffer (node:net
 * `onread`), and writes go straight to the kernel where it takes them at once. PACKET PATH.
 */
import { writeSync } from 'node:fs';
import { connect, type Socket } from 'node:net';

/** Shared by all sockets: a read is consumed before the next one starts. */
const readBuffer = Buffer.allocUnsafeSlow(512 * 1024);

export interface WireReader {
  /** bytes[0, length) came; they change after the call. */
  read(bytes: Buffer, length: number): void;
  /** What waited in this process has been taken by the kernel. */
  drained(): void;
  /** The connection ended; not called after `destroy`. */
  ended(error: Error): void;
}

/** Node keeps the descriptor on the handle; there is none on Windows, where every write goes through the stream. */
function descriptorOf(socket: Socket): number {
  const { _handle: handle } = socket as unknown as { _handle?: { fd?: number } };
  return handle?.fd ?? -1;
}

/**
 * write(2) on a socket's descriptor, without the request object that `socket.write` makes. With one packet a write it
 * saves about a tenth of the load's CPU time (1,000 peers, one packet under way each).
 * @returns how many bytes the kernel took, 0 when it takes none now.
 * @throws Error when the socket is broken.
 */
export function writeNow(descriptor: number, bytes: Uint8Array, from: number, to: number): number {
  try {
    return writeSync(descriptor, bytes, from, to - from);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
    throw error;
  }
}

export class TcpWire {
  readonly #socket: Socket;
  readonly #reader: WireReader;
  /** -1 where every write goes through the stream. */
  #descriptor = -1;
  /** The stream has bytes that the kernel has not taken. A flag, as the stream's objects are cold among many sockets. */
  #holds = false;
  #ended = false;
  // Not the event 'drain': it comes only after the stream's high-water mark was passed.
  readonly #written = (): void => {
    if (this.#ended || this.#socket.writableLength > 0) return;
    this.#holds = false;
    this.#reader.drained();
  };

  private constructor(host: string, port: number, reader: WireReader) {
    this.#reader = reader;
    this.#socket = connect({
      host,
      port,
      noDelay: true,
      onread: {
        buffer: readBuffer,
        callback: (length) => {
          if (!this.#ended) reader.read(readBuffer, length);
          return true;
        },
      },
    });
    // From now on the stream closes the descriptor when it likes, and the next connection may be given its number.
    this.#socket.on('end', () => {
      this.#descriptor = -1;
    });
    this.#socket.on('error', (error) => this.#end(error));
    this.#socket.on('close', () => this.#end(new Error(`${host}:${port} closed the connection.`)));
  }

  /** @param address `host:port`. @throws Error when nobody answers there. */
  static connect(address: string, reader: WireReader): Promise<TcpWire> {
    const { hostname, port } = new URL(`tcp://${address}`);
    return new Promise((resolve, reject) => {
      let open = false;
      const wire = new TcpWire(hostname, Number(port), {
        read: (bytes, length) => reader.read(bytes, length),
        drained: () => reader.drained(),
        ended: (error) => (open ? reader.ended(error) : reject(error)),
      });
      wire.#socket.once('connect', () => {
        open = true;
        wire.#descriptor = descriptorOf(wire.#socket);
        resolve(wire);
      });
    });
  }

  /** Bytes that the kernel has not taken yet. */
  get heldBytes(): number {
    return this.#holds ? this.#socket.writableLength : 0;
  }

  /**
   * Writes bytes[from, to).
   * @param stable they never change, so that they may be kept until the kernel takes them.
   */
  write(bytes: Uint8Array, from: number, to: number, stable: boolean): void {
    if (this.#ended) return;
    let at = from;
    if (this.#descriptor >= 0 && !this.#holds) {
      at += this.#writeNow(bytes, from, to);
      if (at === to) return;
    }
    this.#holds = true;
    this.#socket.write(
      stable ? bytes.subarray(at, to) : Uint8Array.prototype.slice.call(bytes, at, to),
      this.#written,
    );
  }

  /** A fault is left to the stream, which reports it after what came before the end has been read. */
  #writeNow(bytes: Uint8Array, from: number, to: number): number {
    try {
      return writeNow(this.#descriptor, bytes, from, to);
    } catch {
      return 0;
    }
  }

  /** Ends the connection at once; `ended` is not called for it. */
  destroy(): void {
    this.#ended = true;
    this.#socket.destroy();
  }

  #end(error: Error): void {
    this.#descriptor = -1;
    if (this.#ended) return;
    this.destroy();
    this.#reader.ended(error);
  }
}
