import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Found, Receiver } from '../../../bench/load/dialect.ts';
import { channelData } from '../../../bench/load/turn/channel-data.ts';
import * as stun from '../../../bench/load/turn/stun.ts';
import { TurnPeer } from '../../../bench/load/turn/turn-peer.ts';

const bytes = (minLength: number, maxLength: number) => fc.uint8Array({ minLength, maxLength });
const message = fc.record<stun.StunMessage>({
  kind: fc.constantFrom('request', 'indication', 'success', 'error'),
  method: fc.integer({ min: 0, max: 0xfff }),
  transactionId: bytes(12, 12),
  attributes: fc.array(fc.record({ type: fc.integer({ min: 0, max: 0xffff }), value: bytes(0, 40) }), {
    maxLength: 8,
  }),
});
const address = fc.record({
  host: fc.ipV4(),
  port: fc.integer({ min: 0, max: 0xffff }),
});

test('what is encoded is decoded alike', () => {
  fc.assert(
    fc.property(message, (given) => {
      const encoded = stun.encodeStun(given);
      expect(encoded.length % 4).toBe(0);
      expect(stun.decodeStun(encoded)).toEqual(given);
    }),
  );
});

test('addresses come back from their XOR form', () => {
  fc.assert(
    fc.property(address, (given) => {
      expect(stun.readXorAddress(stun.xorAddress(given))).toEqual(given);
    }),
  );
});

// RFC 5769 §2.2: the sample IPv4 response, whose header and XOR-MAPPED-ADDRESS are known.
test('the sample response of RFC 5769 is read as it says', () => {
  const sample = Buffer.from(
    '0101003c2112a442b7e7a701bc34d686fa87dfae' +
      '8022000b7465737420766563746f7220' +
      '002000080001a147e112a643' +
      '000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7' +
      '80280004c07d4c96',
    'hex',
  );
  const read = stun.decodeStun(sample);
  expect(read).toMatchObject({ kind: 'success', method: stun.METHOD.binding });
  expect(Buffer.from(stun.findAttribute(read, 0x8022)!).toString()).toBe('test vector');
  expect(stun.readXorAddress(stun.findAttribute(read, 0x0020)!)).toEqual({ host: '192.0.2.1', port: 32853 });
});

test('requests have the type and attributes that RFC 8656 gives them', () => {
  const transactionId = new Uint8Array(12);
  const allocate = stun.encodeStun({
    kind: 'request',
    method: stun.METHOD.allocate,
    transactionId,
    attributes: [stun.REQUESTED_UDP],
  });
  expect(allocate.toString('hex')).toBe(`000300082112a442${'00'.repeat(12)}0019000411000000`);
  expect(stun.channelNumberValue(0x4001).toString('hex')).toBe('40010000');
});

test('an error says its code and reason', () => {
  const value = Buffer.concat([Buffer.of(0, 0, 4, 3), Buffer.from('Forbidden IP')]);
  const refused: stun.StunMessage = {
    kind: 'error',
    method: stun.METHOD.channelBind,
    transactionId: new Uint8Array(12),
    attributes: [{ type: stun.ATTRIBUTE.errorCode, value }],
  };
  expect(stun.readErrorCode(refused)).toBe('403 Forbidden IP');
  expect(stun.readErrorCode({ ...refused, attributes: [] })).toMatch(/without a code/);
});

/** Valid messages with bytes changed, cut off or added, and plain noise. */
const hostile = fc.oneof(
  bytes(0, 200).map((noise) => Buffer.from(noise)),
  fc
    .tuple(
      message,
      fc.array(fc.tuple(fc.nat(250), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
      fc.nat(250),
    )
    .map(([valid, changes, cut]) => {
      const encoded = stun.encodeStun(valid);
      for (const [at, value] of changes) if (at < encoded.length) encoded[at] = value;
      return encoded.subarray(0, cut);
    }),
  fc
    .tuple(bytes(0, 60), fc.nat(3))
    .map(([payload, extra]) =>
      Buffer.concat([channelData(0x4000 + extra, payload, true), Buffer.alloc(extra)]),
    ),
);

test('hostile bytes are refused with an Error or read within their bounds', () => {
  fc.assert(
    fc.property(hostile, (given) => {
      try {
        const read = stun.decodeStun(given);
        expect(stun.encodeStun(read).length).toBe(given.length);
      } catch (error) {
        expect((error as Error).message).toMatch(/STUN/);
      }
    }),
    { numRuns: 1000 },
  );
});

const silent: Receiver = {
  bytes() {},
  messageEnded() {},
  readEnded() {},
  drained() {},
  broken() {},
};

for (const stream of [true, false]) {
  test(`a TURN peer reads hostile ${stream ? 'streams' : 'datagrams'} within their bounds, and always gets on`, () => {
    const transport = { stream, connect: () => Promise.reject(new Error('not in this test')) };
    const peer = new TurnPeer(transport, '', () => silent);
    fc.assert(
      fc.property(hostile, fc.nat(8), (given, from) => {
        if (from >= given.length) return;
        const found: Found = { key: -2, payloadFrom: 0, payloadTo: 0 };
        let end: number;
        try {
          end = peer.read(given, from, given.length, found);
        } catch (error) {
          expect((error as Error).message).toMatch(/STUN|ChannelData|datagram/);
          return;
        }
        if (end === -1) {
          expect(stream).toBe(true);
          return;
        }
        expect(end).toBeGreaterThan(from);
        expect(end).toBeLessThanOrEqual(given.length);
        if (found.key < 0) return;
        expect(found.payloadFrom).toBe(from + 4);
        expect(found.payloadTo).toBeLessThanOrEqual(end);
      }),
      { numRuns: 1000 },
    );
  });
}

test('a stream is read alike wherever a read ends', () => {
  const transport = { stream: true, connect: () => Promise.reject(new Error('not in this test')) };
  const peer = new TurnPeer(transport, '', () => silent);
  fc.assert(
    fc.property(bytes(0, 50), message, (payload, other) => {
      for (const whole of [Buffer.from(channelData(0x4002, payload, true)), stun.encodeStun(other)]) {
        const found: Found = { key: 0, payloadFrom: 0, payloadTo: 0 };
        for (let cut = 1; cut < whole.length; cut++) expect(peer.read(whole, 0, cut, found)).toBe(-1);
        expect(peer.read(Buffer.concat([whole, whole]), 0, 2 * whole.length, found)).toBe(whole.length);
      }
    }),
  );
});
