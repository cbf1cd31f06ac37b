/**
 * Control frames (docs/protocol.md §5, §6): `[op, requestId, body]`. Encoded by msgpackr; decoded only after
 * scanValue has bounded them, and checked by a schema before anyone uses a field.
 */
import { Packr, Unpackr } from 'msgpackr';
import * as v from 'valibot';
import { DIRECTORY_BODY } from './directory-ops.ts';
import { CLOSE_REASONS, CONGESTION_CAUSES, ProtocolError } from './errors.ts';
import { bytes, bytesUpTo, text, u32, uint } from './fields.ts';
import { ARRAY_OF_3 } from './frame.ts';
import {
  MAX_CHANNEL_CREDIT_BYTES,
  MAX_CHANNEL_PROTOCOL_BYTES,
  MAX_CLIENT_VERSION_BYTES,
  MAX_CONTROL_BYTES,
  MAX_DIRECTORY_FRAME_BYTES,
  MAX_PACKET_LIFE_MS,
  MAX_SUCCESSOR_BYTES,
  MAX_SUCCESSORS,
  MAX_TICKET_BYTES,
} from './limits.ts';
import { readLoginForm } from './login-forms.ts';
import * as op from './ops.ts';
import { SCAN_REFUSED, SCAN_TRUNCATED, scanValue } from './scan.ts';

const credit = uint(MAX_CHANNEL_CREDIT_BYTES);
/** URLs of relays to go to instead, best first. */
const successors = v.pipe(v.array(text(MAX_SUCCESSOR_BYTES)), v.maxLength(MAX_SUCCESSORS));
const kind = {
  reliable: v.boolean(),
  priority: uint(op.PRIORITY_COUNT - 1),
  /** Milliseconds; realtime channels only. */
  lifeMs: uint(MAX_PACKET_LIFE_MS),
  /** Bytes that the sender of this frame grants to the other end; reliable channels only. */
  credit,
  protocol: text(MAX_CHANNEL_PROTOCOL_BYTES),
};

/** One schema per op: the body's shape. `v.object` drops fields that it does not know, so a later version may add some. */
export const BODY = {
  [op.OP_HELLO]: v.object({ relay: bytes(32), nonce: bytes(32), loginTimeoutMs: u32 }),
  [op.OP_LOGIN]: v.object({
    peer: bytes(32),
    signature: bytes(64),
    client: text(MAX_CLIENT_VERSION_BYTES),
  }),
  [op.OP_RESUME]: v.object({
    ticket: bytesUpTo(MAX_TICKET_BYTES),
    proof: bytes(32),
    client: text(MAX_CLIENT_VERSION_BYTES),
  }),
  [op.OP_READY]: v.object({
    peer: bytes(32),
    resumed: v.boolean(),
    ticket: bytesUpTo(MAX_TICKET_BYTES),
    secret: bytes(32),
    ticketLifeMs: v.pipe(v.number(), v.integer(), v.minValue(0)),
    limits: v.object({
      frameBytes: u32,
      bundleBytes: u32,
      channels: u32,
      channelCreditBytes: u32,
      sessionCreditBytes: u32,
    }),
  }),
  [op.OP_ERROR]: v.object({
    code: text(64),
    message: text(1024),
    fatal: v.boolean(),
    retryAfterMs: v.optional(u32),
    /** With `drained`. */
    successors: v.optional(successors),
  }),
  [op.OP_MOVING]: v.object({
    leaveInMs: u32,
    retryAfterMs: u32,
    successors: v.optional(successors),
  }),
  [op.OP_PING]: v.object({}),
  [op.OP_PONG]: v.object({}),
  [op.OP_OPEN]: v.object({ to: bytes(32), ...kind }),
  [op.OP_OFFER]: v.object({ label: u32, from: bytes(32), ...kind }),
  [op.OP_ACCEPT]: v.object({ label: u32, credit }),
  [op.OP_REJECT]: v.object({ label: u32 }),
  [op.OP_OPENED]: v.object({ label: u32, credit }),
  /** `initial`: from a relay, the rest of what `offer` or `opened` would have granted; not given back for anything. */
  [op.OP_CREDIT]: v.object({ label: u32, bytes: credit, initial: v.optional(v.boolean()) }),
  [op.OP_CLOSE]: v.object({ label: u32 }),
  [op.OP_CLOSED]: v.object({ label: u32, reason: v.picklist(CLOSE_REASONS) }),
  [op.OP_CONGESTION]: v.object({
    label: u32,
    cause: v.picklist(CONGESTION_CAUSES),
    bytesPerSec: u32,
    dropped: u32,
    over: v.boolean(),
  }),
  ...DIRECTORY_BODY,
} as const;

