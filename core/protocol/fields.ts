/** The types of fields in control frames (docs/protocol.md §2), as schemas. */
import * as v from 'valibot';

// `custom`, not `instance`: the type must not exclude views of a SharedArrayBuffer.
const binary = v.custom<Uint8Array>((value) => value instanceof Uint8Array, 'expected binary');
export const bytes = (length: number) =>
  v.pipe(
    binary,
    v.check((value) => value.length === length, `expected ${length} bytes`),
  );
export const bytesUpTo = (most: number) =>
  v.pipe(
    binary,
    v.check((value) => value.length <= most, `expected at most ${most} bytes`),
  );
export const text = (most: number) => v.pipe(v.string(), v.maxBytes(most));
export const uint = (most: number) => v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(most));
export const u32 = uint(0xffff_ffff);
/** Milliseconds since 1970, a sequence number or a revision: an integer that every language's double holds exactly. */
export const u53 = uint(Number.MAX_SAFE_INTEGER);
/** A peer's public key. */
export const key = bytes(32);
