import * as fc from 'fast-check';
import { Packr, pack, unpack, unpackMultiple } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { dataFrameError, readBundle } from '../../core/protocol/bundle.ts';
import {
  dataFrameBytes,
  dataFrameEnd,
  FRAME_MALFORMED,
  FRAME_TOO_LARGE,
  FRAME_TRUNCATED,
  isDataOp,
  isEndOp,
  payloadStart,
  readLabel,
  writeDataFrame,
  writeLabel,
} from '../../core/protocol/frame.ts';
import { MAX_FRAME_BYTES, MAX_PAYLOAD_BYTES } from '../../core/protocol/limits.ts';
import { dataFrame, payload, u32 } from './arbitraries.ts';

/** The plain model: docs/protocol.md §4, with no thought of speed. */
function model(op: number, label: number, body: Uint8Array): Buffer {
  const head = Buffer.alloc(body.length < 256 ? 9 : 10);
  head.writeUInt8(0x93, 0);
  head.writeUInt8(op, 1);
  head.writeUInt8(0xce, 2);
  head.writeUInt32BE(label, 3);
  head.writeUInt8(body.length < 256 ? 0xc4 : 0xc5, 7);
  if (body.length < 256) head.writeUInt8(body.length, 8);
  else head.writeUInt16BE(body.length, 8);
  return Buffer.concat([head, body]);
}

function written(op: number, label: number, body: Uint8Array): Uint8Array {
  const into = new Uint8Array(dataFrameBytes(body.length));
  expect(writeDataFrame(into, 0, op, label, body)).toBe(into.length);
  return into;
}

/** An array that fails the test when anything at or beyond `end` is read. */
function fenced(bytes: Uint8Array, end: number): Uint8Array {
  return new Proxy(bytes, {
    get(target, key) {
      if (typeof key === 'string' && /^\d+$/.test(key) && Number(key) >= end) {
        throw new Error(`Byte ${key} was read, but only ${end} may be.`);
      }
      return Reflect.get(target, key, target);
    },
  });
}

