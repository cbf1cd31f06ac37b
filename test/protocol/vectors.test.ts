import { createHmac, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { unpack } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { readBundle } from '../../core/protocol/bundle.ts';
import {
  type Control,
  controlFrameEnd,
  decodeControl,
  encodeControl,
  isControlOp,
} from '../../core/protocol/control.ts';
import { offerOf } from '../../core/protocol/early-resume.ts';
import { ProtocolError, WIRE_ERROR_CODES } from '../../core/protocol/errors.ts';
import {
  dataFrameBytes,
  dataFrameEnd,
  isDataOp,
  isEndOp,
  payloadStart,
  readLabel,
  writeDataFrame,
} from '../../core/protocol/frame.ts';
import { earlyText, loginText, resumeText } from '../../core/protocol/login-text.ts';
import { SUBPROTOCOL } from '../../core/protocol/names.ts';
import { PRIORITIES } from '../../core/protocol/ops.ts';
import { parsePeerId, peerIdOf } from '../../core/protocol/peer-id.ts';
import { CONTROL_OPS } from './arbitraries.ts';
import {
  badVectors,
  bodyOf,
  bytesOf,
  controlVectors,
  type FrameVector,
  frameVectors,
  hexOf,
  loginVectors,
  messageOf,
  peerIdVectors,
} from './vectors.ts';

const nowhere = { data() {}, control() {} };

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(ProtocolError);
    return (error as ProtocolError).code;
  }
  return 'no error';
}

describe('frames.json', () => {
  const payloadOf = (vector: FrameVector) => {
    const rule = vector.payloadRule;
    if (!rule) return bytesOf(vector.payload!);
    return Uint8Array.from(
      { length: vector.payloadBytes },
      (_, i) => (rule.times * i + rule.plus) % rule.modulo,
    );
  };
  const frameOf = (vector: FrameVector) =>
    vector.hex === undefined ? bytesOf(vector.headerHex! + hexOf(payloadOf(vector))) : bytesOf(vector.hex);

  it('has every class, every end of stream and every length at which the layout changes', () => {
    for (const name of PRIORITIES) {
      expect(frameVectors.some((vector) => vector.class === name && vector.end)).toBe(true);
      expect(frameVectors.some((vector) => vector.class === name && !vector.end)).toBe(true);
    }
    const lengths = new Set(frameVectors.map((vector) => vector.payloadBytes));
    for (const length of [0, 1, 255, 256, 65_526]) expect(lengths).toContain(length);
  });

  it.each(frameVectors.filter((vector) => !vector.decodeOnly))('is written: $description', (vector) => {
    const payload = payloadOf(vector);
    const into = new Uint8Array(vector.frameBytes);
    expect(dataFrameBytes(payload.length)).toBe(vector.frameBytes);
    expect(writeDataFrame(into, 0, vector.op, vector.label, payload)).toBe(vector.frameBytes);
    expect(hexOf(into)).toBe(hexOf(frameOf(vector)));
  });

  it.each(frameVectors)('is read: $description', (vector) => {
    const frame = frameOf(vector);
    expect(isDataOp(frame[1]!)).toBe(true);
    expect(isEndOp(frame[1]!)).toBe(vector.end);
    expect(PRIORITIES[frame[1]! & 7]).toBe(vector.class);
    expect(frame[1]).toBe(vector.op);
    expect(readLabel(frame, 0)).toBe(vector.label);
    expect(dataFrameEnd(frame, 0, frame.length)).toBe(vector.frameBytes);
    expect(hexOf(frame.subarray(payloadStart(frame, 0)))).toBe(hexOf(payloadOf(vector)));
  });

  it.each(frameVectors)('is msgpack: $description', (vector) => {
    const [op, label, payload] = unpack(frameOf(vector)) as [number, number, Uint8Array];
    expect([op, label, hexOf(payload)]).toEqual([vector.op, vector.label, hexOf(payloadOf(vector))]);
  });
});

describe('control.json', () => {
  it('has every control op', () => {
    expect(new Set(controlVectors.map((vector) => vector.op))).toEqual(new Set(CONTROL_OPS));
  });

  it.each(controlVectors.filter((vector) => !vector.decodeOnly))(
    'is written: $name, $description',
    (vector) => {
      const body = bodyOf(vector.body) as Control['body'];
      expect(hexOf(encodeControl(vector.op, vector.requestId, body as never))).toBe(vector.hex);
    },
  );

  it.each(controlVectors)('is read: $name, $description', (vector) => {
    expect(isControlOp(vector.op)).toBe(true);
    const frame = bytesOf(vector.hex);
    expect(controlFrameEnd(frame, 0, frame.length)).toBe(frame.length);
    expect(decodeControl(frame, 0, frame.length)).toEqual({
      op: vector.op,
      requestId: vector.requestId,
      body: bodyOf(vector.body),
    });
  });
});

