/**
 * Error frames `busy`, of which a storm of logins takes thousands a second: written once for each sentence, then copied and
 * given the time to come back after. To encode each anew takes several times as long.
 */
import { encodeControl } from '../../core/protocol/control.ts';
import * as op from '../../core/protocol/ops.ts';

/** Sentences that are kept: there are half as many. A frame with another one is encoded. */
const MOST_KEPT = 16;
const MAX_U32 = 0xffff_ffff;
/** msgpack: a uint 32 follows. */
const UINT32 = 0xce;
const FIELD = Buffer.from('retryAfterMs');

interface Template {
  frame: Uint8Array;
  timeAt: number;
}

export class BusyFrames {
  readonly #templates = new Map<string, Template>();

  /** @param retryAfterMs a whole number, 0..2^32 - 1. @returns a frame of its own. */
  encode(message: string, retryAfterMs: number): Uint8Array {
    const template = this.#templates.get(message) ?? this.#keep(message);
    if (template === null) return encode(message, retryAfterMs);
    const frame = template.frame.slice();
    const { timeAt } = template;
    frame[timeAt] = retryAfterMs >>> 24;
    frame[timeAt + 1] = retryAfterMs >>> 16;
    frame[timeAt + 2] = retryAfterMs >>> 8;
    frame[timeAt + 3] = retryAfterMs;
    return frame;
  }

  #keep(message: string): Template | null {
    if (this.#templates.size >= MOST_KEPT) return null;
    // The largest time is written with all four bytes.
    const frame = encode(message, MAX_U32);
    const timeAt = placeOfTime(frame);
    const template = { frame, timeAt };
    this.#templates.set(message, template);
    return template;
  }
}

function encode(message: string, retryAfterMs: number): Uint8Array {
  return encodeControl(op.OP_ERROR, 0, { code: 'busy', message, fatal: true, retryAfterMs });
}

function placeOfTime(frame: Uint8Array): number {
  const at = Buffer.from(frame.buffer, frame.byteOffset, frame.length).lastIndexOf(FIELD) + FIELD.length;
  if (frame[at] !== UINT32) throw new RangeError('The time is not where it should be in an error frame.');
  return at + 1;
}
