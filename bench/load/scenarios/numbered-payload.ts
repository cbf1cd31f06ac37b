/**
 * Payloads that say which flow they belong to and which number they have in it, so that every byte of every packet
 * can be checked. PACKET PATH of the load.
 *
 *   0..3  flow u32 BE | 4..7  number u32 BE | 8..9  length u16 BE | a piece of PATTERN that flow and number choose
 */
import { LoadFault } from '../fault.ts';

export const PAYLOAD_HEADER_BYTES = 10;
/** No packet of a scenario is larger. */
export const MOST_PAYLOAD_BYTES = 4096;
const OFFSETS = 1024;

const PATTERN = Buffer.from(
  Uint8Array.from({ length: OFFSETS + MOST_PAYLOAD_BYTES }, (_, i) => Math.imul(i + 1, 0x9e3779b1) >>> 24),
);

function patternOffset(flow: number, number: number): number {
  return (Math.imul(flow, 17) + Math.imul(number, 31)) & (OFFSETS - 1);
}

export function writePayload(into: Buffer, at: number, length: number, flow: number, number: number): void {
  into.writeUInt32BE(flow, at);
  into.writeUInt32BE(number, at + 4);
  into.writeUInt16BE(length, at + 8);
  const offset = patternOffset(flow, number);
  PATTERN.copy(into, at + PAYLOAD_HEADER_BYTES, offset, offset + length - PAYLOAD_HEADER_BYTES);
}

/**
 * The number of the packet in bytes[from, to).
 * @throws LoadFault `corrupted` when it is of another flow, or any byte is not as it was written.
 */
export function readPayload(bytes: Buffer, from: number, to: number, flow: number): number {
  const length = to - from;
  if (length < PAYLOAD_HEADER_BYTES || length > MOST_PAYLOAD_BYTES) {
    throw new LoadFault('corrupted', `A packet of ${length} bytes came; none was sent.`);
  }
  const got = bytes.readUInt32BE(from);
  const number = bytes.readUInt32BE(from + 4);
  if (got !== flow) {
    throw new LoadFault('corrupted', `Packet ${number} of flow ${got} came to flow ${flow}.`);
  }
  const offset = patternOffset(flow, number);
  const body = length - PAYLOAD_HEADER_BYTES;
  if (
    bytes.readUInt16BE(from + 8) !== length ||
    PATTERN.compare(bytes, from + PAYLOAD_HEADER_BYTES, to, offset, offset + body) !== 0
  ) {
    throw new LoadFault(
      'corrupted',
      `Packet ${number} of flow ${flow} came with other bytes than it was sent with.`,
    );
  }
  return number;
}
