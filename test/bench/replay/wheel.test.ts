import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Fifo } from '../../../bench/replay/sim/fifo.ts';
import { drawn, Timeline } from '../../../bench/replay/sim/timeline.ts';
import { Wheel } from '../../../bench/replay/sim/wheel.ts';

/** Longer than what the wheel has by the millisecond. */
const LENGTH_MS = 40_000;
const PEERS = 8;

describe('the wheel of events', () => {
  it('gives every event at its millisecond and in order, as a plain list of them does', () => {
    const step = fc.oneof(
      fc.record({
        kind: fc.constant('set' as const),
        peer: fc.nat(PEERS - 1),
        inMs: fc.oneof(fc.integer({ min: -50, max: 5_000 }), fc.integer({ min: 0, max: 50_000 })),
      }),
      fc.record({ kind: fc.constant('clear' as const), peer: fc.nat(PEERS - 1) }),
      fc.record({
        kind: fc.constant('run' as const),
        ms: fc.oneof(fc.integer({ min: 0, max: 700 }), fc.integer({ min: 0, max: 5_000 })),
      }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const wheel = new Wheel(PEERS, LENGTH_MS);
        // In the order of the millisecond: the newest of those that were set in their second, then the oldest of the others.
        const model = new Map<number, { due: number; rank: number }>();
        let now = 0;
        for (const [at, one] of steps.entries()) {
          if (one.kind === 'set') {
            wheel.set(one.peer, now + one.inMs);
            const due = Math.max(now + 1, now + one.inMs);
            const isSoon = Math.floor(due / 1_000) === Math.floor(now / 1_000);
            if (due < LENGTH_MS + 1_000) model.set(one.peer, { due, rank: isSoon ? -at : at });
            else model.delete(one.peer);
          } else if (one.kind === 'clear') {
            wheel.clear(one.peer);
            model.delete(one.peer);
          } else {
            for (const end = Math.min(LENGTH_MS, now + one.ms); now < end; ) {
              wheel.moveTo(++now);
              const got: number[] = [];
              for (let peer = wheel.take(); peer >= 0; peer = wheel.take()) got.push(peer);
              const due = [...model].filter(([, event]) => event.due === now);
              const want = due.sort(([, a], [, b]) => a.rank - b.rank).map(([peer]) => peer);
              if (got.length + want.length > 0) expect(got).toEqual(want);
              for (const peer of want) model.delete(peer);
            }
          }
        }
      }),
      { numRuns: 50 },
    );
  });

  it('counts those who are parked at each period, and gives each once when it is taken', () => {
    const step = fc.record({
      kind: fc.constantFrom('park', 'set', 'clear', 'unpark'),
      peer: fc.nat(PEERS - 1),
      ms: fc.integer({ min: 1, max: 30 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const period = 7;
        const wheel = new Wheel(PEERS, LENGTH_MS, period);
        const parked = new Map<number, number>();
        let now = 0;
        for (const { kind, peer, ms } of steps) {
          now += ms;
          wheel.moveTo(now);
          while (wheel.take() >= 0);
          const due = [...parked].filter(([, at]) => at === now % period).map(([who]) => who);
          expect(wheel.parked).toBe(due.length);
          if (kind === 'park') {
            wheel.park(peer);
            parked.set(peer, now % period);
          } else if (kind === 'unpark') {
            const got: number[] = [];
            for (let one = wheel.unpark(); one >= 0; one = wheel.unpark()) got.push(one);
            expect(got.sort()).toEqual(due.sort());
            for (const one of due) parked.delete(one);
          } else {
            if (kind === 'set') wheel.set(peer, now + 1);
            else wheel.clear(peer);
            parked.delete(peer);
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  it('does not go back in time', () => {
    const wheel = new Wheel(1, LENGTH_MS);
    wheel.moveTo(10);
    expect(() => wheel.moveTo(9)).toThrow(/Time went back/);
  });
});

describe('the queue of a relay without admission', () => {
  it('is first in, first out, and counts those that nobody waits for', () => {
    const step = fc.record({
      kind: fc.constantFrom('push', 'nobody', 'drop'),
      ms: fc.integer({ min: 0, max: 1 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const fifo = new Fifo();
        const model: { peer: number; round?: number; sinceMs: number }[] = [];
        let now = 0;
        for (const [at, { kind, ms }] of steps.entries()) {
          now += ms;
          if (kind === 'push') {
            expect(fifo.push(at, at + 1, now)).toBe(true);
            model.push({ peer: at, round: at + 1, sinceMs: now });
          } else if (kind === 'nobody') {
            expect(fifo.pushNobody(now)).toBe(true);
            model.push({ peer: -1, sinceMs: now });
          } else if (model.length > 0) {
            expect(fifo).toMatchObject(model.shift()!);
            fifo.drop();
          }
          expect(fifo.size).toBe(model.length);
        }
      }),
    );
  });
});

describe('whom a trigger ends', () => {
  it('ends each of them once, evenly over the time', () => {
    const who = drawn(50, 200, Math.random);
    expect(new Set(who).size).toBe(50);
    const timeline = new Timeline(who, 1_000, 100);
    const ended: number[] = [];
    for (let now = 0; now <= 1_100; now++) {
      for (let one = timeline.take(now); one >= 0; one = timeline.take(now)) ended.push(one);
      if (now === 999) expect(ended).toHaveLength(0);
      if (now === 1_050) expect(ended).toHaveLength(25);
    }
    expect(ended).toEqual([...who]);
  });
});
