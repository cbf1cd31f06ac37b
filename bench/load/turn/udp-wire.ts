/** A connected UDP socket of the load: it sends to one address, and the kernel lets in nothing from any other. */
import { createSocket, type Socket } from 'node:dgram';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Address } from './stun.ts';

/** Asked of the kernel, which grants what `net.core.rmem_max` allows: a burst must not be lost on the load's side. */
const BUFFER_BYTES = 1024 * 1024;

export interface UdpReader {
  /** One datagram; the bytes are the reader's. */
  datagram(bytes: Buffer): void;
  drained(): void;
  /** Not called after `destroy`. */
  ended(error: Error): void;
}

export class UdpWire {
  readonly #socket: Socket;
  readonly #reader: UdpReader;
  #ended = false;
  #waiting = false;

  private constructor(socket: Socket, reader: UdpReader) {
    this.#socket = socket;
    this.#reader = reader;
    socket.on('message', (bytes) => {
      if (!this.#ended) reader.datagram(bytes);
    });
    socket.on('error', (error) => {
      if (this.#ended) return;
      this.destroy();
      reader.ended(error);
    });
  }

  /** @throws Error when there is no such address. */
  static async connect({ host, port }: Address, reader: UdpReader): Promise<UdpWire> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: BUFFER_BYTES, sendBufferSize: BUFFER_BYTES });
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.connect(port, host, () => {
        socket.off('error', reject);
        resolve();
      });
    });
    return new UdpWire(socket, reader);
  }

  /** Where its datagrams come from. */
  get local(): Address {
    const { address, port } = this.#socket.address();
    return { host: address, port };
  }

  get heldBytes(): number {
    return this.#ended ? 0 : this.#socket.getSendQueueSize();
  }

  /** Sends bytes[from, to) as one datagram. */
  write(bytes: Uint8Array, from: number, to: number, stable: boolean): void {
    if (this.#ended) return;
    const part = bytes.subarray(from, to);
    this.#socket.send(stable ? part : new Uint8Array(part));
    if (!this.#waiting && this.#socket.getSendQueueSize() > 0) void this.#untilDrained();
  }

  destroy(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#socket.close();
  }

  /** Rare: the kernel takes datagrams as long as there is memory. */
  async #untilDrained(): Promise<void> {
    this.#waiting = true;
    while (this.heldBytes > 0) await nextTurn();
    this.#waiting = false;
    if (!this.#ended) this.#reader.drained();
  }
}