describe('login.json', () => {
  const PKCS8 = '302e020100300506032b657004220420';
  const SPKI = '302a300506032b6570032100';
  const der = (hex: string) => Buffer.from(hex, 'hex');

  it.each(loginVectors)('gives the login text and its signature: $description', (vector) => {
    const text = loginText(bytesOf(vector.relay), bytesOf(vector.nonce), bytesOf(vector.peer), vector.client);
    expect(hexOf(text)).toBe(vector.loginText);
    const key = createPrivateKey({ key: der(PKCS8 + vector.seed), format: 'der', type: 'pkcs8' });
    expect(hexOf(sign(null, text, key))).toBe(vector.signature);
    expect(createPublicKey(key).export({ format: 'der', type: 'spki' }).toString('hex')).toBe(
      SPKI + vector.peer,
    );
    const peer = createPublicKey({ key: der(SPKI + vector.peer), format: 'der', type: 'spki' });
    expect(verify(null, text, peer, bytesOf(vector.signature))).toBe(true);
  });

  it.each(loginVectors)('gives the resume text and its proof: $description', (vector) => {
    const text = resumeText(bytesOf(vector.relay), bytesOf(vector.nonce), vector.client);
    expect(hexOf(text)).toBe(vector.resumeText);
    expect(createHmac('sha256', bytesOf(vector.secret)).update(text).digest('hex')).toBe(vector.proof);
  });

  it.each(loginVectors)('gives the early text, its proof and the subprotocol: $description', (vector) => {
    const { ageMs, client } = vector;
    const text = earlyText(bytesOf(vector.relay), ageMs, client);
    expect(hexOf(text)).toBe(vector.earlyText);
    expect(createHmac('sha256', bytesOf(vector.secret)).update(text).digest('hex')).toBe(vector.earlyProof);
    const [ticket, proof] = [bytesOf(vector.ticket), bytesOf(vector.earlyProof)];
    expect(offerOf({ ticket, proof, ageMs, client })).toEqual([SUBPROTOCOL, vector.subprotocol]);
  });
});

describe('peer-id.json', () => {
  it.each(peerIdVectors.valid)('is written and read: $description', (vector) => {
    expect(peerIdOf(bytesOf(vector.publicKey))).toBe(vector.id);
    const parsed = parsePeerId(vector.id);
    expect(parsed.id).toBe(vector.id);
    expect(hexOf(parsed.publicKey)).toBe(vector.publicKey);
  });

  it.each(peerIdVectors.read)('is read: $description', (vector) => {
    expect(parsePeerId(vector.text).id).toBe(vector.id);
  });

  it.each(peerIdVectors.invalid)('is refused: $description', (vector) => {
    expect(() => parsePeerId(vector.text)).toThrowError(expect.objectContaining({ code: 'bad-peer-id' }));
  });
});

describe('bad.json', () => {
  it('expects of each message either an error of the protocol or a counted drop', () => {
    for (const vector of badVectors) {
      expect(vector.error === undefined, vector.description).toBe(vector.drop !== undefined);
      if (vector.error !== undefined) expect(WIRE_ERROR_CODES).toContain(vector.error);
      expect(vector.hex === undefined, vector.description).toBe(vector.text !== undefined);
    }
  });

  const binary = badVectors.filter((vector) => vector.hex !== undefined);

  it.each(binary.filter((vector) => vector.by === 'codec'))(
    '$error for any reader: $description',
    (vector) => {
      expect(codeOf(() => readBundle(messageOf(vector), nowhere))).toBe(vector.error);
    },
  );

  it.each(binary.filter((vector) => vector.by === 'relay'))(
    'is well-formed, for the relay to refuse: $description',
    (vector) => {
      let frames = 0;
      readBundle(messageOf(vector), { data: () => frames++, control: () => frames++ });
      // News of a later version is well-formed, and passed over.
      expect(frames).toBe(/^93(39|3[a-f])/.test(vector.hex ?? '') ? 0 : 1);
    },
  );
});
