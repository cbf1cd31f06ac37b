import { createHash, randomBytes } from 'node:crypto';
import { allow, type Channel, connect, OptionError, type RelayOptions } from 'supernode';
import { describe, expect, test } from 'vitest';
import * as op from '../../core/protocol/ops.ts';
import { BundleWriter } from '../fixtures/bundle-writer.ts';
import { jainIndex } from '../fixtures/jain.ts';
import { limit } from '../fixtures/limits.ts';
import { type RawEnd, RawPeer, REALTIME, RELIABLE, sendOn } from '../fixtures/raw-peer.ts';
import { login, loginOn, reasonsOf, startBareRelay, warningsOf } from '../fixtures/relay.ts';
import { until } from '../fixtures/until.ts';

const AUDIO = { ...REALTIME, priority: 1 };
const BULK = { ...REALTIME, priority: 4 };

/** Sends frames evenly for so long. @returns how many. */
async function stream(end: RawEnd, payload: number, perSec: number, ms: number): Promise<number> {
  const began = performance.now();
  let sent = 0;
  for (let now = began; now - began < ms; now = performance.now()) {
    for (; sent < ((now - began) * perSec) / 1_000; sent++) sendOn(end, new Uint8Array(payload));
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return sent;
}

describe('a budget', () => {
  test('of a session sheds bulk before audio, tells the sender and counts it', async () => {
    const relay = await startBareRelay({ budgets: { session: { in: { bytesPerSec: 40_000 } } } });
    const [alice, bob] = [await login(relay), await login(relay)];
    const [audio, bobsAudio] = await alice.open(bob, AUDIO);
    const [bulk, bobsBulk] = await alice.open(bob, BULK);
    const [audioSent, bulkSent] = await Promise.all([
      stream(audio, 160, 50, 1_500),
      stream(bulk, 1_000, 200, 1_500),
    ]);
    await alice.roundTrip();
    await bob.roundTrip();
    expect(bob.dataOf(bobsAudio.label).length).toBe(audioSent);
    const bulkGot = bob.dataOf(bobsBulk.label).length;
    // Two thirds of a burst's half, and what time brought beside the audio.
    expect(bulkGot).toBeGreaterThan(20);
    expect(bulkGot).toBeLessThan(bulkSent / 2);
    const { drops } = relay.stats();
    expect(drops.budget).toBe(bulkSent - bulkGot);
    const told = await alice.next(op.OP_CONGESTION);
    expect(told.body).toMatchObject({ label: bulk.label, cause: 'budget', over: false });
    const report = await relay.why(alice.id);
    expect(report.items).toContainEqual(
      expect.objectContaining({ reason: 'budget', other: bob.id, count: bulkSent - bulkGot }),
    );
    limit('budget of a session, of a peer').sees({
      stats: relay.stats(),
      why: report.items.map(({ reason }) => reason),
    });
  });

  test('of frames holds as one of bytes does', async () => {
    const relay = await startBareRelay({ budgets: { session: { in: { framesPerSec: 100 } } } });
    const [alice, bob] = [await login(relay), await login(relay)];
    const ends = [(await alice.open(bob, BULK))[0], (await alice.open(bob, BULK))[0]];
    // In one message, so that no time passes, by turns, so that each is decided on.
    const bundle = new BundleWriter();
    for (let i = 0; i < 300; i++)
      bundle.addData(op.OP_DATA + BULK.priority, ends[i % 2]!.label, new Uint8Array(10));
    alice.send(bundle.take());
    await alice.roundTrip();
    await bob.roundTrip();
    expect(bob.data.length).toBeGreaterThan(30);
    expect(bob.data.length).toBeLessThan(100);
    expect(relay.stats().drops.budget).toBe(300 - bob.data.length);
  });

  test('of a peer is found as it was left by who comes back', async () => {
    const relay = await startBareRelay({ budgets: { peer: { in: { bytesPerSec: 20_000 } } } });
    const bob = await login(relay);
    let alice = await login(relay);
    const flood = async (): Promise<number> => {
      const before = bob.data.length;
      const [bulk] = await alice.open(bob, BULK);
      for (let i = 0; i < 50; i++) sendOn(bulk, new Uint8Array(1_000));
      await alice.roundTrip();
      await bob.roundTrip();
      return bob.data.length - before;
    };
    const first = await flood();
    alice = await loginOn(relay, 0, { key: alice.key });
    const second = await flood();
    expect(first).toBeGreaterThanOrEqual(9);
    // Half a second's budget comes at most while it logs in again, on a busy machine.
    expect(second).toBeLessThan(first);
  });

  test.each([1, 2])(
    'holds a reliable transfer to its rate, whole, with little in the relay (%i shards)',
    async (shards) => {
      const bytesPerSec = 400_000;
      const relay = await startBareRelay({ shards, budgets: { session: { in: { bytesPerSec } } } });
      const bob = await connect(relay.url);
      const alice = await connect(relay.url);
      const sent = randomBytes(1_200_000);
      const arrived = new Promise<Buffer>((resolve) => {
        bob.onchannel = async ({ channel }) => {
          const parts: Uint8Array[] = [];
          for await (const part of channel) parts.push(part);
          resolve(Buffer.concat(parts));
        };
      });
      const channel: Channel = await alice.open(bob.id, { reliable: true });
      let largest = 0;
      const look = setInterval(() => {
        largest = Math.max(largest, relay.stats().pressure.queuedBytes);
      }, 5);
      const began = performance.now();
      for (let at = 0; at < sent.length; at += 40_000) channel.send(sent.subarray(at, at + 40_000));
      // Resolves once bob has taken everything.
      await channel.end();
      const seconds = (performance.now() - began) / 1_000;
      clearInterval(look);
      const got = await arrived;
      const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
      expect(digest(got)).toBe(digest(sent));
      // All but one second's burst has to wait for its budget.
      expect(seconds).toBeGreaterThan((sent.length - bytesPerSec) / bytesPerSec - 0.2);
      expect(seconds).toBeLessThan(10);
      expect(largest).toBeLessThan(300_000);
      expect(relay.stats().drops.budget).toBe(0);
      channel.close();
      await until('no credit is held', () => relay.stats().budgets.creditHeldBytes === 0);
      await alice.close();
      await bob.close();
    },
  );

  test('keeps back what the receiver granted at first, and says so when it hands it on', async () => {
    const relay = await startBareRelay({ budgets: { session: { in: { bytesPerSec: 100_000 } } } });
    const [alice, bob] = [await login(relay), await login(relay)];
    const [mine, theirs] = await alice.open(bob, { ...RELIABLE, credit: 200_000 }, 200_000);
    // The callee is told of nothing before it accepts.
    expect(theirs.granted).toBe(0);
    expect(mine.granted).toBeGreaterThan(50_000);
    expect(mine.granted).toBeLessThan(132_000);
    limit('credit ahead of a budget').sees({ stats: relay.stats() });
    const { body } = await alice.next(op.OP_CREDIT);
    expect(body).toMatchObject({ label: mine.label, initial: true });
    expect((await bob.next(op.OP_CREDIT)).body).toMatchObject({ label: theirs.label, initial: true });
  });

  test('of what a peer is sent holds it back, less important classes longer, and loses nothing reliable', async () => {
    const relay = await startBareRelay({ budgets: { session: { out: { bytesPerSec: 60_000 } } } });
    const [alice, bob] = [await login(relay), await login(relay)];
    const [bulk, bobsBulk] = await alice.open(bob, { ...RELIABLE, priority: 4 }, 1_000_000);
    const [audio, bobsAudio] = await alice.open(bob, AUDIO);
    for (let i = 0; i < 150; i++) sendOn(bulk, new Uint8Array(1_000).fill(i));
    const audioSent = await stream(audio, 160, 50, 1_000);
    await alice.roundTrip();
    expect(bob.dataOf(bobsBulk.label).length).toBeLessThan(150);
    limit('the same, of what it is sent').sees({ stats: relay.stats() });
    await until('all of it came', () => bob.dataOf(bobsBulk.label).length === 150);
    expect(bob.dataOf(bobsBulk.label).map(({ payload }) => payload[0])).toEqual(
      Array.from({ length: 150 }, (_, i) => i),
    );
    expect(bob.dataOf(bobsAudio.label).length).toBe(audioSent);
  });

  test('of the relay is divided fairly: one that sends fifty times as much gets its share, modest ones lose nothing', async () => {
    const relay = await startBareRelay({ shards: 2, relayBandwidth: 300_000 });
    const senders = 8;
    const ends: [RawEnd, RawEnd][] = [];
    for (let i = 0; i < senders; i++) {
      const [from, to] = [await login(relay), await login(relay)];
      ends.push(await from.open(to, i < 6 ? BULK : AUDIO));
    }
    // Six want more than their share, the first of them by far; two talk.
    const rates = [2_500, 100, 100, 100, 100, 100, 25, 25];
    const run = (ms: number): Promise<number[]> =>
      Promise.all(ends.map(([end], i) => stream(end, i < 6 ? 1_000 : 160, rates[i]!, ms)));
    await run(1_500);
    for (const [, { peer }] of ends) {
      await peer.roundTrip();
      peer.data.length = 0;
    }
    const sent = await run(3_000);
    for (const [from, to] of ends) {
      await from.peer.roundTrip();
      await to.peer.roundTrip();
    }
    const got = ends.map(([, { peer }]) => peer.data.length);
    expect(got.slice(6)).toEqual(sent.slice(6));
    expect(jainIndex(got.slice(0, 6))).toBeGreaterThan(0.9);
    const bytes = got.slice(0, 6).reduce((sum, frames) => sum + frames * 1_010, 0);
    expect(bytes).toBeLessThan(300_000 * 3.5 * 1.3);
    expect(bytes).toBeGreaterThan(300_000 * 3 * 0.5);
  });
});

describe('tenants', () => {
  const tenantOf = new Map<string, string>();
  const options = (more: RelayOptions): RelayOptions => ({
    authorize: ({ peer }) => ({ allowed: true, tenant: tenantOf.get(peer) ?? 'storm' }),
    ...more,
  });
  const of = async (relay: Awaited<ReturnType<typeof startBareRelay>>, tenant: string): Promise<RawPeer> => {
    const peer = await RawPeer.dial(relay.url);
    tenantOf.set(peer.id, tenant);
    return peer;
  };

  test("a tenant's storm of sessions leaves the reserved ones of another, and is told when to come back", async () => {
    const relay = await startBareRelay(
      options({
        shards: 2,
        maxPeers: 12,
        tenants: { calm: { reservedSessions: 4 }, storm: { maxSessions: 100 } },
      }),
    );
    const warnings = warningsOf(relay);
    const storm: RawPeer[] = [];
    for (let i = 0; i < 14; i++) storm.push(await of(relay, 'storm'));
    const results = await Promise.all(
      storm.map((peer) =>
        Promise.race([peer.login().then(() => null), peer.ended.then(({ error }) => error)]).catch(
          async () => (await peer.ended).error,
        ),
      ),
    );
    const refused = results.filter((error) => error !== null);
    expect(refused.length).toBe(6);
    await until('the operator is warned', () => warnings.length > 0);
    const why = await Promise.all(storm.map((peer) => reasonsOf(relay, peer)));
    limit('sessions of a tenant').sees({
      answers: refused.map((error) => error!.code),
      stats: relay.stats(),
      why: why.flat(),
      warnings,
    });
    for (const error of refused) {
      expect(error).toMatchObject({ fatal: true });
      expect(error!.retryAfterMs).toBeGreaterThanOrEqual(5_000);
      expect(error!.retryAfterMs).toBeLessThanOrEqual(10_000);
    }
    const calm: RawPeer[] = [];
    for (let i = 0; i < 4; i++) {
      const peer = await of(relay, 'calm');
      await peer.login();
      calm.push(peer);
    }
    expect(relay.stats().tenants!['storm']).toMatchObject({
      sessions: 8,
      refused: { sessions: 6, channels: 0 },
    });
    expect(relay.stats().tenants!['calm']).toMatchObject({
      sessions: 4,
      refused: { sessions: 0, channels: 0 },
    });
    expect(warnings.filter((code) => code === 'tenant-full')).toEqual(['tenant-full']);
    // Room comes back with who leaves; a peer that comes back takes its own place.
    const again = await RawPeer.dial(relay.url, { key: calm[0]!.key });
    await again.login();
    await until('the former one is over', () => relay.stats().tenants!['calm']!.sessions === 4);
    for (const peer of [...storm, ...calm, again]) peer.terminate();
    await until('nobody is counted any more', () =>
      Object.values(relay.stats().tenants!).every(({ sessions }) => sessions === 0),
    );
    const later = await of(relay, 'storm');
    await later.login();
    later.terminate();
  });

  test("a tenant's storm of channels leaves the reserved ones of another", async () => {
    const relay = await startBareRelay(
      options({ maxChannels: 20, tenants: { calm: { reservedChannels: 8 }, small: { maxChannels: 2 } } }),
    );
    const warnings = warningsOf(relay);
    const peers: RawPeer[] = [];
    for (const tenant of ['storm', 'storm', 'calm', 'calm', 'small', 'small']) {
      const peer = await of(relay, tenant);
      await peer.login();
      peers.push(peer);
    }
    const [a, b, c, d, e, f] = peers as [RawPeer, RawPeer, RawPeer, RawPeer, RawPeer, RawPeer];
    for (let i = 0; i < 6; i++) await a.open(b, AUDIO);
    const id = a.sendOpen(b.key.publicKey, AUDIO);
    const refused = await a.next(op.OP_ERROR, ({ requestId }) => requestId === id);
    expect(refused.body).toMatchObject({ code: 'tenant-full', fatal: false });
    await until('the operator is warned', () => warnings.length > 0);
    const ends: [RawEnd, RawEnd][] = [];
    for (let i = 0; i < 4; i++) ends.push(await c.open(d, AUDIO));
    expect(relay.stats().tenants!['storm']).toMatchObject({
      channels: 12,
      refused: { sessions: 0, channels: 1 },
    });
    expect(relay.stats().tenants!['calm']).toMatchObject({ channels: 8 });
    c.control(op.OP_CLOSE, 0, { label: ends[0]![0].label });
    await until('both ends are free', () => relay.stats().tenants!['calm']!.channels === 6);
    const report = await relay.why(a.id);
    expect(report.items).toContainEqual(expect.objectContaining({ reason: 'tenant-channels', count: 1 }));
    const atOpener = { stats: relay.stats(), why: report.items.map(({ reason }) => reason), warnings };
    // A tenant's own limit, at the callee's end: it is busy.
    for (const peer of [a, b, c, d]) peer.terminate();
    await until('they are gone', () => relay.stats().channelEnds === 0);
    await e.open(f, AUDIO);
    const g = await of(relay, 'other');
    await g.login();
    const busy = await g.refused(g.sendOpen(f.key.publicKey, AUDIO));
    limit('channel ends of a tenant').sees({ ...atOpener, answers: [refused.body.code, busy] });
    for (const peer of [e, f, g]) peer.terminate();
  });

  test('each use what they use, and one that sends too much is shed alone', async () => {
    const relay = await startBareRelay(options({ tenants: { storm: { in: { bytesPerSec: 20_000 } } } }));
    const peers: RawPeer[] = [];
    for (const tenant of ['storm', 'storm', 'calm', 'calm']) {
      const peer = await of(relay, tenant);
      await peer.login();
      peers.push(peer);
    }
    const [a, b, c, d] = peers as [RawPeer, RawPeer, RawPeer, RawPeer];
    const [storm] = await a.open(b, BULK);
    const [calm, theirs] = await c.open(d, BULK);
    for (let i = 0; i < 100; i++) {
      sendOn(storm, new Uint8Array(1_000));
      sendOn(calm, new Uint8Array(1_000));
    }
    await Promise.all(peers.map((peer) => peer.roundTrip()));
    await until('all of the calm one came', () => d.dataOf(theirs.label).length === 100);
    await until('the use is told', () => relay.stats().tenants!['calm']!.bytes.in > 100_000);
    const { storm: stormStats, calm: calmStats } = relay.stats().tenants!;
    expect(calmStats!.throttled).toBe(0);
    expect(stormStats!.throttled).toBeGreaterThan(70);
    limit("budget of all peers, of a tenant's").sees({
      stats: relay.stats(),
      why: await reasonsOf(relay, a),
    });
    expect(stormStats!.bytes.in).toBeLessThan(40_000);
    for (const peer of peers) peer.terminate();
  });

  test("a peer's own budget comes from authorize", async () => {
    const relay = await startBareRelay({
      authorize: () => ({ allowed: true, budget: { in: { bytesPerSec: 10_000 } } }),
    });
    const [alice, bob] = [await login(relay), await login(relay)];
    const [bulk] = await alice.open(bob, BULK);
    for (let i = 0; i < 50; i++) sendOn(bulk, new Uint8Array(1_000));
    await alice.roundTrip();
    await bob.roundTrip();
    expect(bob.data.length).toBeLessThan(15);
  });

  test.each([
    [{ allowed: true, tenant: 'no spaces' }, 'tenant must be'],
    [{ allowed: true, tenant: 7 }, 'tenant must be'],
    [{ allowed: true, budget: { bytesPerSec: -1 } }, 'budget.bytesPerSec must be'],
    [{ allowed: true, budget: { bytes: 1 } }, 'budget.bytes must be'],
  ])('an answer of authorize that is none (%j) keeps the peer out', async (answer, sentence) => {
    const relay = await startBareRelay({ authorize: () => answer as never, tenants: {} });
    const warnings: string[] = [];
    relay.on('warning', ({ message }) => warnings.push(message));
    const peer = await RawPeer.dial(relay.url);
    peer.sendLogin();
    expect((await peer.ended).error).toMatchObject({ code: 'busy' });
    expect(warnings.join()).toContain(sentence);
  });

  test.each([
    [{ tenants: {} }, 'needs authorize'],
    [{ relayBandwidth: 0 }, 'relayBandwidth must be a number from 1'],
    [{ relayBandwidth: 5, budgets: { relay: { bytesPerSec: 5 } } }, 'exclude each other'],
    [{ budgets: { session: { in: { bytes: 1 } } } }, 'budgets.session.in.bytes'],
    [{ authorize: () => allow, tenants: { 'a b': {} } }, 'tenants.a b must be named by'],
    [
      {
        authorize: () => allow,
        maxPeers: 10,
        tenants: { a: { reservedSessions: 6 }, b: { reservedSessions: 5 } },
      },
      'reserves 11 in all',
    ],
    [
      { authorize: () => allow, tenants: { a: { reservedSessions: 6, maxSessions: 5 } } },
      'must not be more than its maxSessions',
    ],
    [
      { authorize: () => allow, maxChannels: 10, tenants: { a: { reservedChannels: 11 } } },
      'maxChannels is 10',
    ],
  ])('options that contradict themselves are told: %j', async (bad, sentence) => {
    const error = await startBareRelay(bad as RelayOptions).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(OptionError);
    expect((error as Error).message).toContain(sentence);
  });
});
