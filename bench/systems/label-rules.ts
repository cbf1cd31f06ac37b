/**
 * What the rivals of the `labels` dialect agree on: supernode's data frames (docs/protocol.md §4) over a bare
 * WebSocket, without a control plane. A connection's index, counted from 1 in order of connection, is its label.
 *
 *   on open          server -> client   a frame: label = the client's index, payload = one byte, RELAYS or ECHOES
 *   RELAYS           client -> server   a frame with the receiver's index, which gets it with the sender's in its place
 *   ECHOES           client -> server   anything: it comes back as it was
 */
import {
  ARRAY_OF_3,
  dataFrameBytes,
  dataFrameEnd,
  isDataOp,
  writeDataFrame,
} from '../../core/protocol/frame.ts';
import { MAX_BUNDLE_BYTES } from '../../core/protocol/limits.ts';
import { OP_DATA } from '../../core/protocol/ops.ts';

export const RELAYS = 0;
export const ECHOES = 1;

/** As supernode's: the same messages are allowed, and as much may wait for a receiver. */
export const MAX_MESSAGE_BYTES = MAX_BUNDLE_BYTES;
export const MAX_WAITING_BYTES = 2 * MAX_BUNDLE_BYTES;

/** WebSocket close code 1003: data of a kind that the server does not take. */
export const UNSUPPORTED = 1003;

export function greeting(index: number, kind: typeof RELAYS | typeof ECHOES): Uint8Array {
  const frame = new Uint8Array(dataFrameBytes(1));
  writeDataFrame(frame, 0, OP_DATA, index, Uint8Array.of(kind));
  return frame;
}

/** Whether a message is one data frame and nothing else: a plain relay knows no bundles. */
export function isOneFrame(message: Uint8Array): boolean {
  return (
    message[0] === ARRAY_OF_3 &&
    isDataOp(message[1]!) &&
    dataFrameEnd(message, 0, message.length) === message.length
  );
}
