/** Presence news alone: a real presence table, shards that only listen, timers by hand. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { STATE_AWAY, STATE_OFFLINE, STATE_ONLINE } from '../../core/protocol/directory-ops.ts';
import { PRESENCE_GATHER_MS } from '../../core/protocol/limits.ts';
import { MAX_CHANGES_GATHERED } from '../../core/relay/limits.ts';
import { PresenceNewsRound } from '../../core/relay/presence-news.ts';
import type { PresenceNews } from '../../core/threads/directory-messages.ts';
import { createPresence, PRESENCE_AWAY, PRESENCE_PLAIN, PresenceTable } from '../../core/threads/presence.ts';
import { limit } from '../fixtures/limits.ts';

const key = (number: number): Uint8Array =>
  new Uint8Array(new Uint32Array([number, 0, 0, 0, 0, 0, 0, 0]).buffer);
const place = (peer: number, flags: number) => ({ shard: 0, slot: peer, generation: 1, flags });

let watching: number[];
let told: { shard: number; changes: PresenceNews[] }[];
let presence: PresenceTable;
let news: PresenceNewsRound;

beforeEach(() => {
  vi.useFakeTimers();
  [watching, told] = [[0, 2], []];
  presence = new PresenceTable(createPresence(64, new Uint8Array(32)));
  news = new PresenceNewsRound({
    presence,
    shards: 3,
    isWatching: (shard) => watching.includes(shard),
    tell: (shard, changes) => told.push({ shard, changes }),
  });
});
afterEach(() => vi.useRealTimers());

function come(peer: number, flags = 0): void {
  presence.claim(key(peer), place(peer, flags), place(0, 0));
  news.changed(key(peer), false);
}

function leave(peer: number, plain = false): void {
  presence.release(key(peer), place(peer, 0));
  news.changed(key(peer), plain);
}

describe('presence news', () => {
  test('tells each shard with watchers once, with the last state of each peer', () => {
    come(1, PRESENCE_PLAIN);
    come(2, PRESENCE_AWAY);
    come(3);
    leave(3, true);
    come(4);
    leave(4);
    come(4);
    const leftAt = Date.now();
    vi.advanceTimersByTime(PRESENCE_GATHER_MS - 1);
    expect(told).toEqual([]);
    vi.advanceTimersByTime(1);
    const changes = [
      { peer: key(1), state: STATE_ONLINE, plain: true },
      { peer: key(2), state: STATE_AWAY, plain: false },
      { peer: key(3), state: STATE_OFFLINE, seenMs: leftAt, plain: true },
      { peer: key(4), state: STATE_ONLINE, plain: false },
    ];
    expect(told).toEqual([
      { shard: 0, changes },
      { shard: 2, changes },
    ]);
    vi.advanceTimersByTime(10 * PRESENCE_GATHER_MS);
    expect(told).toHaveLength(2);
  });

  test('says of a peer that two shards have seen, one its coming and one its going, what it is now', () => {
    come(1);
    // Its former session on another shard, which was replaced, is heard of only now.
    news.changed(key(1), true);
    vi.advanceTimersByTime(PRESENCE_GATHER_MS);
    expect(told[0]!.changes).toEqual([{ peer: key(1), state: STATE_ONLINE, plain: false }]);
  });

  test('is not gathered for nobody', () => {
    watching = [];
    come(1);
    watching = [1];
    vi.advanceTimersByTime(PRESENCE_GATHER_MS);
    expect(told).toEqual([]);
    come(2);
    vi.advanceTimersByTime(PRESENCE_GATHER_MS);
    expect(told.map(({ shard, changes }) => [shard, changes.length])).toEqual([[1, 1]]);
  });

  test('of very many peers is told before its time, and none is lost', () => {
    watching = [0];
    for (let peer = 0; peer < MAX_CHANGES_GATHERED + 3; peer++) news.changed(key(peer), true);
    expect(told.map(({ changes }) => changes.length)).toEqual([MAX_CHANGES_GATHERED]);
    vi.advanceTimersByTime(PRESENCE_GATHER_MS);
    expect(told.map(({ changes }) => changes.length)).toEqual([MAX_CHANGES_GATHERED, 3]);
    limit('presence news gathered').sees();
  });

  test('ends with the relay', () => {
    come(1);
    news.stop();
    vi.advanceTimersByTime(PRESENCE_GATHER_MS);
    expect(told).toEqual([]);
  });
});