describe('a data frame', () => {
  it('has the bytes of the plain model, at any offset, and nothing around it is touched', () => {
    fc.assert(
      fc.property(dataFrame, fc.nat(20), ({ op, label, payload }, at) => {
        const expected = model(op, label, payload);
        const into = new Uint8Array(at + expected.length + 5).fill(0xaa);
        expect(writeDataFrame(into, at, op, label, payload)).toBe(at + expected.length);
        expect(Buffer.compare(into.subarray(at, at + expected.length), expected)).toBe(0);
        expect(into.subarray(0, at).every((byte) => byte === 0xaa)).toBe(true);
        expect(into.subarray(at + expected.length).every((byte) => byte === 0xaa)).toBe(true);
      }),
    );
  });

  it('comes back as it went, from the middle of other bytes', () => {
    fc.assert(
      fc.property(dataFrame, fc.nat(20), fc.nat(20), ({ op, label, payload }, before, after) => {
        const frame = model(op, label, payload);
        const bytes = Buffer.concat([Buffer.alloc(before, 0x93), frame, Buffer.alloc(after, 0x93)]);
        const end = dataFrameEnd(bytes, before, bytes.length);
        expect(end).toBe(before + frame.length);
        expect(readLabel(bytes, before)).toBe(label);
        expect(Buffer.compare(bytes.subarray(payloadStart(bytes, before), end), payload)).toBe(0);
      }),
    );
  });

  it('is read by a msgpack library that knows nothing of us', () => {
    fc.assert(
      fc.property(fc.array(dataFrame, { minLength: 1, maxLength: 4 }), (frames) => {
        const bundle = Buffer.concat(frames.map(({ op, label, payload }) => written(op, label, payload)));
        const values = unpackMultiple(bundle) as [number, number, Uint8Array][];
        expect(values.length).toBe(frames.length);
        values.forEach(([op, label, body], i) => {
          expect([op, label]).toEqual([frames[i]!.op, frames[i]!.label]);
          expect(Buffer.compare(body, frames[i]!.payload)).toBe(0);
        });
      }),
    );
  });

  it('is written by a msgpack library that knows nothing of us, for labels from 65,536', () => {
    const label = fc.integer({ min: 0x10000, max: 0xffff_ffff });
    fc.assert(
      fc.property(dataFrame, label, ({ op, payload }, at) => {
        const plain = pack([op, at, payload]);
        expect(Buffer.compare(plain, model(op, at, payload))).toBe(0);
        const other = new Packr({ useRecords: false }).pack([op, at, Buffer.from(payload)]);
        expect(Buffer.compare(other, plain)).toBe(0);
      }),
    );
  });

  it('would not be written by it for a label below 65,536, which is why a relay gives none', () => {
    expect(dataFrameEnd(pack([0x12, 0xffff, Buffer.alloc(20)]), 0, 29)).toBe(FRAME_MALFORMED);
  });

  it('gets another label and is otherwise left as it was', () => {
    fc.assert(
      fc.property(dataFrame, u32, ({ op, label, payload }, other) => {
        const frame = model(op, label, payload);
        writeLabel(frame, 0, other);
        expect(Buffer.compare(frame, model(op, other, payload))).toBe(0);
        expect((unpack(frame) as number[])[1]).toBe(other);
      }),
    );
  });

  it('is truncated at every offset short of its end, whatever bytes lie beyond', () => {
    const short = payload.filter((body) => body.length < 1000);
    fc.assert(
      fc.property(short, u32, fc.nat(255), (body, label, poison) => {
        const frame = model(0x13, label, body);
        for (let end = 0; end < frame.length; end++) {
          const bytes = new Uint8Array(frame);
          bytes.fill(poison, end);
          expect(dataFrameEnd(fenced(bytes, end), 0, end)).toBe(FRAME_TRUNCATED);
        }
        expect(dataFrameEnd(fenced(frame, frame.length), 0, frame.length)).toBe(frame.length);
      }),
      { numRuns: 20 },
    );
  });

  it('may have a payload of 65,526 bytes and no more', () => {
    expect(dataFrameBytes(MAX_PAYLOAD_BYTES)).toBe(MAX_FRAME_BYTES);
    const frame = new Uint8Array(70_000);
    frame.set([0x93, 0x10, 0xce, 0, 1, 0, 0, 0xc5, 0, 0]);
    const view = new DataView(frame.buffer);
    for (const length of [0, 1, 255, 256, 65_526]) {
      view.setUint16(8, length);
      expect(dataFrameEnd(frame, 0, frame.length)).toBe(10 + length);
    }
    for (const length of [65_527, 65_535]) {
      view.setUint16(8, length);
      expect(dataFrameEnd(frame, 0, frame.length)).toBe(FRAME_TOO_LARGE);
    }
  });

  it('has no other label than a uint 32 and no other payload than a bin 8 or bin 16', () => {
    const frame = model(0x10, 0x10000, new Uint8Array(300));
    for (let byte = 0; byte < 256; byte++) {
      const label = Buffer.from(frame);
      label[2] = byte;
      expect(dataFrameEnd(label, 0, label.length)).toBe(byte === 0xce ? frame.length : FRAME_MALFORMED);
      const body = Buffer.from(frame);
      body[7] = byte;
      const good = byte === 0xc5 ? frame.length : byte === 0xc4 ? 9 + body[8]! : FRAME_MALFORMED;
      expect(dataFrameEnd(body, 0, body.length)).toBe(good);
    }
  });

  it('has the op of one of the five classes, with or without the bit of the end', () => {
    const data = [0x10, 0x11, 0x12, 0x13, 0x14];
    const ends = [0x18, 0x19, 0x1a, 0x1b, 0x1c];
    for (let op = 0; op < 256; op++) expect(isDataOp(op)).toBe(data.includes(op) || ends.includes(op));
    for (const op of data) expect(isEndOp(op)).toBe(false);
    for (const op of ends) expect(isEndOp(op)).toBe(true);
  });

  it('tells its fault by the code of docs/protocol.md §10', () => {
    expect(dataFrameError(FRAME_TRUNCATED).code).toBe('bad-frame');
    expect(dataFrameError(FRAME_MALFORMED).code).toBe('bad-frame');
    expect(dataFrameError(FRAME_TOO_LARGE).code).toBe('frame-too-large');
  });

  it('costs in credit the bytes that it had on the wire, also with a longer header than it needs', () => {
    const costs: number[] = [];
    const reader = {
      control() {},
      data: (_op: number, _label: number, _payload: Uint8Array, n: number) => costs.push(n),
    };
    const plain = model(0x12, 0x10000, new Uint8Array(3));
    const wide = Buffer.concat([plain.subarray(0, 7), Buffer.from([0xc5, 0, 3]), new Uint8Array(3)]);
    readBundle(Buffer.concat([plain, wide]), reader);
    expect(costs).toEqual([12, 13]);
  });
});
