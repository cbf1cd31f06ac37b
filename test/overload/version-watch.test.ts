import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  chanceAtMost,
  MOST_GONE,
  OTHER_VERSIONS,
  VersionWatch,
  type VersionWatchOptions,
} from '../../core/overload/version-watch.ts';
import { limit } from '../fixtures/limits.ts';
import { prng } from '../fixtures/prng.ts';

/** Numbers from 0 to below 1, the same for the same seed. */
function numbers(seed: number): () => number {
  const { below } = prng(seed);
  return () => below(2 ** 32) / 2 ** 32;
}

/** Sessions of a version that come at `from`, and of which some are lost, the rest ended in order or kept. */
function sessions(
  watch: VersionWatch,
  version: string,
  plan: { first: number; count: number; lost?: number; ended?: number; at?: number },
): void {
  const { first, count, lost = 0, ended = 0, at = 0 } = plan;
  for (let i = 0; i < count; i++) watch.came(version, first + i, at);
  for (let i = 0; i < lost + ended; i++) watch.left(version, first + i, i < lost, at);
}

describe('a version watch', () => {
  test('suspects the version whose sessions are lost far more often, once, and says by how much', () => {
    const watch = new VersionWatch();
    sessions(watch, 'bad/1', { first: 0, count: 1_000, lost: 400 });
    sessions(watch, 'good/1', { first: 10_000, count: 1_000, lost: 20 });
    const { suspected } = watch.judge(1_000);
    expect(suspected).toEqual([
      {
        version: 'bad/1',
        measure: 'lost',
        events: 400,
        trials: 1_000,
        share: 0.4,
        othersShare: 21 / 1_001,
        ratio: 0.4 / (21 / 1_001),
      },
    ]);
    expect(watch.isSuspect('bad/1')).toBe(true);
    expect(watch.isSuspect('good/1')).toBe(false);
    expect(watch.judge(2_000)).toEqual({ suspected: [], cleared: [] });
    expect(watch.suspects).toEqual(suspected);
    expect(watch.rows(2_000).find((row) => row.version === 'bad/1')).toEqual({
      version: 'bad/1',
      sessions: 600,
      logins: 1_000,
      reconnects: 0,
      ended: 400,
      lost: 400,
      suspect: true,
    });
  });

  test('suspects a version that comes back again and again, however it leaves', () => {
    const watch = new VersionWatch();
    sessions(watch, 'good/1', { first: 10_000, count: 500, ended: 100 });
    for (let turn = 0; turn < 4; turn++) {
      sessions(watch, 'restless/1', { first: 0, count: 100, ended: 100, at: turn * 5_000 });
    }
    expect(watch.judge(20_000).suspected).toMatchObject([
      { version: 'restless/1', measure: 'reconnect', events: 300, trials: 400 },
    ]);
  });

  test('counts a login as a reconnection only within the minute', () => {
    const watch = new VersionWatch({ reconnectMs: 1_000 });
    for (const [leftAt, backAt] of [
      [0, 1_000],
      [5_000, 6_001],
      [9_000, 9_000],
    ]) {
      watch.came('a', 7, leftAt!);
      watch.left('a', 7, false, leftAt!);
      watch.came('a', 7, backAt!);
      watch.left('a', 7, false, backAt!);
    }
    expect(watch.rows(10_000)).toMatchObject([{ logins: 6, reconnects: 2 }]);
  });

  test('finds a second suspect that the first one would hide', () => {
    const watch = new VersionWatch();
    sessions(watch, 'worst', { first: 0, count: 4_000, lost: 3_600 });
    sessions(watch, 'bad', { first: 5_000, count: 400, lost: 120 });
    sessions(watch, 'good', { first: 6_000, count: 1_000, lost: 10 });
    expect(watch.judge(1).suspected.map(({ version }) => version)).toEqual(['worst']);
    expect(watch.judge(2).suspected.map(({ version }) => version)).toEqual(['bad']);
  });

  test('clears a suspect when a whole window has shown nothing', () => {
    const watch = new VersionWatch({ windowMs: 1_000 });
    sessions(watch, 'bad', { first: 0, count: 200, lost: 100 });
    sessions(watch, 'good', { first: 1_000, count: 200 });
    expect(watch.judge(10).suspected).toHaveLength(1);
    expect(watch.judge(950)).toEqual({ suspected: [], cleared: [] });
    expect(watch.judge(1_100)).toEqual({ suspected: [], cleared: [] });
    expect(watch.judge(1_950)).toEqual({ suspected: [], cleared: ['bad'] });
    expect(watch.isSuspect('bad')).toBe(false);
  });

  test.each<[string, VersionWatchOptions, Parameters<typeof sessions>[2], Parameters<typeof sessions>[2]]>([
    ['few events', {}, { first: 0, count: 60, lost: 19 }, { first: 1_000, count: 1_000 }],
    ['few sessions', {}, { first: 0, count: 49, lost: 49 }, { first: 1_000, count: 1_000 }],
    ['few others', {}, { first: 0, count: 500, lost: 400 }, { first: 1_000, count: 49 }],
    ['no others', {}, { first: 0, count: 500, lost: 500 }, { first: 1_000, count: 0 }],
    [
      'a small ratio',
      {},
      { first: 0, count: 9_000, lost: 5_000 },
      { first: 10_000, count: 9_000, lost: 2_000 },
    ],
    ['what chance may do', {}, { first: 0, count: 60, lost: 20 }, { first: 1_000, count: 50, lost: 4 }],
  ])('raises nothing for %s', (_, options, own, others) => {
    const watch = new VersionWatch(options);
    sessions(watch, 'a', own);
    sessions(watch, 'b', others);
    expect(watch.judge(1).suspected.filter(({ version }) => version === 'a')).toEqual([]);
  });

  test('tells a bounded number of versions apart, and never suspects the rest', () => {
    const watch = new VersionWatch({ mostVersions: 3 });
    for (const version of ['a', 'b', 'c']) sessions(watch, version, { first: 0, count: 100 });
    for (let i = 0; i < 1_000; i++) sessions(watch, `x${i}`, { first: 1_000 + i, count: 1, lost: 1 });
    expect(watch.judge(1)).toEqual({ suspected: [], cleared: [] });
    const rows = watch.rows(1);
    expect(rows.map(({ version }) => version)).toEqual(['a', 'b', 'c', OTHER_VERSIONS]);
    expect(rows[3]).toMatchObject({ sessions: 0, logins: 1_000, lost: 1_000, suspect: false });
    limit('versions told apart').sees();
  });

  test('remembers a bounded number of those who left: who comes back beyond it is as new', () => {
    const watch = new VersionWatch();
    for (let peer = 0; peer <= MOST_GONE; peer++) watch.came('a', peer, 0);
    for (let peer = 0; peer <= MOST_GONE; peer++) watch.left('a', peer, false, 1);
    watch.came('a', 0, 2);
    watch.came('a', MOST_GONE, 2);
    expect(watch.rows(3)).toMatchObject([{ logins: MOST_GONE + 3, reconnects: 1 }]);
    limit('leaving peers that are remembered').sees();
  });

  test('forgets versions that nobody has, so that new ones have room', () => {
    const watch = new VersionWatch({ mostVersions: 2, windowMs: 1_000 });
    sessions(watch, 'a', { first: 0, count: 1, ended: 1 });
    sessions(watch, 'b', { first: 1, count: 1 });
    sessions(watch, 'c', { first: 2, count: 1, at: 2_000 });
    expect(watch.rows(2_000).map(({ version }) => version)).toEqual(['c', 'b']);
  });

  test('alike versions raise no alarm: 20 versions, 40 windows, shares from 1% to 60%', () => {
    const random = numbers(5);
    let looks = 0;
    for (const share of [0.01, 0.05, 0.2, 0.6]) {
      const watch = new VersionWatch();
      let peer = 0;
      for (let second = 0; second < 3_000; second += 2) {
        for (let i = 0; i < 8; i++) {
          const version = `v${Math.floor(random() * random() * 20)}`;
          watch.came(version, peer, second * 1_000);
          watch.left(version, peer++, random() < share, second * 1_000);
        }
        if (second % 10 !== 0) continue;
        looks++;
        expect(watch.judge(second * 1_000).suspected).toEqual([]);
      }
    }
    expect(looks).toBe(1_200);
  });
});

