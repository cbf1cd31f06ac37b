import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readBundle } from '../../core/protocol/bundle.ts';
import { type Control, encodeControl } from '../../core/protocol/control.ts';
import { ProtocolError } from '../../core/protocol/errors.ts';
import { dataFrameBytes } from '../../core/protocol/frame.ts';
import { MAX_BUNDLE_BYTES, MAX_PAYLOAD_BYTES } from '../../core/protocol/limits.ts';
import { BundleWriter } from '../fixtures/bundle-writer.ts';
import { anyControl, dataFrame, dataOp, u32 } from './arbitraries.ts';
import { hexOf } from './vectors.ts';

type Frame =
  | { kind: 'data'; op: number; label: number; payload: string }
  | { kind: 'control'; op: number; requestId: number; body: unknown };

const shortData = fc.record({ op: dataOp, label: u32, payload: fc.uint8Array({ maxLength: 600 }) });
const mixed = (data: fc.Arbitrary<{ op: number; label: number; payload: Uint8Array }>) =>
  fc.array(
    fc.oneof(
      { weight: 3, arbitrary: data.map((frame) => ({ kind: 'data' as const, ...frame })) },
      { weight: 1, arbitrary: anyControl.map((frame) => ({ kind: 'control' as const, ...frame })) },
    ),
    { maxLength: 12 },
  );

type Mixed = ReturnType<typeof mixed> extends fc.Arbitrary<(infer F)[]> ? F : never;

/** Two vaults are more than a bundle may hold. */
function addIfItFits(writer: BundleWriter, frame: Mixed): void {
  if (frame.kind === 'data') {
    if (writer.fits(dataFrameBytes(frame.payload.length)))
      writer.addData(frame.op, frame.label, frame.payload);
    return;
  }
  const bytes = encodeControl(frame.op, frame.requestId, frame.body as never);
  if (writer.fits(bytes.length)) writer.addControl(bytes);
}

/** All frames of a bundle in order, and the bytes that they took. */
function readAll(bundle: Uint8Array): { frames: Frame[]; dataBytes: number } {
  const frames: Frame[] = [];
  let dataBytes = 0;
  readBundle(bundle, {
    data(op, label, payload, frameBytes) {
      frames.push({ kind: 'data', op, label, payload: hexOf(payload) });
      dataBytes += frameBytes;
    },
    control(frame: Control) {
      frames.push({ kind: 'control', op: frame.op, requestId: frame.requestId, body: frame.body });
    },
  });
  return { frames, dataBytes };
}

/** Reads; nothing but a ProtocolError may come out. Gives the frames that were read before it, and its code. */
function readUntilError(bundle: Uint8Array): { frames: number; code: string | undefined } {
  let frames = 0;
  try {
    readBundle(bundle, { data: () => frames++, control: () => frames++ });
  } catch (error) {
    expect(error).toBeInstanceOf(ProtocolError);
    return { frames, code: (error as ProtocolError).code };
  }
  return { frames, code: undefined };
}

const ofCodec = new Set(['bad-frame', 'bad-control', 'unknown-op', 'frame-too-large']);

