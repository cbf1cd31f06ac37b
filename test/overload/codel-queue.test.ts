import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodelQueue } from '../../core/overload/codel-queue.ts';

/** The same with an array and no thought for speed. */
class Model {
  items: { item: number; since: number }[] = [];
  lateSince: number | null = null;
  overloaded = false;
  readonly most: number;
  constructor(most: number) {
    this.most = most;
  }
  push(item: number, now: number): boolean {
    if (this.items.length >= this.most) return false;
    this.items.push({ item, since: now });
    return true;
  }
  shift(now: number, dropped: number[]): number | undefined {
    const oldest = this.items[0];
    if (oldest === undefined) this.overloaded = false;
    if (oldest === undefined || now - oldest.since <= 5) this.lateSince = null;
    else {
      this.lateSince ??= now;
      if (now - this.lateSince >= 100) this.overloaded = true;
    }
    const most = this.overloaded ? 5 : 100;
    dropped.push(...this.items.filter(({ since }) => now - since > most).map(({ item }) => item));
    this.items = this.items.filter(({ since }) => now - since <= most);
    return (this.overloaded ? this.items.pop() : this.items.shift())?.item;
  }
}

describe('a CoDel queue', () => {
  it('does what its model does', () => {
    const step = fc.record({ stepMs: fc.oneof(fc.nat(3), fc.nat(40)), push: fc.nat(6), shift: fc.nat(4) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), fc.integer({ min: 1, max: 60 }), (steps, most) => {
        const queue = new CodelQueue<number>({ most });
        const model = new Model(most);
        let now = 0;
        let next = 0;
        for (const { stepMs, push, shift } of steps) {
          now += stepMs;
          for (let k = 0; k < push; k++) expect(queue.push(next, now)).toBe(model.push(next++, now));
          for (let k = 0; k < shift; k++) {
            const [dropped, modelDropped]: [number[], number[]] = [[], []];
            const item = queue.shift(now, (gone) => dropped.push(gone));
            expect(item).toBe(model.shift(now, modelDropped));
            expect(dropped).toEqual(modelDropped);
          }
          expect(queue.size).toBe(model.items.length);
          expect(queue.overloaded).toBe(model.overloaded);
        }
      }),
    );
  });

  it('serves the newest first, and within the target, while more comes than it can serve', () => {
    const queue = new CodelQueue<number>();
    const waits: number[] = [];
    let dropped = 0;
    // One is served per millisecond, two come.
    for (let now = 0; now < 5_000; now++) {
      queue.push(now, now);
      queue.push(now, now);
      const since = queue.shift(now, () => dropped++);
      if (now > 1_000) waits.push(now - since!);
    }
    expect(queue.overloaded).toBe(true);
    expect(Math.max(...waits)).toBeLessThanOrEqual(5);
    expect(queue.size).toBeLessThan(20);
    expect(dropped).toBeGreaterThan(4_500);
  });

  it('takes a burst that drains for what it is', () => {
    const queue = new CodelQueue<number>();
    for (let k = 0; k < 90; k++) queue.push(k, 0);
    const served = Array.from({ length: 90 }, (_, now) =>
      queue.shift(now, () => {
        throw new Error('dropped');
      }),
    );
    expect(served).toEqual(Array.from({ length: 90 }, (_, k) => k));
    expect(queue.overloaded).toBe(false);
  });
});
