/**
 * Every operation number on the wire (docs/protocol.md §3). A number that is retired stays here, marked, and is
 * never used again.
 *
 *   0x10..0x14  data, one per priority class
 *   0x18..0x1c  end of stream, one per priority class (a data frame with an empty payload)
 *   0x20..0x27  connection
 *   0x30..0x37  channel
 *   0x38..0x3f  news of channels: a client ignores those that it does not know
 *   0x40..0x54  directory
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

export const OP_CONGESTION = 0x38;

export const OP_LOOKUP = 0x40;
export const OP_FOUND = 0x41;
export const OP_SEARCH = 0x42;
export const OP_RESULTS = 0x43;
export const OP_PUBLISH = 0x44;
export const OP_STORED = 0x45;
export const OP_WATCH = 0x46;
export const OP_UNWATCH = 0x47;
export const OP_PRESENCE = 0x48;
export const OP_STATUS = 0x49;
export const OP_VAULT_GET = 0x4a;
export const OP_VAULT = 0x4b;
export const OP_VAULT_PUT = 0x4c;
export const OP_POLICY_GET = 0x4d;
export const OP_POLICY = 0x4e;
export const OP_POLICY_SET = 0x4f;
export const OP_SEND = 0x50;
export const OP_RECEIPT = 0x51;
export const OP_INBOX = 0x52;
export const OP_MAIL = 0x53;
export const OP_MAIL_ACK = 0x54;

/** Directory frames may be larger than other control frames: a vault fits one. */
export function isDirectoryOp(op: number): boolean {
  return op >= OP_LOOKUP && op <= OP_MAIL_ACK;
}

/** What a client may ignore: the relay says so for the application's sake, and nothing depends on it. */
export function isNewsOp(op: number): boolean {
  return op >= OP_CONGESTION && op <= 0x3f;
}

/** The bit that makes a data op an end-of-stream op. */
export const END_BIT = OP_END - OP_DATA;
