import * as fc from 'fast-check';
import { Packr, unpack } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import {
  BODY,
  controlFrameEnd,
  decodeControl,
  encodeControl,
  isControlOp,
} from '../../core/protocol/control.ts';
import { ProtocolError } from '../../core/protocol/errors.ts';
import { MAX_CONTROL_BYTES, MAX_DIRECTORY_FRAME_BYTES } from '../../core/protocol/limits.ts';
import * as op from '../../core/protocol/ops.ts';
import { anyControl, BODIES, CONTROL_OPS } from './arbitraries.ts';

const foreign = new Packr({ useRecords: false });
const name = (code: number) => `0x${code.toString(16)}`;
/** As a relay reads it: from a plain array that holds the message. */
const decode = (frame: Uint8Array) => {
  const message = new Uint8Array(frame);
  return decodeControl(message, 0, controlFrameEnd(message, 0, message.length));
};

function errorOf(act: () => unknown): ProtocolError {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(ProtocolError);
    return error as ProtocolError;
  }
  throw new Error('There was no error.');
}

const mostBytes = (code: number) => (op.isDirectoryOp(code) ? MAX_DIRECTORY_FRAME_BYTES : MAX_CONTROL_BYTES);

/** Fields that docs/protocol.md calls optional. Of `peer` and `name` a lookup needs one, and has one here. */
const OPTIONAL: Partial<Record<number, string[]>> = {
  [op.OP_CREDIT]: ['initial'],
  [op.OP_ERROR]: ['retryAfterMs'],
  [op.OP_MOVING]: ['successors'],
  [op.OP_LOOKUP]: ['record'],
  [op.OP_FOUND]: ['peer', 'seenMs', 'record'],
  [op.OP_SEARCH]: ['most'],
  [op.OP_PUBLISH]: ['former'],
  [op.OP_VAULT]: ['vault'],
  [op.OP_POLICY_GET]: ['list', 'after'],
  [op.OP_POLICY_SET]: ['visibility', 'reach', 'allow', 'disallow', 'block', 'unblock'],
  [op.OP_SEND]: ['lifeMs'],
  [op.OP_MAIL]: ['bytes', 'receipt'],
};
/** Integers up to 2^53-1, bytes of any length up to a limit above 300, and texts of a fixed choice. */
const LARGE = new Set(['ticketLifeMs', 'revision', 'seenMs', 'sentMs', 'seq']);
const BLOBS = new Set(['record', 'former', 'vault', 'bytes']);
const CHOICES = new Set(['reason', 'visibility', 'reach', 'list', 'state', 'receipt']);

