/** A peer of the TURN dialects. Its first call makes it a TURN client (it calls) or a plain UDP end (it is called). */
import {
  type Found,
  INCOMPLETE,
  NO_PACKET,
  type PacketReader,
  type Peer,
  type Receiver,
} from '../dialect.ts';
import {
  CHANNEL_HEADER_BYTES,
  channelDataBytes,
  channelOf,
  isChannelData,
  MAX_CHANNEL_PAYLOAD_BYTES,
  payloadBytesOf,
} from './channel-data.ts';
import { PlainEnd } from './plain-end.ts';
import { decodeStun, stunBytes } from './stun.ts';
import { TurnClient, type Wire } from './turn-client.ts';

/** What `turn-tcp` and `turn-udp` differ in. */
export interface Transport {
  /** A byte stream: messages follow each other, and ChannelData is padded. */
  readonly stream: boolean;
  /** Connects to the TURN server. */
  connect(address: string, reader: TransportReader): Promise<Wire>;
}

export interface TransportReader {
  /** One read, or one datagram; the bytes may change after the call. */
  bytes(bytes: Buffer, from: number, to: number): void;
  drained(): void;
  ended(error: Error): void;
}

export class TurnPeer implements Peer, PacketReader {
  readonly #transport: Transport;
  readonly #address: string;
  readonly #receiver: Receiver;
  #client: TurnClient | null = null;
  #allocated: Promise<TurnClient> | null = null;
  #plain: PlainEnd | null = null;
  #end: { readonly heldBytes: number; write: Wire['write'] } | null = null;
  #destroyed = false;

  constructor(transport: Transport, address: string, receive: (reader: PacketReader) => Receiver) {
    this.#transport = transport;
    this.#address = address;
    this.#receiver = receive(this);
  }

  /** @throws Error when it is called by others already, or the server refuses. */
  client(): Promise<TurnClient> {
    if (this.#plain) throw new Error('A peer of a TURN call is its client or is called by one, not both.');
    this.#allocated ??= this.#allocate();
    return this.#allocated;
  }

  /** @throws Error when it calls others already. */
  plain(): PlainEnd {
    if (this.#allocated)
      throw new Error('A peer of a TURN call is its client or is called by one, not both.');
    this.#plain ??= new PlainEnd(this.#receiver, this.#transport.stream);
    this.#end = this.#plain;
    return this.#plain;
  }

  get heldBytes(): number {
    return this.#end?.heldBytes ?? 0;
  }

  write(bytes: Uint8Array, from: number, to: number, stable: boolean): void {
    this.#end!.write(bytes, from, to, stable);
  }

  destroy(): void {
    this.#destroyed = true;
    this.#client?.destroy();
    this.#plain?.destroy();
  }

  read(bytes: Buffer, from: number, to: number, found: Found): number {
    return isChannelData(bytes[from]!)
      ? this.#readChannelData(bytes, from, to, found)
      : this.#readStun(bytes, from, to, found);
  }

  #readChannelData(bytes: Buffer, from: number, to: number, found: Found): number {
    if (to - from < CHANNEL_HEADER_BYTES) return this.#incomplete();
    const payloadBytes = payloadBytesOf(bytes, from);
    if (payloadBytes > MAX_CHANNEL_PAYLOAD_BYTES) {
      throw new Error(`A ChannelData message says that it has ${payloadBytes} bytes.`);
    }
    const end = from + channelDataBytes(payloadBytes, this.#transport.stream);
    if (end > to) return this.#incomplete();
    found.key = channelOf(bytes, from);
    found.payloadFrom = from + CHANNEL_HEADER_BYTES;
    found.payloadTo = found.payloadFrom + payloadBytes;
    // What coturn leaves in the padding is nobody's packet; the engine compares it with what `expect` gave: zeros.
    bytes.fill(0, found.payloadTo, end);
    // A datagram may be padded as well.
    return this.#transport.stream ? end : to;
  }

  #readStun(bytes: Buffer, from: number, to: number, found: Found): number {
    const length = stunBytes(bytes, from, to);
    if (length === null || from + length > to) return this.#incomplete();
    this.#client?.arrived(decodeStun(bytes, from, from + length));
    found.key = NO_PACKET;
    return from + length;
  }

  #incomplete(): typeof INCOMPLETE {
    if (!this.#transport.stream) throw new Error('A datagram ends in the middle of its message.');
    return INCOMPLETE;
  }

  async #allocate(): Promise<TurnClient> {
    let client: TurnClient | null = null;
    const wire = await this.#transport.connect(this.#address, {
      bytes: (bytes, from, to) => {
        this.#receiver.bytes(bytes, from, to);
        this.#receiver.readEnded();
      },
      drained: () => this.#receiver.drained(),
      ended: (error) => client?.failed(error),
    });
    client = new TurnClient(wire, this.#receiver, !this.#transport.stream);
    this.#client = client;
    this.#end = wire;
    if (this.#destroyed) client.destroy();
    await client.allocate();
    return client;
  }
}
