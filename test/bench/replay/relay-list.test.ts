import { describe, expect, it } from 'vitest';
import { RelayList, type RelayReport } from '../../../bench/replay/relay-list.ts';
import { prng } from '../../fixtures/prng.ts';

const EMPTY: RelayReport = { sessions: 0, waiting: 0, mostPeers: 100, loginsPerSec: 1_000_000 };
const held = (sessions: number): RelayReport => ({ ...EMPTY, sessions });

function random(seed = 7): () => number {
  const source = prng(seed);
  return () => source.below(1e9) / 1e9;
}

/** Everybody who asks at a moment, a second after the last one. @returns how often each relay was named. */
function named(list: RelayList, relays: number, asks = 10_000): number[] {
  const times = new Array<number>(relays).fill(0);
  for (let k = 0; k < asks; k++) {
    const relay = list.place(1_000 * (k + 1));
    if (relay !== null) times[relay]!++;
  }
  return times;
}

describe('the list of relays', () => {
  it('names no more places of a relay than it has, and all but 1.5% of them', () => {
    const list = new RelayList({ random: random() });
    list.read([held(40), null, held(100), { ...held(80), waiting: 15 }], 0);
    const times = named(list, 4);
    expect(times[0]).toBeLessThanOrEqual(60);
    expect(times.slice(1, 3)).toEqual([0, 0]);
    expect(times[3]).toBeLessThanOrEqual(5);
    expect(times[0]! + times[3]!).toBe(Math.floor(65 - 0.015 * 300));
    expect(list.place(1e9)).toBe(null);
  });

  it('shares the places out among those who keep a list each', () => {
    const reports = [held(37), held(99), held(0), null, held(58)];
    const of = 3;
    const sum = reports.map(() => 0);
    for (let index = 0; index < of; index++) {
      const list = new RelayList({ random: random(index), part: { index, of } });
      list.read(reports, 0);
      // However few are kept back, nobody names a place of another.
      for (const [relay, times] of named(list, reports.length).entries()) sum[relay]! += times;
    }
    for (const [relay, report] of reports.entries()) {
      expect(sum[relay]).toBeLessThanOrEqual(report === null ? 0 : report.mostPeers - report.sessions);
    }
    expect(sum.reduce((all, one) => all + one, 0)).toBeGreaterThan(206 - 0.015 * 400 - of);
  });

  it('names a relay no faster than it takes logins', () => {
    const list = new RelayList({ random: random() });
    list.read([{ ...EMPTY, mostPeers: 10_000, loginsPerSec: 100 }], 0);
    let times = 0;
    for (let now = 0; now < 10_000; now++) if (list.place(now) !== null) times++;
    expect(times).toBeGreaterThan(740);
    expect(times).toBeLessThan(770);
  });

  it('names a relay that has joined at once, and the others as before', () => {
    const list = new RelayList({ random: random() });
    list.read([held(90), null], 0);
    list.joined(1, held(0), 0);
    list.joined(1, held(0), 0);
    const times = named(list, 2);
    expect(times[0]).toBeLessThanOrEqual(10);
    expect(times[1]).toBeGreaterThan(90);
    expect(times[1]).toBeLessThanOrEqual(100);
  });

  it('sends the herd to the 2% with the least load, to one at least, and keeps them when nobody reports', () => {
    const list = new RelayList({ random: random() });
    list.read([held(50), held(20), null, held(30)], 0);
    expect(list.herd).toEqual([1]);
    list.read([null, null, null, null], 1);
    expect(list.herd).toEqual([1]);
    expect(list.anyUp()).toBe(null);
    list.read(
      Array.from({ length: 200 }, (_, k) => held(k % 100)),
      2,
    );
    expect(list.herd).toEqual([0, 100, 1, 101]);
  });

  it('names by room without counting where relays have no bound', () => {
    const list = new RelayList({ random: random() });
    list.read([held(90), held(10), held(100)], 0);
    const times = [0, 0, 0];
    for (let k = 0; k < 10_000; k++) times[list.byRoom()!]!++;
    expect(times[2]).toBe(0);
    expect(times[0]! / 10_000).toBeCloseTo(0.1, 1);
  });
});
