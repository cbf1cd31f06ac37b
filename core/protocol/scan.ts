/**
 * Where a msgpack value ends, without decoding it: the size check that comes before any decoder sees a control frame.
 * Extensions, and anything deeper or wider than a control frame can be, are refused.
 */
import { MAX_CONTROL_DEPTH, MAX_CONTROL_ENTRIES } from './limits.ts';

/** The value reaches beyond the buffer. */
export const SCAN_TRUNCATED = -1;
/** A type or shape that no control frame has. */
export const SCAN_REFUSED = -2;

/**
 * @param start offset of the value's first byte; @param end offset after the last readable byte.
 * @returns the offset after the value, SCAN_TRUNCATED or SCAN_REFUSED.
 */
export function scanValue(bytes: Uint8Array, start: number, end: number, depth = 0): number {
  if (start >= end) return SCAN_TRUNCATED;
  const type = bytes[start]!;
  if (type <= 0x7f || type >= 0xe0) return start + 1;
  if (type <= 0x8f) return scanEntries(bytes, start + 1, end, type & 0x0f, 2, depth);
  if (type <= 0x9f) return scanEntries(bytes, start + 1, end, type & 0x0f, 1, depth);
  if (type <= 0xbf) return within(start + 1 + (type & 0x1f), end);
  switch (type) {
    case 0xc0: // nil
    case 0xc2: // false
    case 0xc3: // true
      return start + 1;
    case 0xc4: // bin 8
    case 0xd9: // str 8
      return start + 2 > end ? SCAN_TRUNCATED : within(start + 2 + bytes[start + 1]!, end);
    case 0xc5: // bin 16
    case 0xda: // str 16
      return start + 3 > end ? SCAN_TRUNCATED : within(start + 3 + u16(bytes, start + 1), end);
    case 0xc6: // bin 32: a vault of 64 KiB needs it
      return start + 5 > end ? SCAN_TRUNCATED : within(start + 5 + u32(bytes, start + 1), end);
    case 0xcc: // uint 8
    case 0xd0: // int 8
      return within(start + 2, end);
    case 0xcd: // uint 16
    case 0xd1: // int 16
      return within(start + 3, end);
    case 0xca: // float 32
    case 0xce: // uint 32
    case 0xd2: // int 32
      return within(start + 5, end);
    case 0xcb: // float 64
    case 0xcf: // uint 64
    case 0xd3: // int 64
      return within(start + 9, end);
    case 0xdc: // array 16
      return start + 3 > end
        ? SCAN_TRUNCATED
        : scanEntries(bytes, start + 3, end, u16(bytes, start + 1), 1, depth);
    case 0xde: // map 16
      return start + 3 > end
        ? SCAN_TRUNCATED
        : scanEntries(bytes, start + 3, end, u16(bytes, start + 1), 2, depth);
    default: // ext, other 32-bit lengths and the unused 0xc1
      return SCAN_REFUSED;
  }
}

function scanEntries(
  bytes: Uint8Array,
  start: number,
  end: number,
  entries: number,
  valuesPerEntry: 1 | 2,
  depth: number,
): number {
  if (depth >= MAX_CONTROL_DEPTH || entries > MAX_CONTROL_ENTRIES) return SCAN_REFUSED;
  let at = start;
  for (let left = entries * valuesPerEntry; left > 0; left--) {
    at = scanValue(bytes, at, end, depth + 1);
    if (at < 0) return at;
  }
  return at;
}

function within(offset: number, end: number): number {
  return offset <= end ? offset : SCAN_TRUNCATED;
}

function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

function u32(bytes: Uint8Array, at: number): number {
  return u16(bytes, at) * 0x1_0000 + u16(bytes, at + 2);
}
