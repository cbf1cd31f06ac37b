/**
 * Headers of a WebSocket client's messages (RFC 6455 §5.2), masked with a key of zeros: §5.3 wants a mask, not a good
 * one, and zeros leave the payload as it was encoded.
 */
import { MAX_BUNDLE_BYTES } from '../../core/protocol/limits.ts';
import type { MessageFraming } from './dialect.ts';

export const BINARY = 0x82;
const MASKED = 0x80;
const MASK_BYTES = 4;
/** 2 + 8 bytes of length + mask. */
export const MAX_HEADER_BYTES = 14;

export function headerBytes(payloadBytes: number): number {
  return (payloadBytes < 126 ? 2 : payloadBytes < 65_536 ? 4 : 10) + MASK_BYTES;
}

/** @returns the offset of the payload. */
export function writeHeader(into: Uint8Array, at: number, payloadBytes: number, opcode = BINARY): number {
  let next = at;
  into[next++] = opcode;
  if (payloadBytes < 126) {
    into[next++] = MASKED | payloadBytes;
  } else if (payloadBytes < 65_536) {
    into[next++] = MASKED | 126;
    into[next++] = payloadBytes >>> 8;
    into[next++] = payloadBytes;
  } else {
    into[next++] = MASKED | 127;
    into.fill(0, next, next + 4);
    into[next + 4] = payloadBytes >>> 24;
    into[next + 5] = payloadBytes >>> 16;
    into[next + 6] = payloadBytes >>> 8;
    into[next + 7] = payloadBytes;
    next += 8;
  }
  into.fill(0, next, next + MASK_BYTES);
  return next + MASK_BYTES;
}

export const websocketFraming: MessageFraming = {
  limitBytes: MAX_BUNDLE_BYTES,
  sharesBursts: true,
  headerBytes,
  writeHeader,
};
