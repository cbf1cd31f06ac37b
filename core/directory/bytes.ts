/** Bytes of records, keys and rows. Integers are big-endian, so that keys sort as their numbers do. */

const WORD = 0x1_0000_0000;

/** @param value an integer of 0 .. 2^53 - 1. */
export function putU64(into: Uint8Array, at: number, value: number): void {
  putU32(into, at, Math.floor(value / WORD));
  putU32(into, at + 4, value % WORD);
}

/** Exact up to 2^53 - 1. Beyond, some number above Number.MAX_SAFE_INTEGER: who reads strangers' bytes refuses it. */
export function getU64(from: Uint8Array, at: number): number {
  return getU32(from, at) * WORD + getU32(from, at + 4);
}

export function putU32(into: Uint8Array, at: number, value: number): void {
  putU16(into, at, value >>> 16);
  putU16(into, at + 2, value & 0xffff);
}

export function getU32(from: Uint8Array, at: number): number {
  return getU16(from, at) * 0x1_0000 + getU16(from, at + 2);
}

export function putU16(into: Uint8Array, at: number, value: number): void {
  into[at] = value >>> 8;
  into[at + 1] = value & 0xff;
}

export function getU16(from: Uint8Array, at: number): number {
  return from[at]! * 0x100 + from[at + 1]!;
}

/** Whether two byte strings are the same. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
