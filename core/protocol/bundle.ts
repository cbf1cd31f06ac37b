/**
 * A bundle: frames back to back in one WebSocket binary message. The writer is the client's outbox; the reader walks
 * what a relay sent.
 */
import { type Control, controlFrameEnd, decodeControl } from './control.ts';
import { ProtocolError } from './errors.ts';
import {
  ARRAY_OF_3,
  dataFrameBytes,
  dataFrameEnd,
  FRAME_TOO_LARGE,
  FRAME_TRUNCATED,
  isDataOp,
  payloadStart,
  readLabel,
  writeDataFrame,
} from './frame.ts';
import { MAX_BUNDLE_BYTES } from './limits.ts';

const FIRST_BYTES = 4096;

/** Collects frames until `take`; never holds more than MAX_BUNDLE_BYTES and never splits a frame. */
export class BundleWriter {
  #buffer = new Uint8Array(FIRST_BYTES);
  #length = 0;

  get bytes(): number {
    return this.#length;
  }

  /** False when the bundle is too full for `bytes` more: take it first. */
  fits(bytes: number): boolean {
    return this.#length + bytes <= MAX_BUNDLE_BYTES;
  }

  addControl(frame: Uint8Array): void {
    this.#reserve(frame.length);
    this.#buffer.set(frame, this.#length);
    this.#length += frame.length;
  }

  addData(op: number, label: number, payload: Uint8Array): void {
    this.#reserve(dataFrameBytes(payload.length));
    this.#length = writeDataFrame(this.#buffer, this.#length, op, label, payload);
  }

  /** The bundle's bytes, the caller's to keep; the writer starts anew. */
  take(): Uint8Array {
    const bundle = this.#buffer.slice(0, this.#length);
    this.#length = 0;
    return bundle;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = new Uint8Array(Math.min(MAX_BUNDLE_BYTES, Math.max(needed, this.#buffer.length * 2)));
    larger.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = larger;
  }
}

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
      reader.control(decodeControl(bundle, at, after));
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
