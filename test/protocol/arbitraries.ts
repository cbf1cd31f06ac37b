/** Random frames and msgpack values for the property tests. */
import * as fc from 'fast-check';
import type { Body, ControlOp } from '../../core/protocol/control.ts';
import { AUDIENCES, RECEIPTS } from '../../core/protocol/directory-ops.ts';
import { CLOSE_REASONS, CONGESTION_CAUSES } from '../../core/protocol/errors.ts';
import * as limits from '../../core/protocol/limits.ts';
import * as op from '../../core/protocol/ops.ts';

export const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
export const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
export const bytesUpTo = (most: number) => fc.uint8Array({ maxLength: most });

const utf8 = new TextEncoder();
/** Well-formed Unicode of at most `most` bytes of UTF-8, with texts at the limit among them. */
export const text = (most: number) =>
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.string({ unit: 'binary', maxLength: most }).filter((t) => utf8.encode(t).length <= most),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom('', 'x'.repeat(most), 'é'.repeat(most >> 1), '𝄞'.repeat(most >> 2)),
    },
  );

const uintUpTo = (most: number) => fc.oneof(fc.integer({ min: 0, max: most }), fc.constantFrom(0, most));
const credit = uintUpTo(limits.MAX_CHANNEL_CREDIT_BYTES);
const kind = {
  reliable: fc.boolean(),
  priority: fc.integer({ min: 0, max: op.PRIORITY_COUNT - 1 }),
  lifeMs: uintUpTo(limits.MAX_PACKET_LIFE_MS),
  credit,
  protocol: text(limits.MAX_CHANNEL_PROTOCOL_BYTES),
};
const required = <T extends object, K extends keyof T>(
  model: { [P in keyof T]: fc.Arbitrary<T[P]> },
  keys: K[],
) => fc.record(model, { requiredKeys: keys });

/** Milliseconds since 1970 and sequence numbers: integers beyond 32 bits are written as floats by some libraries. */
const u53 = uintUpTo(Number.MAX_SAFE_INTEGER);
const peer = bytes(32);
const messageId = bytes(16);
const name = text(63).filter((t) => t.length > 0);
/** As many as an array of a frame may have, and none. */
const upTo32 = <T>(item: fc.Arbitrary<T>, least = 0) =>
  fc.oneof(
    { weight: 4, arbitrary: fc.array(item, { minLength: least, maxLength: 4 }) },
    { weight: 1, arbitrary: fc.array(item, { minLength: 32, maxLength: 32 }) },
  );
/** Long bytes of which only the length and two ends vary: 64 KiB of random numbers would take all the time. */
const blob = (most: number) =>
  fc
    .tuple(uintUpTo(most), fc.integer({ min: 0, max: 255 }))
    .map(([length, byte]) => new Uint8Array(length).fill(byte));
const state = fc.integer({ min: 0, max: 2 });
const audience = fc.constantFrom(...AUDIENCES);
const lookup = fc.oneof(
  required({ peer, record: fc.boolean() }, ['peer']),
  required({ name, record: fc.boolean() }, ['name']),
);