describe('a control frame', () => {
  it('exists for exactly the ops of docs/protocol.md §3', () => {
    const all = new Set(CONTROL_OPS);
    expect(new Set(Object.keys(BODY).map(Number))).toEqual(all);
    for (let code = 0; code < 256; code++) expect(isControlOp(code)).toBe(all.has(code as never));
    for (const code of [-1, 0.5, 32.5, Number.NaN, 2 ** 32 + 0x20]) expect(isControlOp(code)).toBe(false);
  });

  it.each(CONTROL_OPS.map((code) => [name(code), code] as const))('comes back as it went: %s', (_, code) => {
    const requestId = fc.integer({ min: 0, max: 0xffff_ffff });
    fc.assert(
      fc.property(BODIES[code] as fc.Arbitrary<object>, requestId, (body, id) => {
        const frame = encodeControl(code, id, body as never);
        expect(frame.length).toBeLessThanOrEqual(mostBytes(code));
        expect(controlFrameEnd(frame, 0, frame.length)).toBe(frame.length);
        expect(decode(frame)).toEqual({ op: code, requestId: id, body });
      }),
      { numRuns: 100 },
    );
  });

  it('is read by a msgpack library that knows nothing of us', () => {
    fc.assert(
      fc.property(anyControl, ({ op: code, requestId, body }) => {
        const frame = encodeControl(code, requestId, body as never);
        const [first, second, third] = unpack(frame) as [number, number, Record<string, unknown>];
        expect([first, second]).toEqual([code, requestId]);
        expect(Object.keys(third)).toEqual(Object.keys(body));
      }),
    );
  });

  it('is taken from a library that writes maps its own way, with its keys in any order', () => {
    fc.assert(
      fc.property(anyControl, fc.infiniteStream(fc.nat()), ({ op: code, requestId, body }, random) => {
        const shuffled = Object.entries(body)
          .map((entry) => ({ entry, at: random.next().value as number }))
          .sort((a, b) => a.at - b.at)
          .map(({ entry }) => entry);
        const frame = foreign.pack([code, requestId, Object.fromEntries(shuffled)]);
        expect(decode(frame)).toEqual({ op: code, requestId, body });
      }),
    );
  });

  it('may have fields that this version does not know, and they are dropped', () => {
    const value = fc.oneof(
      fc.string({ maxLength: 20 }),
      fc.integer(),
      fc.constant(null),
      fc.array(fc.nat(), { maxLength: 5 }),
    );
    const extra = fc.dictionary(
      fc.string({ maxLength: 10 }).map((key) => `x-${key}`),
      value,
      { maxKeys: 5 },
    );
    fc.assert(
      fc.property(anyControl, extra, ({ op: code, requestId, body }, more) => {
        const frame = foreign.pack([code, requestId, { ...more, ...body }]);
        fc.pre(frame.length <= mostBytes(code));
        expect(decode(frame)).toEqual({ op: code, requestId, body });
      }),
    );
  });

  it('with a required field left out is bad-control', () => {
    for (const code of CONTROL_OPS) {
      const [body] = fc.sample(BODIES[code] as fc.Arbitrary<object>, { numRuns: 1, seed: 7 });
      for (const key of Object.keys(body!)) {
        if (OPTIONAL[code]?.includes(key)) continue;
        const less: Record<string, unknown> = { ...body };
        delete less[key];
        const error = errorOf(() => decode(foreign.pack([code, 1, less])));
        expect(error.code, `${name(code)} without ${key}`).toBe('bad-control');
        expect(error.message).toContain(key);
      }
    }
  });

  it('with a field of another type is bad-control', () => {
    const wrong = [
      null,
      'text',
      -1,
      1.5,
      Number.NaN,
      2 ** 40,
      true,
      [],
      {},
      new Uint8Array(3),
      new Uint8Array(300),
    ];
    for (const code of CONTROL_OPS) {
      const [body] = fc.sample(BODIES[code] as fc.Arbitrary<object>, { numRuns: 1, seed: 7 });
      for (const [key, good] of Object.entries(body!)) {
        for (const value of wrong) {
          const number = typeof good === 'number' && (value as number) === 2 ** 40 && LARGE.has(key);
          const list = Array.isArray(good) && Array.isArray(value);
          const short =
            good instanceof Uint8Array &&
            value instanceof Uint8Array &&
            (BLOBS.has(key) || (key === 'ticket' && value.length <= 256));
          const sameText = typeof good === 'string' && typeof value === 'string' && !CHOICES.has(key);
          if (number || list || short || sameText || (typeof good === 'boolean' && value === true)) continue;
          const frame = foreign.pack([code, 1, { ...body, [key]: value }]);
          expect(errorOf(() => decode(frame)).code, `${name(code)} ${key} = ${String(value)}`).toBe(
            'bad-control',
          );
        }
      }
    }
  });

  it('leaves out an optional field that is undefined', () => {
    const error = { code: 'busy', message: 'x', fatal: true, retryAfterMs: undefined };
    expect(decode(encodeControl(op.OP_ERROR, 1, error)).body).toEqual({
      code: 'busy',
      message: 'x',
      fatal: true,
    });
    const moving = { leaveInMs: 1, retryAfterMs: 2, successors: undefined };
    expect(decode(encodeControl(op.OP_MOVING, 1, moving)).body).toEqual({ leaveInMs: 1, retryAfterMs: 2 });
  });

  it('may have 4,096 bytes and no more', () => {
    const of = (bytes: number) => {
      const head = Uint8Array.of(0x93, op.OP_PING, 1, 0x81, 0xa1, 0x78, 0xc5, 0, 0);
      const frame = new Uint8Array(bytes);
      frame.set(head);
      new DataView(frame.buffer).setUint16(7, bytes - head.length);
      return frame;
    };
    expect(decode(of(4096))).toEqual({ op: op.OP_PING, requestId: 1, body: {} });
    expect(errorOf(() => decode(of(4097))).code).toBe('frame-too-large');
  });

  it('of the directory may have 66,560 bytes and no more', () => {
    const of = (bytes: number) => {
      const head = Uint8Array.of(0x93, op.OP_INBOX, 1, 0x81, 0xa1, 0x78, 0xc6, 0, 0, 0, 0);
      const frame = new Uint8Array(bytes);
      frame.set(head);
      new DataView(frame.buffer).setUint32(7, bytes - head.length);
      return frame;
    };
    expect(decode(of(66_560))).toEqual({ op: op.OP_INBOX, requestId: 1, body: {} });
    expect(errorOf(() => decode(of(66_561))).code).toBe('frame-too-large');
  });

  it('has memory of its own once decoded, whatever kind of array it was read from', () => {
    const body = { relay: new Uint8Array(32).fill(1), nonce: new Uint8Array(32).fill(2), loginTimeoutMs: 5 };
    const frame = encodeControl(op.OP_HELLO, 0, body);
    for (const socket of [new Uint8Array(60_000), Buffer.alloc(60_000)]) {
      socket.set(frame, 100);
      const decoded = decodeControl(socket, 100, 100 + frame.length).body as typeof body;
      socket.fill(0xee);
      expect(decoded).toEqual(body);
      expect(decoded.relay.constructor).toBe(Uint8Array);
      expect(decoded.nonce.buffer.byteLength).toBeLessThanOrEqual(MAX_CONTROL_BYTES);
    }
  });

  it('tells its fault in a sentence that fits an error frame, however long the text that was wrong', () => {
    const long = 'y'.repeat(3500);
    const frames = [
      foreign.pack([op.OP_CLOSE, 1, { label: long }]),
      foreign.pack([op.OP_CLOSED, 1, { label: 1, reason: long }]),
      foreign.pack([op.OP_PING, long, {}]),
      foreign.pack([long, 1, {}]),
    ];
    for (const frame of frames) {
      const { code, message } = errorOf(() => decode(frame));
      const error = { code, message, fatal: true };
      expect(decode(encodeControl(op.OP_ERROR, 0, error)).body).toEqual(error);
    }
  });

  it('truncated at any offset is bad-frame', () => {
    fc.assert(
      fc.property(anyControl, ({ op: code, requestId, body }) => {
        const frame = encodeControl(code, requestId, body as never);
        const step = Math.max(1, frame.length >> 7);
        for (let end = 0; end < frame.length; end += step) {
          expect(errorOf(() => controlFrameEnd(frame, 0, end)).code).toBe('bad-frame');
        }
      }),
      { numRuns: 50 },
    );
  });
});
