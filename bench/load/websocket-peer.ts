/** One peer over a WebSocket: what its socket brings goes to the engine's receiver. PACKET PATH. */
import type { Found, PacketReader, Peer, Receiver } from './dialect.ts';
import { RawSocket } from './raw-socket.ts';

export abstract class WebSocketPeer implements Peer, PacketReader {
  #socket!: RawSocket;
  #destroyed = false;

  /** Connects; `read` may be called before it resolves. */
  protected async connectTo(address: string, receive: (reader: PacketReader) => Receiver): Promise<void> {
    const receiver = receive(this);
    this.#socket = await RawSocket.connect(address, {
      part: (bytes, from, to, last) => {
        receiver.bytes(bytes, from, to);
        if (last) receiver.messageEnded();
      },
      readEnded: () => receiver.readEnded(),
      drained: () => receiver.drained(),
      closed: (error) => {
        this.ended(error);
        if (!this.#destroyed) receiver.broken(error);
      },
    });
  }

  abstract read(bytes: Buffer, from: number, to: number, found: Found): number;

  /** The connection ended: whoever waits for something from it is to be told. */
  protected abstract ended(error: Error): void;

  /** Sends one message. */
  protected send(message: Uint8Array): void {
    this.#socket.send(message);
  }

  write(bytes: Uint8Array, from: number, to: number, stable: boolean): void {
    this.#socket.writeRange(bytes, from, to, stable);
  }

  get heldBytes(): number {
    return this.#socket.heldBytes;
  }

  destroy(): void {
    this.#destroyed = true;
    this.#socket?.destroy();
  }
}
