/**
 * Data frames (docs/protocol.md §4). PACKET PATH: no allocation here.
 *
 *   offset 0     1          2      3..6          7            8 (8..9)    9 (10)
 *          0x93  op         0xce   label u32 BE  0xc4 | 0xc5  length      payload
 *          array 0x10+class        of this hop   bin 8 | 16   u8 | u16
 *
 * The layout is fixed, so a relay reads and re-addresses a frame in place; any msgpack library writes and reads it.
 */
import { DATA_HEADER_MAX_BYTES, DATA_HEADER_MIN_BYTES, MAX_PAYLOAD_BYTES } from './limits.ts';
import { END_BIT, OP_DATA, PRIORITY_COUNT } from './ops.ts';

export const ARRAY_OF_3 = 0x93;
const UINT_32 = 0xce;
const BIN_8 = 0xc4;
const BIN_16 = 0xc5;

/** The frame reaches beyond the buffer. */
export const FRAME_TRUNCATED = -1;
/** The bytes are not a data frame of the fixed layout. */
export const FRAME_MALFORMED = -2;
/** The payload is longer than MAX_PAYLOAD_BYTES. */
export const FRAME_TOO_LARGE = -3;

/** True for the ops of data and end-of-stream frames. */
export function isDataOp(op: number): boolean {
  return (op & 0xf0) === OP_DATA && (op & 0x07) < PRIORITY_COUNT;
}

export function isEndOp(op: number): boolean {
  return (op & END_BIT) !== 0;
}

/**
 * Where the data frame at `start` ends, checking its whole layout but the op.
 * @param end offset after the last readable byte.
 * @returns the offset after the frame, FRAME_TRUNCATED, FRAME_MALFORMED or FRAME_TOO_LARGE.
 */
export function dataFrameEnd(bytes: Uint8Array, start: number, end: number): number {
  if (start + DATA_HEADER_MIN_BYTES > end) return FRAME_TRUNCATED;
  if (bytes[start + 2] !== UINT_32) return FRAME_MALFORMED;
  const bin = bytes[start + 7];
  let after: number;
  if (bin === BIN_8) {
    after = start + 9 + bytes[start + 8]!;
  } else if (bin === BIN_16) {
    if (start + DATA_HEADER_MAX_BYTES > end) return FRAME_TRUNCATED;
    const length = (bytes[start + 8]! << 8) | bytes[start + 9]!;
    if (length > MAX_PAYLOAD_BYTES) return FRAME_TOO_LARGE;
    after = start + 10 + length;
  } else {
    return FRAME_MALFORMED;
  }
  return after <= end ? after : FRAME_TRUNCATED;
}

/** Offset of the payload of a frame that dataFrameEnd accepted. */
export function payloadStart(bytes: Uint8Array, start: number): number {
  return start + (bytes[start + 7] === BIN_8 ? 9 : 10);
}

export function readLabel(bytes: Uint8Array, start: number): number {
  return (
    ((bytes[start + 3]! << 24) | (bytes[start + 4]! << 16) | (bytes[start + 5]! << 8) | bytes[start + 6]!) >>>
    0
  );
}

export function writeLabel(bytes: Uint8Array, start: number, label: number): void {
  bytes[start + 3] = label >>> 24;
  bytes[start + 4] = label >>> 16;
  bytes[start + 5] = label >>> 8;
  bytes[start + 6] = label;
}

/** Bytes of a whole frame with this payload. */
export function dataFrameBytes(payloadBytes: number): number {
  return payloadBytes + (payloadBytes < 256 ? DATA_HEADER_MIN_BYTES : DATA_HEADER_MAX_BYTES);
}

/**
 * Writes a whole data frame at `at`; the caller made sure that dataFrameBytes(payload.length) fit.
 * @returns the offset after the frame.
 */
export function writeDataFrame(
  into: Uint8Array,
  at: number,
  op: number,
  label: number,
  payload: Uint8Array,
): number {
  const length = payload.length;
  into[at] = ARRAY_OF_3;
  into[at + 1] = op;
  into[at + 2] = UINT_32;
  writeLabel(into, at, label);
  let start: number;
  if (length < 256) {
    into[at + 7] = BIN_8;
    into[at + 8] = length;
    start = at + 9;
  } else {
    into[at + 7] = BIN_16;
    into[at + 8] = length >>> 8;
    into[at + 9] = length;
    start = at + 10;
  }
  into.set(payload, start);
  return start + length;
}
