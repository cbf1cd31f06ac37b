/** What one frame costs before anything is done with it: the layout check, the label, a bundle, a control frame. */
import { type BundleReader, readBundle } from '../../core/protocol/bundle.ts';
import {
  type ControlOp,
  controlFrameEnd,
  decodeControl,
  encodeControl,
} from '../../core/protocol/control.ts';
import {
  dataFrameBytes,
  dataFrameEnd,
  isDataOp,
  readLabel,
  writeDataFrame,
  writeLabel,
} from '../../core/protocol/frame.ts';
import { OP_DATA, OP_LOGIN, OP_OFFER, OP_OPEN } from '../../core/protocol/ops.ts';
import { consume } from './blackhole.ts';
import { numbersFrom } from './numbers.ts';
import { defineSuite, sync, type Work } from './task.ts';

/** A voice packet of G.711 at 20 ms, as everywhere in these benchmarks. */
const PAYLOAD_BYTES = 160;
const BUNDLE_FRAMES = 64;
/** Frames read or patched in an iteration: four bundles. */
const FRAMES = 256;
const BUNDLES = 8;
const CONTROLS = 32;
const AUDIO_DATA = OP_DATA + 1;

const numbers = numbersFrom(1);
const kind = {
  reliable: true,
  priority: 2,
  lifeMs: 0,
  credit: 65_536,
  protocol: 'chat',
};
/** Bodies as peers send them; docs/protocol.md §11 has the same ones in bytes. */
const LOGIN = { peer: numbers.bytes(32), signature: numbers.bytes(64), client: 'supernode-js/0.1.0' };
const OPEN = { to: numbers.bytes(32), ...kind };
const OFFER = { label: 0x0010_0002, from: numbers.bytes(32), ...kind };

const frame = { frameBytes: dataFrameBytes(PAYLOAD_BYTES), payloadBytes: PAYLOAD_BYTES };
const control = { operations: CONTROLS };

export const frameSuite = defineSuite({
  suite: 'frame',
  tasks: {
    read: { title: 'Check a data frame and read its label', operations: FRAMES, parameters: frame },
    patch: { title: "Overwrite a data frame's label", operations: FRAMES, parameters: frame },
    'bundle-read': {
      title: 'Read a bundle of 64 frames',
      operations: BUNDLES,
      parameters: { ...frame, frames: BUNDLE_FRAMES },
    },
    'bundle-write': {
      title: 'Write a bundle of 64 frames',
      operations: BUNDLES,
      parameters: { ...frame, frames: BUNDLE_FRAMES },
    },
    'encode-login': { title: 'Encode a login', ...control, parameters: bytesOf(OP_LOGIN, LOGIN) },
    'decode-login': {
      title: 'Scan, decode and check a login',
      ...control,
      parameters: bytesOf(OP_LOGIN, LOGIN),
    },
    'encode-open': { title: 'Encode an open', ...control, parameters: bytesOf(OP_OPEN, OPEN) },
    'decode-open': {
      title: 'Scan, decode and check an open',
      ...control,
      parameters: bytesOf(OP_OPEN, OPEN),
    },
    'encode-offer': { title: 'Encode an offer', ...control, parameters: bytesOf(OP_OFFER, OFFER) },
    'decode-offer': {
      title: 'Scan, decode and check an offer',
      ...control,
      parameters: bytesOf(OP_OFFER, OFFER),
    },
  },
  async open() {
    return {
      work: {
        read: sync(read),
        patch: sync(patch),
        'bundle-read': sync(readBundles),
        'bundle-write': sync(writeBundles),
        'encode-login': encoding(OP_LOGIN, LOGIN),
        'decode-login': decoding(OP_LOGIN, LOGIN),
        'encode-open': encoding(OP_OPEN, OPEN),
        'decode-open': decoding(OP_OPEN, OPEN),
        'encode-offer': encoding(OP_OFFER, OFFER),
        'decode-offer': decoding(OP_OFFER, OFFER),
      },
      close: async () => {},
    };
  },
});

const payload = numbers.bytes(PAYLOAD_BYTES);
const frames = bundleOf(FRAMES);
const bundle = bundleOf(BUNDLE_FRAMES);
const written = new Uint8Array(bundle.length);

function bundleOf(count: number): Uint8Array {
  const bytes = new Uint8Array(count * dataFrameBytes(PAYLOAD_BYTES));
  let at = 0;
  for (let i = 0; i < count; i++) at = writeDataFrame(bytes, at, AUDIO_DATA, 0x0010_0000 + i, payload);
  return bytes;
}

function read(): void {
  for (let at = 0; at < frames.length; ) {
    const after = dataFrameEnd(frames, at, frames.length);
    consume(isDataOp(frames[at + 1]!) ? readLabel(frames, at) : after);
    at = after;
  }
}

let patches = 0;
function patch(): void {
  patches = (patches + 1) & 0xffff;
  const { frameBytes } = frame;
  for (let at = 0; at < frames.length; at += frameBytes) writeLabel(frames, at, 0x0010_0000 + at + patches);
  // The stores are to memory that `read` reads; one of them, here, changes every time.
  consume(frames[frames.length - frameBytes + 6]! + patches);
}

const reader: BundleReader = {
  data(op, label, bytes, size) {
    consume(op + label + size + bytes[bytes.length - 1]!);
  },
  control() {
    throw new Error('There is no control frame in this bundle.');
  },
};

function readBundles(): void {
  for (let i = 0; i < BUNDLES; i++) readBundle(bundle, reader);
}

function writeBundles(): void {
  for (let i = 0; i < BUNDLES; i++) {
    let at = 0;
    for (let n = 0; n < BUNDLE_FRAMES; n++) at = writeDataFrame(written, at, AUDIO_DATA, i + n, payload);
    consume(at + written[at - 1]!);
  }
}

function encoding<O extends ControlOp>(op: O, body: Parameters<typeof encodeControl<O>>[2]): Work {
  return sync(() => {
    for (let i = 0; i < CONTROLS; i++) {
      const bytes = encodeControl(op, i, body);
      consume(bytes[3]! + bytes.length);
    }
  });
}

function decoding<O extends ControlOp>(op: O, body: Parameters<typeof encodeControl<O>>[2]): Work {
  const bytes = encodeControl(op, 7, body);
  return sync(() => {
    for (let i = 0; i < CONTROLS; i++) {
      const end = controlFrameEnd(bytes, 0, bytes.length);
      const decoded = decodeControl(bytes, 0, end);
      consume(decoded.op + decoded.requestId + end);
    }
  });
}

function bytesOf<O extends ControlOp>(
  op: O,
  body: Parameters<typeof encodeControl<O>>[2],
): { bytes: number } {
  return { bytes: encodeControl(op, 7, body).length };
}
