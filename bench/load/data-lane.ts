/** Lanes whose packets are supernode's data frames (docs/protocol.md §4), and how such a frame is found. */
import {
  ARRAY_OF_3,
  dataFrameBytes,
  dataFrameEnd,
  FRAME_TRUNCATED,
  isDataOp,
  payloadStart,
  readLabel,
  writeDataFrame,
} from '../../core/protocol/frame.ts';
import { OP_DATA, PRIORITIES, type Priority } from '../../core/protocol/ops.ts';
import { type Credit, type Found, INCOMPLETE, type Lane } from './dialect.ts';

const OPS = 256;

/** The class is part of the key: a frame with the right label and another class is not the lane's. */
function keyOf(op: number, label: number): number {
  return label * OPS + op;
}

export interface DataLaneOptions {
  credit?: Credit;
  /** As Lane.taken. */
  taken?: (bytes: number) => void;
}

/** A lane with one label both ways. */
export class DataLane implements Lane {
  readonly key: number;
  readonly credit?: Credit;
  readonly taken?: (bytes: number) => void;
  readonly #op: number;
  readonly #label: number;

  constructor(priority: Priority, label: number, { credit, taken }: DataLaneOptions = {}) {
    this.#op = OP_DATA + PRIORITIES.indexOf(priority);
    this.#label = label;
    this.key = keyOf(this.#op, label);
    if (credit !== undefined) this.credit = credit;
    if (taken !== undefined) this.taken = taken;
  }

  encode(payload: Uint8Array): Uint8Array {
    const frame = new Uint8Array(dataFrameBytes(payload.length));
    writeDataFrame(frame, 0, this.#op, this.#label, payload);
    return frame;
  }

  expect(payload: Uint8Array): Uint8Array {
    return this.encode(payload);
  }
}

/**
 * Whether a data frame begins at `from`.
 * @returns null when one byte is too little to tell.
 */
export function isDataFrame(bytes: Buffer, from: number, to: number): boolean | null {
  if (bytes[from] !== ARRAY_OF_3) throw new Error(`No frame begins with 0x${bytes[from]!.toString(16)}.`);
  return from + 1 < to ? isDataOp(bytes[from + 1]!) : null;
}

/** As PacketReader.read, where a data frame begins. */
export function readDataFrame(bytes: Buffer, from: number, to: number, found: Found): number {
  const end = dataFrameEnd(bytes, from, to);
  if (end === FRAME_TRUNCATED) return INCOMPLETE;
  if (end < 0) throw new Error('A data frame is malformed.');
  found.key = keyOf(bytes[from + 1]!, readLabel(bytes, from));
  found.payloadFrom = payloadStart(bytes, from);
  found.payloadTo = end;
  return end;
}
