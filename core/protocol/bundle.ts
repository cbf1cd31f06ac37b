/** A bundle: frames back to back in one WebSocket binary message. The reader walks what a relay sent. */
import { type Control, controlFrameEnd, decodeControl, isControlOp } from './control.ts';
import { ProtocolError } from './errors.ts';
import {
  ARRAY_OF_3,
  dataFrameEnd,
  FRAME_TOO_LARGE,
  FRAME_TRUNCATED,
  isDataOp,
  payloadStart,
  readLabel,
} from './frame.ts';
import { isNewsOp } from './ops.ts';

export interface BundleReader {
  /** `payload` is a view of the bundle. */
  data(op: number, label: number, payload: Uint8Array, frameBytes: number): void;
  control(frame: Control): void;
}

/** Walks a bundle. @throws ProtocolError at the first frame that breaks the protocol; the ones before were read. */
export function readBundle(bundle: Uint8Array, reader: BundleReader): void {
  const end = bundle.length;
  let at = 0;
  while (at < end) {
    if (bundle[at] !== ARRAY_OF_3) throw new ProtocolError('bad-frame', 'A frame must be an array of 3.');
    if (at + 1 < end && isDataOp(bundle[at + 1]!)) {
      const after = dataFrameEnd(bundle, at, end);
      if (after < 0) throw dataFrameError(after);
      const payload = bundle.subarray(payloadStart(bundle, at), after);
      reader.data(bundle[at + 1]!, readLabel(bundle, at), payload, after - at);
      at = after;
    } else {
      const after = controlFrameEnd(bundle, at, end);
      const op = bundle[at + 1]!;
      // News of a later version.
      if (!isNewsOp(op) || isControlOp(op)) reader.control(decodeControl(bundle, at, after));
      at = after;
    }
  }
}

/** The error for a negative result of dataFrameEnd. */
export function dataFrameError(result: number): ProtocolError {
  if (result === FRAME_TRUNCATED) return new ProtocolError('bad-frame', 'A data frame is truncated.');
  if (result === FRAME_TOO_LARGE) {
    return new ProtocolError('frame-too-large', 'A data frame may have at most 64 KiB.');
  }
  return new ProtocolError('bad-frame', 'A data frame has not the fixed layout of docs/protocol.md §4.');
}
