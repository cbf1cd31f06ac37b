import { afterEach, describe, expect, test } from 'vitest';
import { STATE_OFFLINE, STATE_ONLINE } from '../../core/protocol/directory-ops.ts';
import * as op from '../../core/protocol/ops.ts';
import { C } from '../../core/threads/counters.ts';
import type { ReadAnswer } from '../../core/threads/directory-messages.ts';
import { PRESENCE_AWAY, PRESENCE_PLAIN } from '../../core/threads/presence.ts';
import { policyOf } from '../../core/threads/versions.ts';
import { RawPeer, RELIABLE, sendOn } from '../fixtures/raw-peer.ts';
import { ScriptedMain } from '../fixtures/scripted-main.ts';
import { until } from '../fixtures/until.ts';

let main: ScriptedMain;
const peers: RawPeer[] = [];

afterEach(async () => {
  for (const peer of peers.splice(0)) peer.terminate();
  await main.close();
  expect(main.warnings).toEqual([]);
});

async function login(): Promise<RawPeer> {
  const peer = await RawPeer.login(main.url);
  peers.push(peer);
  return peer;
}

function flags(peer: RawPeer): number | null {
  const place = { shard: 0, slot: 0, generation: 0, flags: 0 };
  return main.presence.find(peer.key.publicKey, place) ? place.flags : null;
}

/** Says of every peer that it is open to all, and leaves the rest to the test. */
const allPlain: ScriptedMain['script'] = (ask) =>
  ask.t === 'arrive'
    ? { t: 'arrive', plain: true, version: main.versions.current(policyOf(ask.peer)) }
    : undefined;

describe.each([1, 2])('%i shards with a directory', (shards) => {
  test('ask about a peer when it is in, at a login and at a resume, and nobody waits for it', async () => {
    main = await ScriptedMain.start(shards);
    const alice = await login();
    await until('it was asked', () => main.asked.length === 1);
    expect([main.asked[0]!.ask, flags(alice)]).toEqual([{ t: 'arrive', peer: alice.key.publicKey }, 0]);
    await alice.roundTrip();
    const version = main.versions.current(policyOf(alice.key.publicKey));
    main.asked[0]!.answer({ t: 'arrive', plain: true, version });
    await until('it is open to all', () => flags(alice) === PRESENCE_PLAIN);
    const again = await RawPeer.dial(main.url, { key: alice.key });
    peers.push(again);
    await again.resume(alice.ready!);
    await until('it was asked again', () => main.asked.length === 2);
    expect(flags(again)).toBe(0);
    await until('both were told', () => main.changes.length === 3);
    expect(main.changes.find(({ came }) => came === null)).toMatchObject({ reason: 'replaced', plain: true });
  });

  test('answer look-ups of any mix over one socket, each once', async () => {
    main = await ScriptedMain.start(shards);
    main.script = (ask, shard): ReadAnswer | undefined =>
      ask.t === 'lookup'
        ? { t: 'lookup', failed: { code: 'not-found', message: 'There is nobody of that name or key.' } }
        : (allPlain(ask, shard) as ReadAnswer | undefined);
    const [alice, bob] = [await login(), await login()];
    await until(
      'both are open to all',
      () => flags(alice) === PRESENCE_PLAIN && flags(bob) === PRESENCE_PLAIN,
    );
    const nobody = new Uint8Array(32).fill(1);
    for (let id = 1; id <= 300; id++) {
      alice.control(op.OP_LOOKUP, id, { peer: id % 10 === 0 ? nobody : bob.key.publicKey });
    }
    await until('all are answered', () => alice.controls.length === 300);
    const byId = new Map(alice.controls.map((frame) => [frame.requestId, frame]));
    expect(byId.size).toBe(300);
    for (const [id, frame] of byId) {
      if (id % 10 === 0) expect(frame).toMatchObject({ op: op.OP_ERROR, body: { code: 'not-found' } });
      else expect(frame).toEqual({ op: op.OP_FOUND, requestId: id, body: { state: STATE_ONLINE } });
    }
  });

  test('open a channel to a peer that is not open to all when the directory allows it', async () => {
    main = await ScriptedMain.start(shards);
    let may = true;
    main.script = (ask) =>
      ask.t === 'reach'
        ? { t: 'reach', may }
        : ask.t === 'arrive'
          ? { t: 'arrive', plain: false, version: main.versions.current(policyOf(ask.peer)) }
          : undefined;
    const [alice, bob] = [await login(), await login()];
    const [end] = await alice.open(bob);
    sendOn(end, new Uint8Array(100));
    await until('the frame came', () => bob.data.length === 1);
    may = false;
    const id = alice.sendOpen(bob.key.publicKey, RELIABLE);
    expect(await alice.refused(id)).toBe('not-found');
    expect(await alice.refused(alice.sendOpen(new Uint8Array(32).fill(1), RELIABLE))).toBe('not-found');
  });

  test('tell watchers what changes, and the main thread who is away', async () => {
    main = await ScriptedMain.start(shards);
    main.script = allPlain;
    const [alice, bob] = [await login(), await login()];
    await until(
      'both are open to all',
      () => flags(alice) === PRESENCE_PLAIN && flags(bob) === PRESENCE_PLAIN,
    );
    const peer = bob.key.publicKey;
    alice.control(op.OP_WATCH, 5, { peers: [peer] });
    const first = await alice.next(op.OP_PRESENCE);
    expect([first.requestId, first.body.states]).toEqual([5, [{ peer, state: STATE_ONLINE }]]);
    const watches = Array.from({ length: shards }, (_, shard) => main.counters(shard)[C.watches]!);
    expect(watches.reduce((sum, count) => sum + count)).toBe(1);
    bob.control(op.OP_STATUS, 0, { away: true });
    await until('the main thread knows', () => main.changes.length === 3);
    expect(main.changes[2]).toEqual({ peer, away: true });
    expect(flags(bob)).toBe(PRESENCE_AWAY | PRESENCE_PLAIN);
    bob.terminate();
    await until('it is known to have left', () => main.changes.length === 4);
    expect(main.changes[3]).toMatchObject({ peer, came: null, plain: true });
    const changes = [{ peer, state: STATE_OFFLINE, seenMs: 1_234, plain: true }];
    for (let shard = 0; shard < shards; shard++) main.tell(shard, { kind: 'presence', changes });
    const told = await alice.next(op.OP_PRESENCE);
    expect([told.requestId, told.body.states]).toEqual([0, [{ peer, state: STATE_OFFLINE, seenMs: 1_234 }]]);
  });
});

test('a shard without a directory asks for nothing: every peer is open to all at once', async () => {
  main = await ScriptedMain.start(2, false);
  const [alice, bob] = [await login(), await login()];
  expect([flags(alice), flags(bob)]).toEqual([PRESENCE_PLAIN, PRESENCE_PLAIN]);
  await alice.open(bob);
  alice.control(op.OP_LOOKUP, 9, { peer: bob.key.publicKey });
  expect(await alice.next(op.OP_ERROR)).toMatchObject({
    requestId: 9,
    body: { code: 'no-directory', fatal: false },
  });
  await alice.roundTrip();
  expect(main.asked).toEqual([]);
});