test('the bound is one: of draws without replacement no more go wrong than it says', () => {
  const random = numbers(11);
  const trials = 40;
  const others = 60;
  const events = 30;
  const rounds = 20_000;
  const seen = new Uint32Array(events + 1);
  for (let round = 0; round < rounds; round++) {
    let own = 0;
    let leftOwn = trials;
    let left = trials + others;
    for (let draw = 0; draw < events; draw++) {
      if (random() * left < leftOwn) {
        own++;
        leftOwn--;
      }
      left--;
    }
    seen[own]!++;
  }
  let atLeast = 0;
  for (let own = events; own >= 0; own--) {
    atLeast += seen[own]!;
    const bound = chanceAtMost(own, trials, events - own, others);
    // Three standard errors of what was counted.
    expect(atLeast / rounds).toBeLessThanOrEqual(bound + 3 * Math.sqrt(bound / rounds));
  }
});

test('the bound is a probability, and falls the further a version is from its share', () => {
  const count = fc.integer({ min: 0, max: 10_000 });
  fc.assert(
    fc.property(
      count,
      fc.integer({ min: 1, max: 10_000 }),
      count,
      fc.integer({ min: 1, max: 10_000 }),
      (x, n, y, m) => {
        const [own, rest] = [Math.min(x, n), Math.min(y, m)];
        const chance = chanceAtMost(own, n, rest, m);
        expect(chance).toBeGreaterThanOrEqual(0);
        expect(chance).toBeLessThanOrEqual(1);
        if (own < n && rest > 0)
          expect(chanceAtMost(own + 1, n, rest - 1, m)).toBeLessThanOrEqual(chance + 1e-12);
      },
    ),
  );
});

