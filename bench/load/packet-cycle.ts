/**
 * The packets of one direction of a flow, encoded once: `packets` numbered packets that are sent over and over. Both
 * ends know every byte to come, so sending is a write of a piece of the cycle and checking a compare with it.
 *
 *   payload    sequence number in the cycle, u32 BE | stamp of direction and phase, u32 BE | a pattern mixed of both
 *   bytes      packet 0 | packet 1 | ... | packet n-1        starts: 0, ..., offset after the last
 *
 * The cycle is longer than what can be under way in a closed loop (twice the window, when a peer has answered its
 * partner's packets before its own arrived), so there no loss or reordering can bring the stream back into step unseen.
 */

import type { MessageFraming } from './dialect.ts';
import type { Sizes } from './plan.ts';
import { randomNumbers } from './random.ts';
import { MAX_HEADER_BYTES } from './websocket-framing.ts';

const SEQUENCE_BYTES = 4;
const STAMPED_BYTES = 8;
/** The smallest payload that still tells its packet from every other of its cycle. */
export const MIN_PAYLOAD_BYTES = SEQUENCE_BYTES;

/** The payloads of a cycle. @param stamp differs between directions, so that a misdelivered packet shows. */
export function payloadsOf(sizes: Sizes, packets: number, stamp: number): Buffer[] {
  const random = randomNumbers(stamp);
  return Array.from({ length: packets }, (_, sequence) => {
    const bytes = 'bytes' in sizes ? sizes.bytes : sizes.oneOf[Math.floor(random() * sizes.oneOf.length)]!;
    const payload = Buffer.allocUnsafe(bytes);
    for (let i = 0; i < bytes; i++) payload[i] = (i * 31) ^ (sequence * 7) ^ (stamp * 13);
    payload.writeUInt32BE(sequence, 0);
    if (bytes >= STAMPED_BYTES) payload.writeUInt32BE(stamp >>> 0, SEQUENCE_BYTES);
    return payload;
  });
}

/** How a cycle lies in memory. */
export interface Layout {
  /** The framing that puts each packet in a message of its own; null: packets as they are. */
  message: MessageFraming | null;
  /** Room for a header before the packets. */
  leadBytes: number;
  /** 2: the packets stand there twice, so that no run of at most a cycle has to wrap. */
  turns: 1 | 2;
}

const PLAIN: Layout = { message: null, leadBytes: 0, turns: 1 };

export class PacketCycle {
  readonly packets: number;
  readonly bytes: Buffer;
  readonly leadBytes: number;
  readonly turns: 1 | 2;
  /** Offset of each packet after the lead, and of the end of the cycle. */
  readonly starts: Uint32Array;
  /** Bytes of each packet where all are alike, else 0. */
  readonly uniformBytes: number;
  /** Payload bytes of the packets before each, and of all. */
  readonly #payloadBytes: Float64Array;

  constructor(
    payloads: readonly Buffer[],
    encode: (payload: Uint8Array) => Uint8Array,
    { message, leadBytes, turns }: Layout = PLAIN,
  ) {
    const parts: Uint8Array[] = [];
    this.leadBytes = leadBytes;
    this.turns = turns;
    const header = new Uint8Array(MAX_HEADER_BYTES);
    this.packets = payloads.length;
    this.starts = new Uint32Array(payloads.length + 1);
    this.#payloadBytes = new Float64Array(payloads.length + 1);
    let at = 0;
    payloads.forEach((payload, i) => {
      const packet = encode(payload);
      if (message !== null) {
        const end = message.writeHeader(header, 0, packet.length);
        parts.push(header.slice(0, end));
        at += end;
      }
      parts.push(packet);
      at += packet.length;
      this.starts[i + 1] = at;
      this.#payloadBytes[i + 1] = this.#payloadBytes[i]! + payload.length;
    });
    const first = this.starts[1]!;
    this.uniformBytes = this.starts.every((start, i) => start === i * first) ? first : 0;
    this.bytes = Buffer.concat([Buffer.alloc(leadBytes), ...parts, ...(turns === 2 ? parts : [])]);
  }

  /** Bytes of one turn. */
  get cycleBytes(): number {
    return this.starts[this.packets]!;
  }

  /** Bytes of the first `number` packets of the endless stream. */
  bytesUpTo(number: number): number {
    return Math.floor(number / this.packets) * this.cycleBytes + this.starts[number % this.packets]!;
  }

  /** Payload bytes of this packet of the endless stream. */
  payloadBytesOf(number: number): number {
    const index = number % this.packets;
    return this.#payloadBytes[index + 1]! - this.#payloadBytes[index]!;
  }

  /** Payload bytes of the first `number` packets of the endless stream. */
  payloadBytesUpTo(number: number): number {
    const before = this.#payloadBytes;
    return Math.floor(number / this.packets) * before[this.packets]! + before[number % this.packets]!;
  }
}
