/**
 * Writes data frames straight into a WebSocket message. PACKET PATH of the load: no allocation per frame. One buffer
 * serves every peer: a message is begun, filled and sent within one turn.
 *
 *   START - header | header | frame | frame | ...      the header is written last, when the length is known
 */
import { ARRAY_OF_3, dataFrameBytes, writeLabel } from '../../../core/protocol/frame.ts';
import { MAX_BUNDLE_BYTES } from '../../../core/protocol/limits.ts';
import { headerBytes, MAX_HEADER_BYTES, type RawSocket, writeHeader } from '../raw-socket.ts';

const START = MAX_HEADER_BYTES;
const UINT_32 = 0xce;
const BIN_8 = 0xc4;
const BIN_16 = 0xc5;

export class BundleWriter {
  /** The payload of the frame that `frame` has begun goes in here. */
  bytes = Buffer.allocUnsafeSlow(START + MAX_BUNDLE_BYTES);
  #at = START;
  #socket: RawSocket | null = null;

  begin(socket: RawSocket): void {
    this.#socket = socket;
    this.#at = START;
  }

  /** @returns the offset in `bytes` at which the payload goes; a full message is sent first. */
  frame(op: number, label: number, payloadBytes: number): number {
    const whole = dataFrameBytes(payloadBytes);
    if (this.#at + whole > START + MAX_BUNDLE_BYTES) this.send();
    const { bytes } = this;
    const at = this.#at;
    this.#at = at + whole;
    bytes[at] = ARRAY_OF_3;
    bytes[at + 1] = op;
    bytes[at + 2] = UINT_32;
    writeLabel(bytes, at, label);
    if (payloadBytes < 256) {
      bytes[at + 7] = BIN_8;
      bytes[at + 8] = payloadBytes;
      return at + 9;
    }
    bytes[at + 7] = BIN_16;
    bytes[at + 8] = payloadBytes >>> 8;
    bytes[at + 9] = payloadBytes;
    return at + 10;
  }

  /** Sends what was written; nothing when there is nothing. */
  send(): void {
    const length = this.#at - START;
    if (length === 0) return;
    const from = START - headerBytes(length);
    writeHeader(this.bytes, from, length);
    const taken = this.#socket!.write(this.bytes.subarray(from, this.#at));
    // The kernel has not taken it all, so the socket still reads from this buffer.
    if (!taken) this.bytes = Buffer.allocUnsafeSlow(this.bytes.length);
    this.#at = START;
  }
}

/** The one writer of this process. */
export const bundleWriter = new BundleWriter();