export type ControlOp = keyof typeof BODY;
export type Body<O extends ControlOp> = v.InferOutput<(typeof BODY)[O]>;
/** A decoded control frame: `op` tells the type of `body`. */
export type Control = { [O in ControlOp]: { op: O; requestId: number; body: Body<O> } }[ControlOp];

const options = { useRecords: false, mapsAsObjects: true, int64AsType: 'number' } as const;
// skipValues (missing in msgpackr's types): undefined would be written as an extension, which every reader refuses.
const packOptions = { ...options, variableMapSize: true, skipValues: [undefined] };
const packr = new Packr(packOptions);
const unpackr = new Unpackr(options);
/** A schema's message may quote the value that was wrong, all 4 KiB of it; an error frame must stay small. */
const MAX_FAULT_CHARACTERS = 200;

export function isControlOp(value: number): value is ControlOp {
  return value in BODY;
}

/** The frame's bytes, on their own (not a view of a shared buffer). */
export function encodeControl<O extends ControlOp>(code: O, requestId: number, body: Body<O>): Uint8Array {
  return new Uint8Array(packr.pack([code, requestId, body]));
}

/**
 * Where the control frame at `start` ends.
 * @throws ProtocolError `bad-frame` when it is truncated or no msgpack of ours, `frame-too-large` beyond 4 KiB, or what a
 *   directory frame may have.
 */
export function controlFrameEnd(frame: Uint8Array, start: number, end: number): number {
  if (frame[start] !== ARRAY_OF_3) throw new ProtocolError('bad-frame', 'A frame must be an array of 3.');
  const mostBytes = op.isDirectoryOp(frame[start + 1] ?? 0) ? MAX_DIRECTORY_FRAME_BYTES : MAX_CONTROL_BYTES;
  const most = Math.min(end, start + mostBytes);
  const after = scanValue(frame, start, most);
  if (after === SCAN_TRUNCATED) {
    if (most < end) {
      throw new ProtocolError(
        'frame-too-large',
        `A control frame of this op may have at most ${mostBytes} bytes.`,
      );
    }
    throw new ProtocolError('bad-frame', 'A control frame is truncated.');
  }
  if (after === SCAN_REFUSED) {
    throw new ProtocolError('bad-frame', 'A control frame has a msgpack type or depth that is not allowed.');
  }
  return after;
}

/**
 * Decodes the control frame in [start, end), as bounded by controlFrameEnd.
 * @throws ProtocolError `unknown-op` or `bad-control`.
 */
export function decodeControl(frame: Uint8Array, start: number, end: number): Control {
  return readLoginForm(frame, start, end) ?? decodeAny(frame, start, end);
}

/** Whatever it is, and however it is written. As decodeControl. */
export function decodeAny(frame: Uint8Array, start: number, end: number): Control {
  // A copy, so that the bytes a decoded body keeps do not pin (or change with) the socket's buffer.
  let whole: unknown;
  try {
    // Not frame.slice: a Buffer, which `ws` hands out, gives a view. This also keeps Buffers out of the bodies.
    whole = unpackr.unpack(new Uint8Array(frame.subarray(start, end)));
  } catch (cause) {
    throw new ProtocolError('bad-frame', `A control frame cannot be decoded: ${(cause as Error).message}`);
  }
  const [code, requestId, body] = whole as [unknown, unknown, unknown];
  if (typeof code !== 'number' || !isControlOp(code)) {
    throw new ProtocolError('unknown-op', `There is no op ${typeof code === 'number' ? code : typeof code}.`);
  }
  const id = v.safeParse(u32, requestId);
  if (!id.success) throw new ProtocolError('bad-control', 'A requestId must be an unsigned 32-bit number.');
  // v.object takes every object, so a body without required fields could be an array or bytes.
  if (Array.isArray(body) || body instanceof Uint8Array) {
    throw new ProtocolError('bad-control', `Op 0x${code.toString(16)}, body: expected a map.`);
  }
  const parsed = v.safeParse(BODY[code], body);
  if (!parsed.success) {
    const issue = parsed.issues[0];
    const path = issue.path?.map((item) => String(item.key)).join('.') || 'body';
    const fault = issue.message.slice(0, MAX_FAULT_CHARACTERS);
    throw new ProtocolError('bad-control', `Op 0x${code.toString(16)}, ${path}: ${fault}.`);
  }
  return { op: code, requestId: id.output, body: parsed.output } as Control;
}