describe('a bundle', () => {
  it('gives back the frames that were written, in their order, over as many bundles as they need', () => {
    fc.assert(
      fc.property(fc.array(mixed(dataFrame), { minLength: 1, maxLength: 2 }), (rounds) => {
        const writer = new BundleWriter();
        const bundles: Uint8Array[] = [];
        const expected: Frame[] = [];
        const room = (bytes: number) => {
          if (!writer.fits(bytes)) bundles.push(writer.take());
          expect(writer.fits(bytes)).toBe(true);
        };
        let dataBytes = 0;
        for (const frame of rounds.flat()) {
          const before = writer.bytes;
          if (frame.kind === 'data') {
            room(dataFrameBytes(frame.payload.length));
            writer.addData(frame.op, frame.label, frame.payload);
            dataBytes += dataFrameBytes(frame.payload.length);
            expected.push({ ...frame, payload: hexOf(frame.payload) });
          } else {
            const encoded = encodeControl(frame.op, frame.requestId, frame.body as never);
            room(encoded.length);
            writer.addControl(encoded);
            expected.push(frame);
          }
          expect(writer.bytes).not.toBe(before);
        }
        bundles.push(writer.take());
        expect(writer.bytes).toBe(0);
        for (const bundle of bundles) expect(bundle.length).toBeLessThanOrEqual(MAX_BUNDLE_BYTES);
        const read = bundles.map(readAll);
        expect(read.flatMap(({ frames }) => frames)).toEqual(expected);
        expect(read.reduce((sum, one) => sum + one.dataBytes, 0)).toBe(dataBytes);
      }),
      { numRuns: 60 },
    );
  });

  it('that was taken is not changed by what is written next', () => {
    const writer = new BundleWriter();
    writer.addData(0x10, 0x10000, Uint8Array.of(1, 2, 3));
    const first = writer.take();
    const copy = hexOf(first);
    writer.addData(0x14, 0xffffffff, new Uint8Array(100).fill(9));
    expect(hexOf(first)).toBe(copy);
    expect(first.buffer.byteLength).toBe(first.length);
  });

  it('holds two of the largest frames and not one byte more', () => {
    const writer = new BundleWriter();
    const largest = new Uint8Array(MAX_PAYLOAD_BYTES);
    writer.addData(0x13, 0x10000, largest);
    expect(writer.fits(dataFrameBytes(MAX_PAYLOAD_BYTES))).toBe(true);
    writer.addData(0x13, 0x10000, largest);
    expect(writer.bytes).toBe(MAX_BUNDLE_BYTES);
    expect(writer.fits(1)).toBe(false);
    expect(readAll(writer.take()).frames.length).toBe(2);
  });

  it('may be empty', () => {
    expect(readAll(new Uint8Array(0)).frames).toEqual([]);
    expect(new BundleWriter().take().length).toBe(0);
  });

  it('cut at any offset gives the whole frames before the cut and then bad-frame', () => {
    fc.assert(
      fc.property(mixed(shortData), (frames) => {
        const writer = new BundleWriter();
        const ends = [0];
        for (const frame of frames) {
          addIfItFits(writer, frame);
          if (writer.bytes > ends.at(-1)!) ends.push(writer.bytes);
        }
        const bundle = writer.take();
        const step = Math.max(1, bundle.length >> 7);
        for (let cut = 0; cut < bundle.length; cut += step) {
          // A copy without the rest, and a view with the rest behind it, must be read alike.
          const whole = ends.filter((end) => end <= cut).length - 1;
          const code = ends.includes(cut) ? undefined : 'bad-frame';
          expect(readUntilError(bundle.slice(0, cut))).toEqual({ frames: whole, code });
          expect(readUntilError(bundle.subarray(0, cut))).toEqual({ frames: whole, code });
        }
      }),
      { numRuns: 40 },
    );
  });

  it('of random bytes raises nothing but a ProtocolError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        const { code } = readUntilError(bytes);
        expect(code === undefined ? bytes.length === 0 || bytes[0] === 0x93 : ofCodec.has(code)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('of random bytes behind the first byte of a frame and an op raises nothing but a ProtocolError', () => {
    const op = fc.oneof(fc.integer({ min: 0x10, max: 0x38 }), fc.nat(255));
    fc.assert(
      fc.property(op, fc.uint8Array({ maxLength: 200 }), (code, bytes) => {
        const result = readUntilError(Uint8Array.from([0x93, code, ...bytes]));
        expect(result.code === undefined || ofCodec.has(result.code)).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  it('with bytes overwritten, left out or doubled raises nothing but a ProtocolError', () => {
    const change = fc.tuple(fc.constantFrom('set', 'cut', 'copy'), fc.nat(), fc.nat(40), fc.nat(255));
    fc.assert(
      fc.property(mixed(shortData), fc.array(change, { minLength: 1, maxLength: 5 }), (frames, changes) => {
        const writer = new BundleWriter();
        for (const frame of frames) addIfItFits(writer, frame);
        let bytes = [...writer.take()];
        for (const [how, where, length, value] of changes) {
          if (bytes.length === 0) break;
          const at = where % bytes.length;
          if (how === 'set') bytes[at] = value;
          else if (how === 'cut') bytes.splice(at, length);
          else bytes = [...bytes.slice(0, at + length), ...bytes.slice(at)];
        }
        const { code } = readUntilError(Uint8Array.from(bytes));
        expect(code === undefined || ofCodec.has(code)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('hands out each payload as a view of itself: nothing is copied', () => {
    const writer = new BundleWriter();
    writer.addData(0x10, 0x10000, Uint8Array.of(1, 2, 3));
    const bundle = writer.take();
    readBundle(bundle, {
      control() {},
      data: (_op, _label, payload) => expect(payload.buffer).toBe(bundle.buffer),
    });
    expect.assertions(1);
  });
});
