/** The bounds of the directory, as peers of a relay meet them. */
import { createRelay, type Relay } from 'supernode';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Body, type ControlOp, encodeControl } from '../../core/protocol/control.ts';
import * as limits from '../../core/protocol/limits.ts';
import * as op from '../../core/protocol/ops.ts';
import { Reads } from '../../workers/shard/reads.ts';
import { grown, limit, type Seen } from '../fixtures/limits.ts';
import { newKey, type RawPeer } from '../fixtures/raw-peer.ts';
import { login, reasonsOf, startRelay, warningsOf } from '../fixtures/relay.ts';
import { ShardWorld } from '../fixtures/shard-world.ts';
import { answer, ask, publish, vaultOf } from '../relay/directory-requests.ts';

let relay: Relay;
beforeAll(async () => {
  relay = await createRelay({ port: 0, shards: 1 });
});
afterAll(() => relay.close());

/** What is seen of a peer that asks for what it may not have. */
async function seenOf(peer: RawPeer, run: () => Promise<Record<string, unknown>>): Promise<Seen> {
  const before = relay.stats();
  const refused = await run();
  expect(refused).toMatchObject({ fatal: false });
  return {
    answers: [refused['failed']],
    stats: grown(before, relay.stats()),
    why: await reasonsOf(relay, peer),
  };
}

const keys = (count: number): Uint8Array[] => Array.from({ length: count }, () => newKey().publicKey);
/** Keys that nobody has: cheaper than real ones. */
const someKeys = (first: number, count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, i) => {
    const key = new Uint8Array(32);
    new DataView(key.buffer).setUint32(0, first + i + 1);
    return key;
  });

/** Sends so many requests in one message, so that the relay has them in one turn. @returns their ids. */
let lastId = 1_000_000;
function atOnce<O extends ControlOp>(peer: RawPeer, code: O, bodies: Body<O>[]): number[] {
  const ids = bodies.map(() => ++lastId);
  peer.send(Buffer.concat(bodies.map((body, i) => encodeControl(code, ids[i]!, body))));
  return ids;
}

/** What answers the last of so many of the same. */
async function lastOf<O extends ControlOp>(
  peer: RawPeer,
  code: O,
  body: Body<O>,
  count: number,
): Promise<Record<string, unknown>> {
  const ids = atOnce(peer, code, Array(count).fill(body));
  const frame = await answer(peer, ids.at(-1)!);
  return { op: frame.op, failed: (frame.body as { code?: string }).code, ...frame.body };
}

test('a list of a policy', async () => {
  const peer = await login(relay);
  const most = limits.MAX_KEYS_PER_FRAME;
  for (let first = 0; first < limits.MAX_LIST_KEYS; first += most) {
    expect(await ask(peer, op.OP_POLICY_SET, { block: someKeys(first, most) })).toMatchObject({
      op: op.OP_STORED,
    });
  }
  const one = keys(1);
  limit('keys on each list of a peer').sees(
    await seenOf(peer, () => ask(peer, op.OP_POLICY_SET, { block: one })),
  );
});

test('a mailbox, in messages and in bytes', async () => {
  let sent = 0;
  /** Fills the mailbox by senders who may write so many times at once. */
  const fill = async (receiver: RawPeer, bytes: number, count: number): Promise<RawPeer> => {
    for (let left = count; ; left -= limits.WRITE_BURST - 10) {
      const sender = await login(relay);
      // Of the largest as many as one message carries, else as many as may be under way.
      const most = Math.min(50, Math.floor(limits.MAX_BUNDLE_BYTES / (bytes + 100)));
      for (let due = Math.min(left, limits.WRITE_BURST - 10); due > 0; due -= most) {
        const messages = Array.from({ length: Math.min(due, most) }, () => messageTo(receiver, bytes));
        const last = await answer(sender, atOnce(sender, op.OP_SEND, messages).at(-1)!);
        expect(last.op).toBe(op.OP_RECEIPT);
      }
      expect(sender.controls.every((frame) => frame.op === op.OP_RECEIPT)).toBe(true);
      if (left <= limits.WRITE_BURST - 10) return sender;
    }
  };
  const messageTo = (receiver: RawPeer, bytes: number) => {
    const id = new Uint8Array(limits.MESSAGE_ID_BYTES);
    new DataView(id.buffer).setUint32(0, ++sent);
    return { to: receiver.key.publicKey, id, bytes: new Uint8Array(bytes) };
  };
  const seen: Seen[] = [];
  for (const [bytes, count] of [
    [1, limits.MAX_MAILBOX_MESSAGES],
    [limits.MAX_MESSAGE_BYTES, limits.MAX_MAILBOX_BYTES / limits.MAX_MESSAGE_BYTES],
  ] as const) {
    const receiver = await login(relay);
    await publish(receiver, {});
    const sender = await fill(receiver, bytes, count);
    seen.push(await seenOf(sender, () => ask(sender, op.OP_SEND, messageTo(receiver, bytes))));
  }
  expect(seen[0]!.answers).toEqual(seen[1]!.answers);
  limit('mailbox').sees(...seen);
});