/** A body for every control op, from docs/protocol.md and not from the codec's own schemas. */
export const BODIES: { [O in ControlOp]: fc.Arbitrary<Body<O>> } = {
  [op.OP_HELLO]: fc.record({ relay: bytes(32), nonce: bytes(32), loginTimeoutMs: u32 }),
  [op.OP_LOGIN]: fc.record({ peer: bytes(32), signature: bytes(64), client: text(64) }),
  [op.OP_RESUME]: fc.record({ ticket: bytesUpTo(256), proof: bytes(32), client: text(64) }),
  [op.OP_READY]: fc.record({
    peer: bytes(32),
    resumed: fc.boolean(),
    ticket: bytesUpTo(256),
    secret: bytes(32),
    ticketLifeMs: fc.maxSafeNat(),
    limits: fc.record({
      frameBytes: u32,
      bundleBytes: u32,
      channels: u32,
      channelCreditBytes: u32,
      sessionCreditBytes: u32,
    }),
  }),
  [op.OP_ERROR]: required({ code: text(64), message: text(1024), fatal: fc.boolean(), retryAfterMs: u32 }, [
    'code',
    'message',
    'fatal',
  ]),
  [op.OP_MOVING]: required(
    { leaveInMs: u32, retryAfterMs: u32, successors: fc.array(text(256), { maxLength: 8 }) },
    ['leaveInMs', 'retryAfterMs'],
  ),
  [op.OP_PING]: fc.constant({}),
  [op.OP_PONG]: fc.constant({}),
  [op.OP_OPEN]: fc.record({ to: bytes(32), ...kind }),
  [op.OP_OFFER]: fc.record({ label: u32, from: bytes(32), ...kind }),
  [op.OP_ACCEPT]: fc.record({ label: u32, credit }),
  [op.OP_REJECT]: fc.record({ label: u32 }),
  [op.OP_OPENED]: fc.record({ label: u32, credit }),
  [op.OP_CREDIT]: fc.record(
    { label: u32, bytes: credit, initial: fc.boolean() },
    { requiredKeys: ['label', 'bytes'] },
  ),
  [op.OP_CLOSE]: fc.record({ label: u32 }),
  [op.OP_CLOSED]: fc.record({ label: u32, reason: fc.constantFrom(...CLOSE_REASONS) }),
  [op.OP_CONGESTION]: fc.record({
    label: u32,
    cause: fc.constantFrom(...CONGESTION_CAUSES),
    bytesPerSec: u32,
    dropped: u32,
    over: fc.boolean(),
  }),
  [op.OP_LOOKUP]: lookup,
  [op.OP_FOUND]: required({ peer, state, seenMs: u53, record: blob(1_236) }, ['state']),
  [op.OP_SEARCH]: required({ prefix: name, most: fc.integer({ min: 1, max: 32 }) }, ['prefix']),
  [op.OP_RESULTS]: fc.record({ found: upTo32(fc.record({ peer, name })), more: fc.boolean() }),
  [op.OP_PUBLISH]: required({ record: blob(1_236), former: blob(1_236) }, ['record']),
  [op.OP_STORED]: fc.record({ revision: u53 }),
  [op.OP_WATCH]: fc.record({ peers: upTo32(peer, 1) }),
  [op.OP_UNWATCH]: fc.record({ peers: upTo32(peer, 1) }),
  [op.OP_PRESENCE]: fc.record({
    states: upTo32(required({ peer, state, seenMs: u53 }, ['peer', 'state'])),
  }),
  [op.OP_STATUS]: fc.record({ away: fc.boolean() }),
  [op.OP_VAULT_GET]: fc.constant({}),
  [op.OP_VAULT]: required({ revision: u53, vault: blob(65_536) }, ['revision']),
  [op.OP_VAULT_PUT]: fc.record({ vault: blob(65_536) }),
  [op.OP_POLICY_GET]: required(
    { list: fc.constantFrom('allowed' as const, 'blocked' as const), after: peer },
    [],
  ),
  [op.OP_POLICY]: fc.record({
    visibility: audience,
    reach: audience,
    keys: upTo32(peer),
    more: fc.boolean(),
  }),
  [op.OP_POLICY_SET]: required(
    {
      visibility: audience,
      reach: audience,
      allow: upTo32(peer),
      disallow: upTo32(peer),
      block: upTo32(peer),
      unblock: upTo32(peer),
    },
    [],
  ),
  [op.OP_SEND]: required({ to: peer, id: messageId, bytes: blob(16_384), lifeMs: uintUpTo(2_592_000_000) }, [
    'to',
    'id',
    'bytes',
  ]),
  [op.OP_RECEIPT]: fc.record({ id: messageId, state: fc.constantFrom(...RECEIPTS) }),
  [op.OP_INBOX]: fc.constant({}),
  [op.OP_MAIL]: required(
    {
      seq: u53,
      from: peer,
      id: messageId,
      sentMs: u53,
      bytes: blob(16_384),
      receipt: fc.constantFrom('delivered' as const, 'expired' as const),
    },
    ['seq', 'from', 'id', 'sentMs'],
  ),
  [op.OP_MAIL_ACK]: fc.record({ seq: u53 }),
};
export const CONTROL_OPS = Object.keys(BODIES).map(Number) as ControlOp[];