test('keeps the counts of a plain model that remembers every event', () => {
  const event = fc.record({
    version: fc.constantFrom('a', 'b', 'c'),
    peer: fc.integer({ min: 0, max: 5 }),
    lost: fc.boolean(),
    waitMs: fc.integer({ min: 0, max: 400 }),
  });
  fc.assert(
    fc.property(
      fc.array(event, { maxLength: 120 }),
      fc.integer({ min: -5_000, max: 5_000 }),
      (events, origin) => {
        const windowMs = 1_000;
        const watch = new VersionWatch({ windowMs, reconnectMs: 300 });
        let now = origin;
        const here = new Map<string, string[]>();
        const log: { version: string; what: string; at: number }[] = [];
        const leftAt = new Map<number, number>();
        for (const { version, peer, lost, waitMs } of events) {
          now += waitMs;
          const stack = here.get(version) ?? [];
          here.set(version, stack);
          if (lost && stack.length > 0) {
            stack.pop();
            watch.left(version, peer, peer % 2 === 0, now);
            log.push({ version, what: 'ended', at: now });
            if (peer % 2 === 0) log.push({ version, what: 'lost', at: now });
            leftAt.set(peer, now);
          } else {
            stack.push('');
            watch.came(version, peer, now);
            log.push({ version, what: 'logins', at: now });
            const left = leftAt.get(peer);
            if (left !== undefined && now - left <= 300) log.push({ version, what: 'reconnects', at: now });
          }
        }
        const bucketOf = (at: number): number => Math.floor((at * 10) / windowMs);
        const inWindow = log.filter(({ at }) => bucketOf(at) > bucketOf(now) - 10);
        const rows = watch.rows(now);
        for (const version of ['a', 'b', 'c']) {
          const row = rows.find((candidate) => candidate.version === version);
          const count = (what: string): number =>
            inWindow.filter((entry) => entry.version === version && entry.what === what).length;
          const expected = {
            sessions: here.get(version)?.length ?? 0,
            logins: count('logins'),
            reconnects: count('reconnects'),
            ended: count('ended'),
            lost: count('lost'),
          };
          if (row === undefined) expect(Object.values(expected)).toEqual([0, 0, 0, 0, 0]);
          else expect(row).toMatchObject(expected);
        }
      },
    ),
  );
});