test('watches, requests under way, searches and writes of a peer', async () => {
  const peer = await login(relay);
  const most = limits.MAX_KEYS_PER_FRAME;
  for (let first = 0; first < limits.MAX_WATCHES_PER_SESSION; first += most) {
    await ask(peer, op.OP_WATCH, { peers: someKeys(first, most) });
  }
  limit('watches of a session').sees(
    await seenOf(peer, () => ask(peer, op.OP_WATCH, { peers: someKeys(100_000, 1) })),
  );
  limit('requests of a session that wait for the pool').sees(
    await seenOf(peer, () => lastOf(peer, op.OP_VAULT_GET, {}, limits.MAX_REQUESTS_PENDING + 1)),
  );
  limit('searches of a peer').sees(
    await seenOf(peer, () => lastOf(peer, op.OP_SEARCH, { prefix: 'abc' }, limits.SEARCH_BURST + 1)),
  );
  const searcher = await login(relay);
  const prefix = 'x'.repeat(limits.MIN_SEARCH_CHARACTERS - 1);
  limit('prefix of a search').sees(await seenOf(searcher, () => ask(searcher, op.OP_SEARCH, { prefix })));
  const writer = await login(relay);
  limit('writes of a peer').sees(
    // More than the burst and what comes while they are read.
    await seenOf(writer, () =>
      lastOf(writer, op.OP_POLICY_SET, { reach: 'everyone' }, limits.WRITE_BURST + 20),
    ),
  );
});

test('reads that wait for the pool, of all sessions', () => {
  const world = new ShardWorld(true);
  const peer = world.peer();
  // A reader that never gets done.
  const reads = new Reads({
    shards: 1,
    counters: world.counters,
    answers: (answers) => world.asks.answers(answers),
    trouble: () => {},
  });
  world.request(peer, op.OP_VAULT_GET, 7, {});
  const [last] = world.asked();
  const { ask: read } = last!;
  reads.take(
    Array.from({ length: limits.MAX_READS_PENDING }, (_, i) => ({ requestId: 1_000 + i, ask: read })),
  );
  expect(world.got(peer)).toEqual([]);
  reads.take([last!]);
  const [refused] = world.got(peer) as { body: { code: string; retryAfterMs: number } }[];
  expect(refused!.body.retryAfterMs).toBeGreaterThan(1_000);
  limit('reads that wait, of all sessions').sees({
    answers: [refused!.body.code],
    stats: world.stats(),
    why: world.reasons(peer),
    warnings: world.warnings(),
  });
});

test('a record that is to live too long, that is too long, or whose name is too short', async () => {
  const peer = await login(relay);
  const expiresMs = Date.now() + limits.MAX_RECORD_LIFE_MS + 60_000;
  limit('life of a record').sees(await seenOf(peer, () => publish(peer, { expiresMs })));
  const short = await seenOf(peer, () => publish(peer, { name: 'ab' }));
  const before = relay.stats();
  peer.control(op.OP_PUBLISH, 1, { record: new Uint8Array(limits.MAX_RECORD_BYTES + 1) });
  const { error } = await peer.ended;
  limit('record; profile in it; name').sees(short, {
    answers: [error?.code],
    stats: grown(before, relay.stats()),
    why: await reasonsOf(relay, peer),
  });
});

test('vaults and policies of peers without a record', async () => {
  const small = await startRelay({ directory: { path: ':memory:', maxRecords: 1 } });
  const warnings = warningsOf(small);
  // Sixteen at least, however few records there may be.
  for (const put of [
    (peer: RawPeer) => ask(peer, op.OP_VAULT_PUT, { vault: vaultOf(peer, 1) }),
    (peer: RawPeer) => ask(peer, op.OP_POLICY_SET, { reach: 'nobody' }),
  ]) {
    const peers = await Promise.all(Array.from({ length: 17 }, () => login(small)));
    const answers = [];
    for (const peer of peers) answers.push(await put(peer));
    expect(answers.slice(0, 16).map((one) => one['op'])).toEqual(Array(16).fill(op.OP_STORED));
    const last = peers[16]!;
    limit('vaults; policies').sees({
      answers: [answers[16]!['failed']],
      stats: small.stats(),
      why: await reasonsOf(small, last),
      warnings,
    });
  }
});
