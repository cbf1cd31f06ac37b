/**
 * STUN messages (RFC 8489 §5, §14), as far as TURN (RFC 8656) over IPv4 needs them.
 *
 *   offset 0     2        4              8                   20
 *          type  length   magic cookie   transaction id (12)  attributes: type u16, length u16, value, padding to 4
 *
 * The two bits of the class lie inside the type: M11-M7 C1 M6-M4 C0 M3-M0.
 */
import { randomBytes } from 'node:crypto';

export const STUN_HEADER_BYTES = 20;
const MAGIC_COOKIE = 0x2112a442;
const TRANSACTION_ID_BYTES = 12;
const ATTRIBUTE_HEADER_BYTES = 4;
/** Nothing that a TURN server says to us comes near; it bounds what is kept of a message that is not whole. */
export const MAX_STUN_BYTES = 2048;

export const METHOD = { binding: 0x001, allocate: 0x003, refresh: 0x004, channelBind: 0x009 } as const;

export const ATTRIBUTE = {
  errorCode: 0x0009,
  channelNumber: 0x000c,
  lifetime: 0x000d,
  xorPeerAddress: 0x0012,
  xorRelayedAddress: 0x0016,
  requestedTransport: 0x0019,
} as const;

const KINDS = ['request', 'indication', 'success', 'error'] as const;
export type StunKind = (typeof KINDS)[number];

export interface Attribute {
  type: number;
  value: Uint8Array;
}

export interface StunMessage {
  kind: StunKind;
  /** 12 bits. */
  method: number;
  /** 12 bytes. */
  transactionId: Uint8Array;
  attributes: Attribute[];
}

/** IPv4. */
export interface Address {
  host: string;
  port: number;
}

function padded(length: number): number {
  return (length + 3) & ~3;
}

export function newTransactionId(): Uint8Array {
  return new Uint8Array(randomBytes(TRANSACTION_ID_BYTES));
}

export function encodeStun({ kind, method, transactionId, attributes }: StunMessage): Buffer {
  const bodyBytes = attributes.reduce(
    (sum, { value }) => sum + ATTRIBUTE_HEADER_BYTES + padded(value.length),
    0,
  );
  const bytes = Buffer.alloc(STUN_HEADER_BYTES + bodyBytes);
  const bits = KINDS.indexOf(kind);
  const type =
    ((method & 0xf80) << 2) |
    ((method & 0x070) << 1) |
    (method & 0x00f) |
    ((bits & 2) << 7) |
    ((bits & 1) << 4);
  bytes.writeUInt16BE(type, 0);
  bytes.writeUInt16BE(bodyBytes, 2);
  bytes.writeUInt32BE(MAGIC_COOKIE, 4);
  bytes.set(transactionId, 8);
  let at = STUN_HEADER_BYTES;
  for (const { type, value } of attributes) {
    bytes.writeUInt16BE(type, at);
    bytes.writeUInt16BE(value.length, at + 2);
    bytes.set(value, at + ATTRIBUTE_HEADER_BYTES);
    at += ATTRIBUTE_HEADER_BYTES + padded(value.length);
  }
  return bytes;
}

/**
 * Bytes of the STUN message that begins at `from`; null when its header is not whole yet.
 * @throws Error when it is no STUN message, or one too long.
 */
export function stunBytes(bytes: Buffer, from: number, to: number): number | null {
  if (from < to && bytes[from]! > 0x3f) {
    throw new Error(`A message begins with 0x${bytes[from]!.toString(16)}: not STUN.`);
  }
  if (to - from < STUN_HEADER_BYTES) return null;
  if (bytes.readUInt32BE(from + 4) !== MAGIC_COOKIE) throw new Error('A STUN message has no magic cookie.');
  const bodyBytes = bytes.readUInt16BE(from + 2);
  const whole = STUN_HEADER_BYTES + bodyBytes;
  if (bodyBytes % 4 !== 0 || whole > MAX_STUN_BYTES) {
    throw new Error(`A STUN message has a length of ${bodyBytes} bytes.`);
  }
  return whole;
}

