/**
 * ChannelData messages (RFC 8656 §12.4). PACKET PATH: no allocation here.
 *
 *   offset 0         2        4
 *          channel   length   payload, over TCP padded to a multiple of 4
 *
 * The padding is not in the length, and coturn leaves in it what was in its buffer before.
 */
export const CHANNEL_HEADER_BYTES = 4;
export const FIRST_CHANNEL = 0x4000;
export const LAST_CHANNEL = 0x4fff;
/** What fits a UDP datagram over IPv4, less the header. */
export const MAX_CHANNEL_PAYLOAD_BYTES = 65_507 - CHANNEL_HEADER_BYTES;

/** ChannelData begins with 0x40 to 0x4f, STUN with 0x00 to 0x3f. */
export function isChannelData(firstByte: number): boolean {
  return firstByte >> 4 === FIRST_CHANNEL >> 12;
}

export function channelOf(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

export function payloadBytesOf(bytes: Uint8Array, at: number): number {
  return (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

/** Bytes of a whole message with this payload. */
export function channelDataBytes(payloadBytes: number, padded: boolean): number {
  return CHANNEL_HEADER_BYTES + (padded ? (payloadBytes + 3) & ~3 : payloadBytes);
}

/** Writes a whole message with a padding of zeros; the caller made sure that it fits. @returns the offset after it. */
export function writeChannelData(
  into: Uint8Array,
  at: number,
  channel: number,
  payload: Uint8Array,
  padded: boolean,
): number {
  const end = at + channelDataBytes(payload.length, padded);
  into[at] = channel >>> 8;
  into[at + 1] = channel;
  into[at + 2] = payload.length >>> 8;
  into[at + 3] = payload.length;
  into.set(payload, at + CHANNEL_HEADER_BYTES);
  into.fill(0, at + CHANNEL_HEADER_BYTES + payload.length, end);
  return end;
}

/** @throws Error when the payload is longer than a datagram. */
export function channelData(channel: number, payload: Uint8Array, padded: boolean): Uint8Array {
  if (payload.length > MAX_CHANNEL_PAYLOAD_BYTES) {
    throw new Error(
      `A packet of ${payload.length} bytes does not fit a datagram: at most ${MAX_CHANNEL_PAYLOAD_BYTES}.`,
    );
  }
  const bytes = new Uint8Array(channelDataBytes(payload.length, padded));
  writeChannelData(bytes, 0, channel, payload, padded);
  return bytes;
}
