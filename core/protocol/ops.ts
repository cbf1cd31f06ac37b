/**
 * Every operation number on the wire (docs/protocol.md §3). A number that is retired stays here, marked, and is
 * never used again.
 *
 *   0x10..0x14  data, one per priority class
 *   0x18..0x1c  end of stream, one per priority class (a data frame with an empty payload)
 *   0x20..0x27  connection
 *   0x30..0x37  channel
 */

/** Priority classes, highest first. The number is the class's code on the wire. */
export const PRIORITIES = ['signal', 'audio', 'message', 'video', 'bulk'] as const;
export type Priority = (typeof PRIORITIES)[number];
export const PRIORITY_COUNT = PRIORITIES.length;

export const OP_DATA = 0x10;
export const OP_END = 0x18;

export const OP_HELLO = 0x20;
export const OP_LOGIN = 0x21;
export const OP_RESUME = 0x22;
export const OP_READY = 0x23;
export const OP_ERROR = 0x24;
export const OP_MOVING = 0x25;
export const OP_PING = 0x26;
export const OP_PONG = 0x27;

export const OP_OPEN = 0x30;
export const OP_OFFER = 0x31;
export const OP_ACCEPT = 0x32;
export const OP_REJECT = 0x33;
export const OP_OPENED = 0x34;
export const OP_CREDIT = 0x35;
export const OP_CLOSE = 0x36;
export const OP_CLOSED = 0x37;

/** The bit that makes a data op an end-of-stream op. */
export const END_BIT = OP_END - OP_DATA;