/**
 * Reads the STUN message bytes[from, to), whole. Its parts are copies.
 * @throws Error when it is malformed.
 */
export function decodeStun(bytes: Buffer, from = 0, to = bytes.length): StunMessage {
  if (stunBytes(bytes, from, to) !== to - from) throw new Error('A STUN message is cut off or too long.');
  const type = bytes.readUInt16BE(from);
  const attributes: Attribute[] = [];
  let at = from + STUN_HEADER_BYTES;
  while (at < to) {
    // Lengths are multiples of 4, so an attribute's header is whole.
    const valueFrom = at + ATTRIBUTE_HEADER_BYTES;
    const length = bytes.readUInt16BE(at + 2);
    if (valueFrom + padded(length) > to) throw new Error('An attribute of a STUN message is cut off.');
    attributes.push({
      type: bytes.readUInt16BE(at),
      value: new Uint8Array(bytes.subarray(valueFrom, valueFrom + length)),
    });
    at = valueFrom + padded(length);
  }
  return {
    kind: KINDS[((type >> 7) & 2) | ((type >> 4) & 1)]!,
    method: ((type >> 2) & 0xf80) | ((type >> 1) & 0x070) | (type & 0x00f),
    transactionId: new Uint8Array(bytes.subarray(from + 8, from + STUN_HEADER_BYTES)),
    attributes,
  };
}

export function findAttribute(message: StunMessage, type: number): Uint8Array | undefined {
  return message.attributes.find((attribute) => attribute.type === type)?.value;
}

// --- Values of attributes ------------------------------------------------------------------------------------

const IPV4_FAMILY = 1;
const XOR_ADDRESS_BYTES = 8;

/** XOR-PEER-ADDRESS, XOR-RELAYED-ADDRESS. */
export function xorAddress({ host, port }: Address): Buffer {
  const value = Buffer.alloc(XOR_ADDRESS_BYTES);
  value[1] = IPV4_FAMILY;
  value.writeUInt16BE(port ^ (MAGIC_COOKIE >>> 16), 2);
  value.set(host.split('.').map(Number), 4);
  value.writeUInt32BE((value.readUInt32BE(4) ^ MAGIC_COOKIE) >>> 0, 4);
  return value;
}

/** @throws Error when it is not an IPv4 address. */
export function readXorAddress(value: Uint8Array): Address {
  if (value.length !== XOR_ADDRESS_BYTES || value[1] !== IPV4_FAMILY) {
    throw new Error('An address in a STUN message is not of IPv4.');
  }
  const bytes = Buffer.from(value);
  const port = bytes.readUInt16BE(2) ^ (MAGIC_COOKIE >>> 16);
  bytes.writeUInt32BE((bytes.readUInt32BE(4) ^ MAGIC_COOKIE) >>> 0, 4);
  return { host: bytes.subarray(4).join('.'), port };
}

/** Such as `403 Forbidden IP`. */
export function readErrorCode(message: StunMessage): string {
  const value = findAttribute(message, ATTRIBUTE.errorCode);
  if (value === undefined || value.length < 4) return 'an error without a code';
  const code = (value[2]! & 7) * 100 + value[3]!;
  return `${code} ${Buffer.from(value.subarray(4, 132)).toString()}`;
}

/** LIFETIME (seconds). */
export function unsigned32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** CHANNEL-NUMBER and REQUESTED-TRANSPORT: the number, then bytes that are reserved. */
export function channelNumberValue(channel: number): Buffer {
  return unsigned32((channel << 16) >>> 0);
}
const UDP = 17;
export const REQUESTED_UDP: Attribute = {
  type: ATTRIBUTE.requestedTransport,
  value: unsigned32((UDP << 24) >>> 0),
};
