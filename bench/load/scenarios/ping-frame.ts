/**
 * A keep-alive of 40 bytes: the protocol's ping, padded by a field of its body that every reader ignores, as a client
 * would that puts a few words into it. Written by hand: it is the most frequent frame of an idle load.
 *
 *   WebSocket header | 93 26 ce requestId(4) 81 a1 70 bd and 29 dots: [ping, requestId, { p: "..." }]
 */
import { ARRAY_OF_3 } from '../../../core/protocol/frame.ts';
import { OP_PING } from '../../../core/protocol/ops.ts';
import { headerBytes, writeHeader } from '../raw-socket.ts';

/** A keep-alive of a Skype client: 40 bytes, once in 20 s. */
export const PING_BYTES = 40;
const REQUEST_ID_AT = 3;
/** array, op, uint 32 and its 4 bytes, map of 1, text of 1 and its byte, the header of a fixstr. */
const FRAME_HEADER = 11;
const PADDING_BYTES = PING_BYTES - FRAME_HEADER;

export class PingFrame {
  readonly #header = headerBytes(PING_BYTES);
  readonly #template = Buffer.alloc(this.#header + PING_BYTES);

  constructor() {
    const frame = this.#template;
    const at = writeHeader(frame, 0, PING_BYTES);
    frame.set([ARRAY_OF_3, OP_PING, 0xce, 0, 0, 0, 0, 0x81, 0xa1, 0x70, 0xa0 + PADDING_BYTES], at);
    frame.fill(0x2e, at + FRAME_HEADER);
  }

  /** The whole WebSocket message. A copy: the socket may keep it. */
  message(requestId: number): Buffer {
    const message = Buffer.from(this.#template);
    message.writeUInt32BE(requestId, this.#header + REQUEST_ID_AT);
    return message;
  }
}
