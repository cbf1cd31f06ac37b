/**
 * The end of a call that is no TURN client: it sends plain UDP to the other end's relayed address, from a socket of
 * its own for each lane. Towards the load engine it speaks ChannelData as the client does, where the number stands
 * for the socket; the header is put on and taken off here, and never travels.
 */
import type { Receiver } from '../dialect.ts';
import {
  CHANNEL_HEADER_BYTES,
  channelDataBytes,
  channelOf,
  FIRST_CHANNEL,
  LAST_CHANNEL,
  MAX_CHANNEL_PAYLOAD_BYTES,
  payloadBytesOf,
  writeChannelData,
} from './channel-data.ts';
import type { Address } from './stun.ts';
import { UdpWire } from './udp-wire.ts';

/** Shared by all: what it holds is taken before the next datagram comes. */
const arriving = Buffer.allocUnsafeSlow(channelDataBytes(MAX_CHANNEL_PAYLOAD_BYTES, true));

export class PlainEnd {
  readonly #receiver: Receiver;
  readonly #padded: boolean;
  readonly #wires: UdpWire[] = [];
  #next = FIRST_CHANNEL;
  #destroyed = false;

  constructor(receiver: Receiver, padded: boolean) {
    this.#receiver = receiver;
    this.#padded = padded;
  }

  get heldBytes(): number {
    let held = 0;
    for (const wire of this.#wires) held += wire.heldBytes;
    return held;
  }

  /** A socket that talks to this address. @returns its number, and the address that it sends from. */
  async add(address: Address): Promise<{ key: number; local: Address }> {
    const key = this.#next++;
    if (key > LAST_CHANNEL) throw new Error(`A peer has at most ${key - FIRST_CHANNEL} UDP sockets.`);
    const wire = await UdpWire.connect(address, {
      datagram: (bytes) => this.#datagram(key, bytes),
      drained: () => {
        if (this.heldBytes === 0) this.#receiver.drained();
      },
      ended: (error) => this.#receiver.broken(error),
    });
    this.#wires[key - FIRST_CHANNEL] = wire;
    if (this.#destroyed) wire.destroy();
    return { key, local: wire.local };
  }

  write(bytes: Uint8Array, from: number, to: number, stable: boolean): void {
    let at = from;
    while (at < to) {
      const payloadBytes = payloadBytesOf(bytes, at);
      const payloadFrom = at + CHANNEL_HEADER_BYTES;
      const wire = this.#wires[channelOf(bytes, at) - FIRST_CHANNEL]!;
      wire.write(bytes, payloadFrom, payloadFrom + payloadBytes, stable);
      at += channelDataBytes(payloadBytes, this.#padded);
    }
  }

  destroy(): void {
    this.#destroyed = true;
    for (const wire of this.#wires) wire?.destroy();
  }

  #datagram(key: number, bytes: Buffer): void {
    if (bytes.length > MAX_CHANNEL_PAYLOAD_BYTES) {
      this.#receiver.broken(new Error(`A datagram of ${bytes.length} bytes arrived.`));
      return;
    }
    this.#receiver.bytes(arriving, 0, writeChannelData(arriving, 0, key, bytes, this.#padded));
    this.#receiver.readEnded();
  }
}
