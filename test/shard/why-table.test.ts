import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MINUTES, MOST_OTHERS, WhyTable } from '../../workers/shard/why-table.ts';
import { limit } from '../fixtures/limits.ts';

const MINUTE_MS = 60_000;
const START = 30_000_000 * MINUTE_MS;

function key(number: number): Uint8Array {
  const bytes = new Uint8Array(32).fill(9);
  new DataView(bytes.buffer).setUint32(28, number);
  return bytes;
}
const numberOf = (bytes: Uint8Array | null): number | null =>
  bytes && new DataView(bytes.buffer, bytes.byteOffset).getUint32(28);

interface Noted {
  peer: number;
  other: number | null;
  reason: number;
  at: number;
  counts: Map<number, number>;
}

/** What a table should be: a list, the last noted in front. */
class Model {
  rows: Noted[] = [];
  forgotten = 0;
  readonly #most: number;
  constructor(most: number) {
    this.#most = most;
  }
  note(peer: number, other: number | null, reason: number, count: number, at: number): void {
    let row = this.rows.find((r) => r.peer === peer && r.other === other && r.reason === reason);
    if (!row) {
      if (this.rows.length === this.#most) {
        const gone = this.rows.pop()!;
        if (gone.at > at - MINUTES * MINUTE_MS) this.forgotten++;
      }
      row = { peer, other, reason, at, counts: new Map() };
    } else this.rows.splice(this.rows.indexOf(row), 1);
    this.rows.unshift(row);
    row.at = at;
    const minute = Math.floor(at / MINUTE_MS);
    row.counts.set(minute, (row.counts.get(minute) ?? 0) + count);
  }
  find(peer: number, other: number | null, now: number): unknown[] {
    const oldest = Math.floor(now / MINUTE_MS) - MINUTES;
    return this.rows
      .filter((r) =>
        other === null
          ? r.peer === peer || r.other === peer
          : (r.peer === peer && r.other === other) || (r.peer === other && r.other === peer),
      )
      .map((r) => ({
        peer: r.peer,
        other: r.other,
        reason: r.reason,
        atMs: r.at,
        minutes: [...r.counts]
          .filter(([minute]) => minute >= oldest)
          .sort(([a], [b]) => b - a)
          .map(([minute, count]) => [minute * MINUTE_MS, count]),
      }))
      .filter((r) => r.minutes.length > 0);
  }
}

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      peer: fc.integer({ min: 0, max: 7 }),
      other: fc.option(fc.integer({ min: 0, max: 7 })),
      reason: fc.integer({ min: 0, max: 3 }),
      count: fc.integer({ min: 1, max: 1_000 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ passMs: fc.integer({ min: 0, max: 20 * MINUTE_MS }) }) },
);

describe("a shard's table of what was dropped and refused", () => {
  test('says what a plain list would, also when it is full and when time passes', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
        const table = new WhyTable(16);
        const model = new Model(16);
        let now = START;
        for (const one of steps) {
          if ('passMs' in one) now += one.passMs;
          else {
            const { peer, other, reason, count } = one;
            table.note(key(peer), other === null ? null : key(other), 0, reason, count, now);
            model.note(peer, other, reason, count, now);
          }
        }
        expect(table.forgotten).toBe(model.forgotten);
        expect(table.size).toBe(model.rows.length);
        for (let peer = 0; peer < 8; peer++) {
          for (const other of [null, 0, 3, 7]) {
            const found = table
              .find(key(peer), other === null ? null : key(other), now)
              .map((row) => ({ ...row, peer: numberOf(row.peer), other: numberOf(row.other) }));
            expect(found).toEqual(model.find(peer, other, now));
          }
        }
      }),
      { numRuns: 150 },
    );
  });

  test('counts more of the same on top of its last row', () => {
    const table = new WhyTable(16);
    const row = table.note(key(1), key(2), 0, 0, 5, START);
    table.again(row, 2, START + 1_000);
    table.again(row, 3, START + MINUTE_MS);
    expect(table.find(key(1), null, START + MINUTE_MS)).toMatchObject([
      {
        atMs: START + MINUTE_MS,
        minutes: [
          [START + MINUTE_MS, 3],
          [START, 7],
        ],
      },
    ]);
  });

  test('keeps counting in the last minute when the clock is set back', () => {
    const table = new WhyTable(16);
    const row = table.note(key(1), null, 0, 0, 1, START);
    table.again(row, 1, START - 5 * MINUTE_MS);
    expect(table.find(key(1), null, START)[0]!.minutes).toEqual([[START, 2]]);
  });

  test('names no more than its bound of others for one peer, and counts the rest', () => {
    const table = new WhyTable(4_096);
    for (let other = 1; other <= 1_000; other++) table.note(key(0), key(other), 0, 0, 1, START);
    expect(table.size).toBe(MOST_OTHERS + 1);
    const rows = table.find(key(0), null, START);
    expect(rows.find(({ other }) => other === null)!.minutes).toEqual([[START, 1_000 - MOST_OTHERS]]);
    // What had its row goes on to be counted there.
    table.note(key(0), key(1), 0, 0, 1, START);
    expect(table.find(key(0), key(1), START)[0]!.minutes).toEqual([[START, 2]]);
    limit('of these of one peer, with an other named').sees();
  });

  test('lets a peer name others again when its former entries have gone', () => {
    const table = new WhyTable(256);
    for (let other = 1; other <= MOST_OTHERS; other++) table.note(key(0), key(other), 0, 0, 1, START);
    for (let peer = 1_000; peer < 1_256; peer++) table.note(key(peer), null, 0, 0, 1, START);
    table.note(key(0), key(5), 0, 0, 1, START);
    expect(table.find(key(0), key(5), START)).toHaveLength(1);
  });

  test('makes room by what was not noted for longest, and counts what was still of interest', () => {
    const table = new WhyTable(16);
    for (let peer = 0; peer < 16; peer++) table.note(key(peer), null, 0, 0, 1, START);
    table.note(key(0), null, 0, 0, 1, START);
    table.note(key(99), null, 0, 0, 1, START);
    expect(table.forgotten).toBe(1);
    expect(table.find(key(0), null, START)).toHaveLength(1);
    expect(table.find(key(1), null, START)).toHaveLength(0);
    for (let peer = 200; peer < 216; peer++) table.note(key(peer), null, 0, 0, 1, START + 20 * MINUTE_MS);
    expect(table.forgotten).toBe(1);
  });
});
