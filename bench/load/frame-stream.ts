/**
 * The frames of one direction of a benchmark call, as one endless byte stream: `cycle` numbered frames over and over.
 * With several channels they take turns, frame by frame; all have one priority class, so a relay keeps their order.
 * A relay may bundle frames anew but neither change nor reorder them, so both ends know every byte to come. That
 * makes sending one copy and checking one compare per read, however many frames it holds, and still every byte of
 * every frame is checked.
 *
 * The cycle is longer than what can be under way in one direction, twice the window when a peer has answered its
 * partner's frames before its own arrived. So no loss or reordering can bring the stream back into step unseen.
 *
 *   frame      header (9 or 10) | sequence number u32 BE | body, a pattern mixed with the number
 *   #cycle     frame 0 | frame 1 | ... | frame cycle-1 |        position = stream position mod cycle bytes
 */
import { ARRAY_OF_3, dataFrameBytes, isDataOp, writeDataFrame } from '../../core/protocol/frame.ts';
import type { Label } from '../../core/protocol/peer-id.ts';

const SEQUENCE_BYTES = 4;
/** The smallest payload that still tells its frame from every other. */
export const MIN_PAYLOAD_BYTES = SEQUENCE_BYTES;

/** Frames of a cycle: more than twice the window, and as many for each channel. */
function cycleOf(window: number, channels: number): number {
  return Math.ceil((2 * window + 1) / channels) * channels;
}

function encodeCycle(op: number, labels: readonly Label[], payloadBytes: number, window: number): Buffer {
  const frames = cycleOf(window, labels.length);
  const bytes = Buffer.alloc(dataFrameBytes(payloadBytes) * frames);
  const payload = Buffer.alloc(payloadBytes);
  let at = 0;
  for (let sequence = 0; sequence < frames; sequence++) {
    payload.writeUInt32BE(sequence, 0);
    for (let i = SEQUENCE_BYTES; i < payloadBytes; i++) payload[i] = (i * 31) ^ (sequence * 7);
    at = writeDataFrame(bytes, at, op, labels[sequence % labels.length]!, payload);
  }
  return bytes;
}

/** What this end sends. */
export class OutgoingFrames {
  readonly frameBytes: number;
  readonly #cycle: Buffer;
  #position = 0;
  #frames = 0;

  constructor(op: number, labels: readonly Label[], payloadBytes: number, window: number) {
    this.frameBytes = dataFrameBytes(payloadBytes);
    this.#cycle = encodeCycle(op, labels, payloadBytes, window);
  }

  /** Frames copied out so far. */
  get frames(): number {
    return this.#frames;
  }

  /** Copies the next `frames` frames to into[at...]. @returns the offset after them. */
  copy(frames: number, into: Uint8Array, at: number): number {
    this.#frames += frames;
    let left = frames * this.frameBytes;
    let next = at;
    while (left > 0) {
      const piece = Math.min(left, this.#cycle.length - this.#position);
      this.#cycle.copy(into, next, this.#position, this.#position + piece);
      this.#position += piece;
      if (this.#position === this.#cycle.length) this.#position = 0;
      next += piece;
      left -= piece;
    }
    return next;
  }
}

/** What this end receives: the partner's cycle under this end's labels. */
export class IncomingFrames {
  readonly frameBytes: number;
  readonly #cycle: Buffer;
  #position = 0;
  #cycles = 0;

  constructor(op: number, labels: readonly Label[], payloadBytes: number, window: number) {
    this.frameBytes = dataFrameBytes(payloadBytes);
    this.#cycle = encodeCycle(op, labels, payloadBytes, window);
  }

  /** Whole frames received so far. */
  get frames(): number {
    return Math.floor((this.#cycles * this.#cycle.length + this.#position) / this.frameBytes);
  }

  /** Bytes of a frame whose rest has not come yet. */
  get heldBytes(): number {
    return this.#position % this.frameBytes;
  }

  /**
   * Checks bytes[from, to) against what must come next.
   * @returns `to`, or the offset at which a frame begins that is no data frame (one less than `from` when its first
   *   byte came with the read before).
   * @throws Error when a frame was lost, repeated, reordered or changed.
   */
  take(bytes: Buffer, from: number, to: number): number {
    let at = from;
    while (at < to) {
      const piece = Math.min(to - at, this.#cycle.length - this.#position);
      const end = this.#position + piece;
      if (bytes.compare(this.#cycle, this.#position, end, at, at + piece) !== 0) {
        return this.#mismatch(bytes, at);
      }
      at += piece;
      this.#position = end;
      if (end === this.#cycle.length) {
        this.#position = 0;
        this.#cycles++;
      }
    }
    return to;
  }

  /** Steps to the first byte that differs, and tells a control frame from a fault. */
  #mismatch(bytes: Buffer, from: number): number {
    let at = from;
    while (bytes[at] === this.#cycle[this.#position]) {
      at++;
      this.#position++;
    }
    const within = this.heldBytes;
    if (within === 1 && !isDataOp(bytes[at]!)) {
      this.#position--;
      return at - 1;
    }
    const sequence = Math.floor(this.#position / this.frameBytes);
    const what =
      within === 0 && bytes[at] !== ARRAY_OF_3
        ? 'no frame begins where one must'
        : `byte ${within} of frame ${sequence} of the cycle is 0x${bytes[at]!.toString(16)}, not 0x${this.#cycle[this.#position]!.toString(16)}`;
    throw new Error(
      `After ${this.frames} good frames the stream is wrong (lost, changed or reordered): ${what}.`,
    );
  }
}