export const anyControl = fc
  .constantFrom(...CONTROL_OPS)
  .chain((code) =>
    fc.record({ op: fc.constant(code), requestId: u32, body: BODIES[code] as fc.Arbitrary<object> }),
  );

export const dataOp = fc
  .tuple(fc.constantFrom(op.OP_DATA, op.OP_END), fc.integer({ min: 0, max: op.PRIORITY_COUNT - 1 }))
  .map(([base, priority]) => base + priority);

/** Payload lengths that lean to where the layout changes. */
export const payloadLength = fc.oneof(
  fc.integer({ min: 0, max: 600 }),
  fc.constantFrom(0, 1, 254, 255, 256, 257, limits.MAX_PAYLOAD_BYTES - 1, limits.MAX_PAYLOAD_BYTES),
);
export const payload = fc
  .tuple(payloadLength, fc.integer({ min: 0, max: 255 }))
  .map(([length, seed]) => Uint8Array.from({ length }, (_, i) => i * 31 + seed));

export const dataFrame = fc.record({ op: dataOp, label: u32, payload });

/**
 * A msgpack value as bytes, in any encoding that the protocol allows (not only the shortest), and how deep it nests.
 * Our own writer: what scanValue says can be compared with a length that no library computed.
 */
export interface Written {
  bytes: number[];
  depth: number;
}
const be = (value: number, count: number) =>
  Array.from({ length: count }, (_, i) => Math.floor(value / 256 ** (count - 1 - i)) % 256);
const raw = (head: number[], length: number) => bytes(length).map((b) => [...head, ...b]);
const leaf: fc.Arbitrary<Written> = fc
  .oneof<fc.Arbitrary<number[]>[]>(
    fc.integer({ min: 0, max: 0x7f }).map((n) => [n]),
    fc.integer({ min: 0xe0, max: 0xff }).map((n) => [n]),
    fc.constantFrom(0xc0, 0xc2, 0xc3).map((n) => [n]),
    fc.constantFrom(0xcc, 0xd0).chain((t) => raw([t], 1)),
    fc.constantFrom(0xcd, 0xd1).chain((t) => raw([t], 2)),
    fc.constantFrom(0xca, 0xce, 0xd2).chain((t) => raw([t], 4)),
    fc.constantFrom(0xcb, 0xcf, 0xd3).chain((t) => raw([t], 8)),
    fc.integer({ min: 0, max: 31 }).chain((n) => raw([0xa0 | n], n)),
    fc.tuple(fc.constantFrom(0xc4, 0xd9), fc.integer({ min: 0, max: 255 })).chain(([t, n]) => raw([t, n], n)),
    fc
      .tuple(fc.constantFrom(0xc5, 0xda), fc.integer({ min: 0, max: 700 }))
      .chain(([t, n]) => raw([t, ...be(n, 2)], n)),
    fc.integer({ min: 0, max: 700 }).chain((n) => raw([0xc6, ...be(n, 4)], n)),
  )
  .map((b) => ({ bytes: b, depth: 0 }));

const container = (inner: fc.Arbitrary<Written>): fc.Arbitrary<Written> =>
  fc.tuple(fc.boolean(), fc.boolean(), fc.array(inner, { maxLength: 8 })).map(([map, wide, values]) => {
    const items = map ? values.slice(0, values.length & ~1) : values;
    const count = map ? items.length / 2 : items.length;
    const head = wide ? [map ? 0xde : 0xdc, ...be(count, 2)] : [(map ? 0x80 : 0x90) | count];
    return {
      bytes: [...head, ...items.flatMap((item) => item.bytes)],
      depth: 1 + Math.max(0, ...items.map((item) => item.depth)),
    };
  });

/** Values that nest `levels` deep at most. */
export function written(levels: number): fc.Arbitrary<Written> {
  return levels === 0 ? leaf : fc.oneof(leaf, container(written(levels - 1)));
}
