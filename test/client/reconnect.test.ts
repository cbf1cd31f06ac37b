import { afterEach, describe, expect, it, vi } from 'vitest';
import { Comeback } from '../../core/client/comeback.ts';
import type { DisconnectedEvent, MovingEvent, ReconnectedEvent } from '../../core/client/node.ts';
import { connect } from '../../core/client/node.ts';
import * as op from '../../core/protocol/ops.ts';
import { join, next, openBetween, openPair, startRelay } from './peers.ts';
import { ScriptedRelay } from './scripted-relay.ts';

const quick = { baseMs: 1, capMs: 20 };

/** Lets waits pass at once, each the longest that it may be. @returns those that have passed. */
function skipWaits(): number[] {
  const waits: number[] = [];
  let passedMs = 0;
  const { nextMs } = Comeback.prototype;
  vi.spyOn(Math, 'random').mockReturnValue(0.999_999);
  vi.spyOn(Comeback.prototype, 'nextMs').mockImplementation(function (this: Comeback, now) {
    const waitMs = nextMs.call(this, now + passedMs);
    waits.push(Math.round(waitMs));
    passedMs += waitMs;
    return 0;
  });
  return waits;
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('a peer that lost its connection', () => {
  it('comes back by its ticket, with the same id, and can open channels again', async () => {
    const relay = await startRelay();
    const peer = await join(relay, { reconnect: quick });
    const callee = await join(relay, { reconnect: false, onchannel: () => {} });
    const lost = next<DisconnectedEvent>(peer, 'disconnected');
    const back = next<ReconnectedEvent>(peer, 'reconnected');
    relay.sessionOf(peer.id).socket.terminate();
    expect((await lost).error.code).toBe('connection-lost');
    expect((await back).resumed).toBe(true);
    expect(relay.sessionOf(peer.id).ops).toEqual([op.OP_RESUME]);
    expect(peer.state).toBe('open');
    await peer.open(callee.id);
  });

  it('comes back by its ticket in the request where the relay takes that, again and again', async () => {
    const relay = await startRelay({ early: true });
    const peer = await join(relay, { reconnect: quick });
    const callee = await join(relay, { reconnect: false, onchannel: () => {} });
    for (let time = 0; time < 3; time++) {
      const back = next<ReconnectedEvent>(peer, 'reconnected');
      relay.sessionOf(peer.id).socket.terminate();
      expect((await back).resumed).toBe(true);
      const { ops, early } = relay.sessionOf(peer.id);
      expect(ops).toEqual([]);
      expect(early!.ageMs).toBeLessThan(10_000);
      await peer.open(callee.id);
    }
    // A first login has nothing to show.
    expect(relay.history.filter(({ early }) => early !== null)).toHaveLength(3);
  });

  it('shows its ticket in the request where it was given, and nowhere else', async () => {
    const [relay, successor] = await Promise.all([startRelay(), startRelay({ early: true })]);
    const peer = await join(relay, { reconnect: quick });
    const session = relay.sessionOf(peer.id);
    let back = next<ReconnectedEvent>(peer, 'reconnected');
    session.control(op.OP_MOVING, 0, { leaveInMs: 0, retryAfterMs: 0, successors: [successor.url] });
    session.error('drained', true);
    expect((await back).resumed).toBe(false);
    expect(successor.history.map(({ early }) => early)).toEqual([null]);
    back = next<ReconnectedEvent>(peer, 'reconnected');
    successor.cutAll();
    expect((await back).resumed).toBe(true);
    expect(successor.sessionOf(peer.id).ops).toEqual([]);
  });

  it('signs on the same socket when its ticket is refused', async () => {
    const relay = await startRelay({ refuseTickets: true });
    const peer = await join(relay, { reconnect: quick });
    const back = next<ReconnectedEvent>(peer, 'reconnected');
    relay.cutAll();
    expect((await back).resumed).toBe(false);
    expect(relay.history).toHaveLength(2);
    expect(relay.sessionOf(peer.id).ops).toEqual([op.OP_RESUME, op.OP_LOGIN]);
  });

  it('signs at once when another relay has taken the place', async () => {
    const relay = await ScriptedRelay.start();
    const { port } = relay;
    const peer = await join(relay, { reconnect: quick });
    const before = peer.relay;
    const lost = next(peer, 'disconnected');
    await relay.close();
    await lost;
    const back = next<ReconnectedEvent>(peer, 'reconnected');
    const other = await startRelay({ port });
    expect((await back).resumed).toBe(false);
    expect(other.sessionOf(peer.id).ops).toEqual([op.OP_LOGIN]);
    expect(peer.relay).not.toBe(before);
  });

  it('ends its channels with connection-lost, and the other end with peer-gone', async () => {
    const { relay, caller, callee, near, far } = await openPair({ reliable: true });
    const end = near.end();
    const opening = caller.open(callee.id);
    await openBetween(caller, callee);
    await opening;
    relay.sessionOf(caller.id).socket.terminate();
    expect(await Promise.all([near.closed, far.closed])).toEqual(['connection-lost', 'peer-gone']);
    await expect(end).rejects.toMatchObject({ reason: 'connection-lost' });
    expect(() => near.send('x')).toThrow(expect.objectContaining({ code: 'not-open' }));
  });

  it('refuses to open while it has none, and fails what it was opening', async () => {
    const relay = await startRelay();
    const callee = await join(relay, { reconnect: false, onoffer: () => new Promise<boolean>(() => {}) });
    const peer = await join(relay, { reconnect: { baseMs: 60_000, capMs: 60_000 } });
    const opening = peer.open(callee.id);
    const session = relay.sessionOf(peer.id);
    await relay.until(() => session.ops.includes(op.OP_OPEN));
    session.socket.terminate();
    await expect(opening).rejects.toMatchObject({ name: 'ChannelError', reason: 'connection-lost' });
    expect(peer.state).toBe('reconnecting');
    await expect(peer.open(callee.id)).rejects.toMatchObject({ code: 'not-open' });
    await peer.close();
    expect(peer.state).toBe('closed');
  });

  it('tries again until the relay is back', async () => {
    const relay = await ScriptedRelay.start();
    const { port } = relay;
    const peer = await join(relay, { reconnect: quick });
    const lost = next(peer, 'disconnected');
    await relay.close();
    await lost;
    expect(peer.state).toBe('reconnecting');
    const back = next(peer, 'reconnected');
    await startRelay({ port });
    await back;
    expect(peer.state).toBe('open');
  });

  it('closes when its attempts are used up', async () => {
    const relay = await ScriptedRelay.start();
    const peer = await join(relay, { reconnect: { ...quick, maxAttempts: 3 } });
    const closed = next<Event & { error?: { code: string } }>(peer, 'closed');
    await relay.close();
    expect((await closed).error?.code).toBe('relay-unreachable');
    expect(peer.state).toBe('closed');
  });

  it('does not come back when it was told not to', async () => {
    const relay = await startRelay();
    const peer = await join(relay, { reconnect: false });
    const seen: string[] = [];
    peer.addEventListener('disconnected', () => seen.push('disconnected'));
    const closed = next<Event & { error?: { code: string } }>(peer, 'closed');
    relay.cutAll();
    expect((await closed).error?.code).toBe('connection-lost');
    expect(seen).toEqual(['disconnected']);
    expect(relay.history).toHaveLength(1);
  });

  it('stays closed when it is closed from its disconnected event', async () => {
    const relay = await startRelay();
    const peer = await join(relay, { reconnect: quick });
    const closed = next<Event & { error?: unknown }>(peer, 'closed');
    peer.addEventListener('disconnected', () => void peer.close());
    relay.cutAll();
    expect((await closed).error).toBeUndefined();
    expect(peer.state).toBe('closed');
  });

  it.each([
    'replaced',
    'disconnected',
    'denied',
    'bad-frame',
    'unknown-op',
    'text-message',
    'frame-too-large',
  ])('stays away after %s', async (code) => {
    const relay = await startRelay();
    const peer = await join(relay, { reconnect: quick });
    const closed = next<Event & { error?: { code: string } }>(peer, 'closed');
    relay.sessionOf(peer.id).error(code, true);
    expect((await closed).error?.code).toBe(code);
    expect(peer.state).toBe('closed');
    expect(relay.history).toHaveLength(1);
  });

  it.each(['drained', 'slow-reader', 'overloaded', 'internal'])('comes back after %s', async (code) => {
    const relay = await startRelay();
    const peer = await join(relay, { reconnect: quick });
    const lost = next<DisconnectedEvent>(peer, 'disconnected');
    const back = next(peer, 'reconnected');
    relay.sessionOf(peer.id).error(code, true);
    expect((await lost).error.code).toBe(code);
    await back;
  });

  it('comes back after busy, but stays away when it is denied on coming back', async () => {
    const relay = await startRelay({
      refuse: (attempt) =>
        [
          undefined,
          { code: 'busy', message: 'Busy.', fatal: true, retryAfterMs: 1 },
          { code: 'denied', message: 'No more.', fatal: true },
        ][attempt],
    });
    const peer = await join(relay, { reconnect: quick });
    const closed = next<Event & { error?: { code: string } }>(peer, 'closed');
    relay.cutAll();
    expect((await closed).error?.code).toBe('denied');
    expect(relay.logins).toBe(3);
  });
});

describe('an answer to a ticket in the request', () => {
  const early = async () => {
    const relay = await startRelay({ early: true });
    const peer = await join(relay, { reconnect: quick });
    return { relay, peer };
  };

  it('that is busy is heeded, and another ticket in the request follows', async () => {
    const { relay, peer } = await early();
    const waits = skipWaits();
    const back = next<ReconnectedEvent>(peer, 'reconnected');
    relay.options.early = false;
    relay.options.silent = true;
    relay.cutAll();
    await relay.until(() => relay.history.length === 2);
    relay.options.early = true;
    relay.options.silent = false;
    relay.history[1]!.error('busy', true, { retryAfterMs: 4_321 });
    expect((await back).resumed).toBe(true);
    expect(waits.at(-1)).toBeGreaterThanOrEqual(4_321);
    expect(relay.history.map(({ ops }) => ops)).toEqual([[op.OP_LOGIN], [], []]);
  });

  it.each([
    ['a ready that names another peer', true, new Uint8Array(32)],
    ['a ready before hello, when nothing was offered', false, null],
  ])('that is %s is a breach', async (_what, offers, key) => {
    const { relay, peer } = await early();
    const closed = next<Event & { error?: { code: string } }>(peer, 'closed');
    if (!offers) {
      const stranger = await startRelay({ silent: true });
      const other = connect(stranger.url, { reconnect: false });
      await stranger.until(() => stranger.history.length === 1);
      const rejected = expect(other).rejects.toMatchObject({ code: 'bad-relay' });
      stranger.ready(stranger.history[0]!, new Uint8Array(32));
      await rejected;
      return;
    }
    relay.options.silent = true;
    relay.cutAll();
    await relay.until(() => relay.history.length === 2);
    relay.ready(relay.history[1]!, key!);
    expect((await closed).error?.code).toBe('bad-relay');
  });
});

describe('a relay that is moving', () => {
  it('is told to the application, and left for a successor', async () => {
    const [relay, successor] = await Promise.all([startRelay(), startRelay()]);
    const peer = await join(relay, { reconnect: quick });
    const moving = next<MovingEvent>(peer, 'moving');
    const session = relay.sessionOf(peer.id);
    session.control(op.OP_MOVING, 0, {
      leaveInMs: 5,
      retryAfterMs: 1,
      successors: ['nonsense', 'http://127.0.0.1:1', successor.url],
    });
    expect(await moving).toMatchObject({ leaveInMs: 5, successors: [successor.url] });
    expect(peer.state).toBe('open');
    const back = next<ReconnectedEvent>(peer, 'reconnected');
    session.error('drained', true);
    await back;
    expect(peer.url).toBe(successor.url);
    expect(successor.sessionOf(peer.id)).toBeDefined();
  });

  it('is come back to when the successor does not answer', async () => {
    const relay = await startRelay();
    const peer = await join(relay, { reconnect: quick });
    const gone = await ScriptedRelay.start();
    const successors = [gone.url];
    await gone.close();
    const session = relay.sessionOf(peer.id);
    const back = next(peer, 'reconnected');
    session.control(op.OP_MOVING, 0, { leaveInMs: 0, retryAfterMs: 0, successors });
    session.error('drained', true);
    await back;
    expect(peer.url).toBe(relay.url);
  });

  it.each([
    ['after moving', true],
    ['with drained alone', false],
  ])('is asked about every second while nobody listens at its address: %s', async (_how, says) => {
    const relay = await ScriptedRelay.start();
    const { port } = relay;
    const waits = skipWaits();
    const peer = await join(relay);
    const session = relay.sessionOf(peer.id);
    const lost = next(peer, 'disconnected');
    const back = next(peer, 'reconnected');
    if (says) session.control(op.OP_MOVING, 0, { leaveInMs: 0, retryAfterMs: 2_000 });
    session.error('drained', true, says ? {} : { retryAfterMs: 2_000 });
    await lost;
    await relay.close();
    while (waits.length < 8) await new Promise((resolve) => setImmediate(resolve));
    await startRelay({ port });
    await back;
    expect(waits.slice(0, 8)).toEqual([2_250, 250, 500, 1_000, 1_000, 1_000, 1_000, 1_000]);
  });

  it('ends its channels with drained', async () => {
    const { relay, caller, near } = await openPair();
    relay.sessionOf(caller.id).error('drained', true);
    expect(await near.closed).toBe('drained');
  });
});
