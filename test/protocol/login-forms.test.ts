/** What is read by its form is what the general way would have made of it, and nothing else is read by its form. */
import * as fc from 'fast-check';
import { Packr } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { controlFrameEnd, decodeAny, decodeControl, encodeControl } from '../../core/protocol/control.ts';
import { MAX_CLIENT_VERSION_BYTES, MAX_TICKET_BYTES } from '../../core/protocol/limits.ts';
import { readLoginForm } from '../../core/protocol/login-forms.ts';
import * as op from '../../core/protocol/ops.ts';

const bytes = (least: number, most = least) => fc.uint8Array({ minLength: least, maxLength: most });
const client = fc.oneof(
  fc.constantFrom(
    '',
    'supernode/1',
    'supernode-bench/1',
    'x'.repeat(31),
    'x'.repeat(32),
    'grün',
    '1.0\u0000',
  ),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
);
const requestId = fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xffff_ffff), fc.nat(0xffff_ffff));
const login = fc.record({ peer: bytes(32), signature: bytes(64), client });
const resume = fc.record({ ticket: bytes(0, MAX_TICKET_BYTES + 4), proof: bytes(31, 33), client });
const frame = fc.oneof(
  fc.tuple(requestId, login).map(([id, body]) => encodeControl(op.OP_LOGIN, id, body)),
  fc.tuple(requestId, resume).map(([id, body]) => encodeControl(op.OP_RESUME, id, body)),
);

/** What a reader makes of the frame that begins after `lead` bytes of something else. */
function outcome(decode: typeof decodeControl, one: Uint8Array, lead = 0): unknown {
  const whole = new Uint8Array(lead + one.length);
  whole.set(one, lead);
  try {
    return decode(whole, lead, controlFrameEnd(whole, lead, whole.length));
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return { code, message };
  }
}

describe('a login or resume', () => {
  test('is the same, whichever way it is read', () => {
    fc.assert(
      fc.property(frame, fc.nat(9), (one, lead) => {
        expect(outcome(decodeControl, one, lead)).toEqual(outcome(decodeAny, one));
      }),
    );
  });

  test('with a byte changed, added or cut off is the same too', () => {
    fc.assert(
      fc.property(frame, fc.nat(), fc.nat(255), fc.nat(3), (one, at, byte, how) => {
        let changed = one.slice();
        if (how === 0) changed = changed.slice(0, at % one.length);
        else if (how === 1) changed = new Uint8Array([...changed, byte]);
        else changed[at % one.length] = byte;
        // What comes after the frame is the next frame's.
        expect(outcome(decodeControl, changed)).toEqual(outcome(decodeAny, changed));
      }),
      { numRuns: 1_000 },
    );
  });

  test('of our own clients is read by its form: no bytes of the message are kept', () => {
    const body = {
      peer: new Uint8Array(32).fill(1),
      signature: new Uint8Array(64).fill(2),
      client: 'supernode/1',
    };
    const one = encodeControl(op.OP_LOGIN, 1, body);
    const read = readLoginForm(one, 0, one.length);
    const ticket = new Uint8Array(66).fill(3);
    const other = encodeControl(op.OP_RESUME, 0, { ticket, proof: body.peer, client: 'x'.repeat(31) });
    const resumed = readLoginForm(other, 0, other.length);
    one.fill(0);
    other.fill(0);
    expect(read).toEqual({ op: op.OP_LOGIN, requestId: 1, body });
    expect(resumed).toEqual({
      op: op.OP_RESUME,
      requestId: 0,
      body: { ticket, proof: body.peer, client: 'x'.repeat(31) },
    });
  });

  test('keeps no byte of a Buffer that the next message is read into', () => {
    const message = Buffer.alloc(200);
    const read = (client: string): unknown => {
      const one = encodeControl(op.OP_LOGIN, 1, {
        peer: new Uint8Array(32),
        signature: new Uint8Array(64),
        client,
      });
      message.set(one);
      return readLoginForm(message, 0, one.length)?.body.client;
    };
    expect([read('first'), read('other'), read('first')]).toEqual(['first', 'other', 'first']);
  });

  test('that another library wrote in another order is read the other way', () => {
    const body = { client: 'x', signature: new Uint8Array(64), peer: new Uint8Array(32) };
    const one = new Packr({ useRecords: false, variableMapSize: true }).pack([op.OP_LOGIN, 1, body]);
    expect(readLoginForm(one, 0, one.length)).toBe(null);
    expect(outcome(decodeControl, one)).toMatchObject({ op: op.OP_LOGIN, body: { client: 'x' } });
  });

  test('may have the longest version that there may be, or one with other letters', () => {
    for (const version of ['v'.repeat(MAX_CLIENT_VERSION_BYTES), 'grün', 'v']) {
      const body = { peer: new Uint8Array(32), signature: new Uint8Array(64), client: version };
      expect(outcome(decodeControl, encodeControl(op.OP_LOGIN, 1, body))).toMatchObject({ body });
    }
  });
});
