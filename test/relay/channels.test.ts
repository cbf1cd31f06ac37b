import { createRelay, type Relay } from 'supernode';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dataFrameBytes } from '../../core/protocol/frame.ts';
import {
  MAX_CHANNEL_CREDIT_BYTES,
  MAX_CHANNELS_PER_SESSION,
  MAX_OFFERS_PENDING,
  MAX_PAYLOAD_BYTES,
  MAX_SESSION_CREDIT_BYTES,
} from '../../core/protocol/limits.ts';
import * as op from '../../core/protocol/ops.ts';
import { BundleWriter } from '../fixtures/bundle-writer.ts';
import { grown, limit } from '../fixtures/limits.ts';
import {
  endStream,
  newKey,
  type RawEnd,
  type RawPeer,
  REALTIME,
  RELIABLE,
  sendOn,
} from '../fixtures/raw-peer.ts';
import { login, PLACEMENTS, pair, reasonsOf, startRelay } from '../fixtures/relay.ts';
import { until } from '../fixtures/until.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const texts = (end: RawEnd): string[] =>
  end.peer.dataOf(end.label).map(({ payload }) => Buffer.from(payload).toString());

describe.each(PLACEMENTS)('with $shards shards, peers on $where', ({ shards, where }) => {
  let relay: Relay;
  let alice: RawPeer;
  let bob: RawPeer;
  beforeAll(async () => {
    relay = await createRelay({ port: 0, shards });
  });
  afterAll(async () => {
    expect(relay.stats().faults).toBe(0);
    await relay.close();
  });
  const meet = async (): Promise<void> => {
    [alice, bob] = await pair(relay, where);
  };
  /** Both sides have nothing left: no end, no session, no byte. */
  const leave = async (): Promise<void> => {
    alice.terminate();
    bob.terminate();
    await until('the relay holds nothing of them', () => {
      const { sessions, channelEnds, pressure } = relay.stats();
      return sessions === 0 && channelEnds === 0 && pressure.queuedBytes === 0;
    });
  };

  test.each([
    ['reliable', RELIABLE],
    ['realtime', REALTIME],
  ])('a %s channel carries data both ways, then ends of stream, then closes', async (_name, kind) => {
    await meet();
    const id = alice.sendOpen(bob.key.publicKey, {
      ...kind,
      protocol: 'chat',
      credit: kind.credit && 70_000,
    });
    const offer = await bob.next(op.OP_OFFER);
    const { label, ...told } = offer.body;
    expect(told).toEqual({
      from: alice.key.publicKey,
      reliable: kind.reliable,
      priority: kind.priority,
      lifeMs: kind.lifeMs,
      credit: kind.credit && 70_000,
      protocol: 'chat',
    });
    bob.control(op.OP_ACCEPT, 0, { label, credit: kind.credit });
    const theirs: RawEnd = { peer: bob, label, kind, granted: 0 };
    sendOn(theirs, text('sent right after accept'));
    const opened = await alice.opened(id);
    expect(opened.body.credit).toBe(kind.credit);
    const mine: RawEnd = { peer: alice, label: opened.body.label, kind, granted: 0 };
    for (const word of ['one', '', 'three']) sendOn(mine, text(word));
    sendOn(theirs, text('answer'));
    endStream(mine);
    endStream(theirs);
    await until('all has come', () => texts(theirs).length === 4 && texts(mine).length === 3);
    expect(texts(theirs)).toEqual(['one', '', 'three', '']);
    expect(texts(mine)).toEqual(['sent right after accept', 'answer', '']);
    expect(bob.data.at(-1)!.op).toBe(op.OP_END + kind.priority);
    alice.control(op.OP_CLOSE, 5, { label: mine.label });
    expect(await alice.closedReason(mine.label)).toBe('closed');
    expect(await bob.closedReason(theirs.label)).toBe('closed');
    await leave();
  });

  test('the largest frame passes in both bin forms, and a payload of any content', async () => {
    await meet();
    const [mine, theirs] = await alice.open(bob, { ...RELIABLE, credit: 4 * 65_536 });
    for (const length of [0, 1, 255, 256, MAX_PAYLOAD_BYTES]) {
      const payload = Uint8Array.from({ length }, (_, i) => i * 7);
      const bytes = sendOn(mine, payload);
      await until(`${length} bytes came`, () => bob.data.length === 1);
      const got = bob.data.pop()!;
      expect(Buffer.compare(got.payload, payload)).toBe(0);
      expect(got.frameBytes).toBe(bytes);
    }
    expect(theirs.label).toBeGreaterThan(65_535);
    await leave();
  });

  test('thousands of frames in bundles keep their order and content', async () => {
    await meet();
    const [mine, theirs] = await alice.open(bob, { ...RELIABLE, credit: MAX_CHANNEL_CREDIT_BYTES });
    const writer = new BundleWriter();
    const count = 20_000;
    for (let number = 0; number < count; number++) {
      const payload = new Uint8Array(4 + (number % 90));
      new DataView(payload.buffer).setUint32(0, number);
      if (!writer.fits(dataFrameBytes(payload.length))) alice.send(writer.take());
      writer.addData(op.OP_DATA + mine.kind.priority, mine.label, payload);
    }
    alice.send(writer.take());
    await until('all have come', () => bob.data.length === count);
    bob.data.forEach(({ label, payload }, number) => {
      const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
      if (label !== theirs.label || view.getUint32(0) !== number || payload.length !== 4 + (number % 90)) {
        throw new Error(`frame ${number} is wrong`);
      }
    });
    await leave();
  });

  test('an open ends with the right reason: rejected, not-found, peer-gone, busy', async () => {
    await meet();
    const nobody = alice.sendOpen(newKey().publicKey);
    expect(await alice.refused(nobody)).toBe('not-found');
    const unwelcome = alice.sendOpen(bob.key.publicKey);
    bob.control(op.OP_REJECT, 0, { label: (await bob.next(op.OP_OFFER)).body.label });
    expect(await alice.refused(unwelcome)).toBe('rejected');
    const asked = Array.from({ length: MAX_OFFERS_PENDING }, () => alice.sendOpen(bob.key.publicKey));
    for (const _ of asked) await bob.next(op.OP_OFFER);
    const before = relay.stats();
    const refused = await alice.refused(alice.sendOpen(bob.key.publicKey));
    limit('offers that wait for one peer').sees({
      answers: [refused],
      stats: grown(before, relay.stats()),
      why: await reasonsOf(relay, alice),
    });
    const counted = relay.stats().channelEnds;
    expect(counted).toBe(2 * MAX_OFFERS_PENDING);
    bob.terminate();
    for (const id of asked) expect(await alice.refused(id)).toBe('peer-gone');
    expect(await alice.refused(alice.sendOpen(bob.key.publicKey))).toBe('not-found');
    await leave();
  });

  test('an offer ends when its opener goes, and an accept that crosses it is dropped', async () => {
    await meet();
    alice.sendOpen(bob.key.publicKey);
    const { label } = (await bob.next(op.OP_OFFER)).body;
    alice.terminate();
    expect(await bob.closedReason(label)).toBe('peer-gone');
    const before = relay.stats().drops.control;
    bob.control(op.OP_ACCEPT, 0, { label, credit: 10 });
    await bob.roundTrip();
    expect(relay.stats().drops.control).toBe(before + 1);
    await leave();
  });

  test('a peer that leaves ends its channels, and the others learn that it is gone', async () => {
    await meet();
    const ends = [await alice.open(bob), await alice.open(bob, REALTIME), await bob.open(alice)];
    sendOn(ends[0]![0], text('last words'));
    await until('they came', () => bob.data.length === 1);
    alice.terminate();
    for (const end of ends.flat().filter(({ peer }) => peer === bob)) {
      expect(await bob.closedReason(end.label)).toBe('peer-gone');
    }
    await leave();
  });

  test('an overrun closes the channel at both ends, and only that one', async () => {
    await meet();
    const [mine, theirs] = await alice.open(bob, { ...RELIABLE, credit: 1_000 });
    const [other, others] = await alice.open(bob);
    sendOn(mine, new Uint8Array(990));
    await until('what was granted came', () => bob.data.length === 1);
    const before = relay.stats();
    endStream(mine);
    const reasons = [await alice.closedReason(mine.label), await bob.closedReason(theirs.label)];
    expect(reasons[0]).toBe(reasons[1]);
    limit('sending beyond credit').sees({
      answers: reasons,
      stats: grown(before, relay.stats()),
      why: await reasonsOf(relay, alice),
    });
    sendOn(other, text('still here'));
    await until('the other channel works', () => texts(others).length === 1);
    await leave();
  });

  test('credit is passed on, and lets exactly as many bytes more through', async () => {
    await meet();
    const [mine, theirs] = await alice.open(bob, { ...RELIABLE, credit: 100 });
    for (let round = 0; round < 20; round++) {
      sendOn(mine, new Uint8Array(91));
      await until('it came', () => bob.data.length === round + 1);
      bob.control(op.OP_CREDIT, 0, { label: theirs.label, bytes: 100 });
      const credit = await alice.next(op.OP_CREDIT);
      expect(credit.body).toEqual({ label: mine.label, bytes: 100 });
    }
    sendOn(mine, new Uint8Array(92));
    expect(await bob.closedReason(theirs.label)).toBe('overrun');
    await leave();
  });

  test('a label is good for its session alone, and dead after closed', async () => {
    await meet();
    const [mine, theirs] = await alice.open(bob);
    const drops = relay.stats().drops;
    bob.frame(op.OP_DATA + 2, 0xffff_fff0, text('x'));
    alice.frame(op.OP_DATA + 3, mine.label, text('wrong class'));
    alice.control(op.OP_CREDIT, 0, { label: 12_345_678, bytes: 10 });
    endStream(mine);
    sendOn(mine, text('after the end'));
    alice.control(op.OP_CLOSE, 9, { label: mine.label });
    expect((await alice.next(op.OP_CLOSED)).requestId).toBe(9);
    sendOn(mine, text('after closed'));
    alice.control(op.OP_CLOSE, 0, { label: mine.label });
    await alice.roundTrip();
    await bob.closedReason(theirs.label);
    await bob.roundTrip();
    const now = relay.stats().drops;
    expect({
      label: now.label - drops.label,
      class: now.class - drops.class,
      ended: now.ended - drops.ended,
      control: now.control - drops.control,
    }).toEqual({ label: 2, class: 1, ended: 1, control: 2 });
    expect(texts(theirs)).toEqual(['']);
    await leave();
  });

  test('a session has only so many channels; beyond it an open fails and nothing else does', async () => {
    await meet();
    const half = MAX_CHANNELS_PER_SESSION;
    const ends: [RawEnd, RawEnd][] = [];
    for (let i = 0; i < half; i++) ends.push(await alice.open(bob, { ...RELIABLE, credit: 100 }));
    const before = relay.stats();
    const id = alice.sendOpen(bob.key.publicKey);
    const error = await alice.next(op.OP_ERROR);
    expect(error).toMatchObject({ requestId: id, body: { fatal: false } });
    const carol = await login(relay);
    const refused = await carol.refused(carol.sendOpen(bob.key.publicKey));
    limit('channels of a session').sees({
      answers: [error.body.code, refused],
      stats: grown(before, relay.stats()),
      why: [...(await reasonsOf(relay, alice)), ...(await reasonsOf(relay, carol))],
    });
    alice.control(op.OP_CLOSE, 0, { label: ends[7]![0].label });
    await alice.closedReason(ends[7]![0].label);
    await alice.open(bob, { ...RELIABLE, credit: 100 });
    carol.terminate();
    await leave();
  });

  test('granting more than the limits allow costs the session', async () => {
    await meet();
    const [mine] = await alice.open(bob, { ...RELIABLE, credit: MAX_CHANNEL_CREDIT_BYTES });
    const before = relay.stats();
    alice.control(op.OP_CREDIT, 0, { label: mine.label, bytes: 1 });
    const { error } = await alice.ended;
    limit('credit of a channel; of a session').sees({
      answers: [error?.code],
      stats: grown(before, relay.stats()),
      why: await reasonsOf(relay, alice),
    });
    await leave();
    await meet();
    const most = MAX_SESSION_CREDIT_BYTES / MAX_CHANNEL_CREDIT_BYTES;
    for (let i = 0; i < most; i++)
      await alice.open(bob, { ...RELIABLE, credit: MAX_CHANNEL_CREDIT_BYTES }, 100);
    alice.sendOpen(bob.key.publicKey, { ...RELIABLE, credit: 1 });
    expect((await alice.ended).error).toMatchObject({ code: 'credit-limit', fatal: true });
    await leave();
  });

  test('a disconnected peer is told why, and its channels end', async () => {
    await meet();
    const [, theirs] = await alice.open(bob);
    expect(relay.disconnect(alice.id, 'no more of this')).toBe(true);
    expect((await alice.ended).error).toMatchObject({
      code: 'disconnected',
      message: 'no more of this',
      fatal: true,
    });
    expect(await bob.closedReason(theirs.label)).toBe('peer-gone');
    expect(relay.disconnect(alice.id)).toBe(false);
    expect(() => relay.disconnect('nobody')).toThrow(expect.objectContaining({ code: 'bad-peer-id' }));
    await leave();
  });
});

test('a peer may open a channel to itself, and has a label for each end', async () => {
  const relay = await startRelay();
  const alice = await login(relay);
  const [mine, theirs] = await alice.open(alice);
  expect(mine.label).not.toBe(theirs.label);
  sendOn(mine, text('there'));
  sendOn(theirs, text('and back'));
  await until('both came', () => alice.data.length === 2);
  expect([texts(mine), texts(theirs)]).toEqual([['and back'], ['there']]);
  alice.control(op.OP_CLOSE, 3, { label: theirs.label });
  expect(await alice.closedReason(mine.label)).toBe('closed');
  expect(await alice.closedReason(theirs.label)).toBe('closed');
  expect(relay.stats()).toMatchObject({ channelEnds: 0, faults: 0 });
});
