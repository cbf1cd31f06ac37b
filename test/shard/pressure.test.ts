import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_CONTROL_QUEUE_BYTES, MAX_REALTIME_QUEUE_BYTES } from '../../core/protocol/limits.ts';
import { C, COUNTERS } from '../../core/threads/counters.ts';
import {
  CONTROL,
  type Fate,
  PressureQueue,
  REALTIME,
  RELIABLE,
  type Waiting,
} from '../../workers/shard/pressure.ts';

const never = Number.POSITIVE_INFINITY;
const fate = (count: Float64Array): Fate => ({
  counters: count,
  why: { noteWaited: () => {} },
  congestion: { droppedFor: () => {}, passedFor: () => {} },
});
const counters = (): Float64Array => new Float64Array(COUNTERS.length);

function item(number: number, size: number, kind: Waiting['kind'], expiresAt = never): Waiting {
  const bytes = new Uint8Array(Math.max(size, 4));
  new DataView(bytes.buffer).setUint32(0, number);
  return { bytes, frames: 1, expiresAt, kind };
}

/** The numbers of the items that are in these bytes, in order. */
function takeAll(queue: PressureQueue, sizes: Map<number, number>, now = 0): number[] {
  const numbers: number[] = [];
  for (let taken = queue.take(1 << 20, now); taken; taken = queue.take(1 << 20, now)) {
    const view = new DataView(taken.bytes.buffer, taken.bytes.byteOffset, taken.bytes.length);
    let frames = 0;
    for (let at = 0; at < taken.bytes.length; frames++) {
      const number = view.getUint32(at);
      numbers.push(number);
      at += sizes.get(number)!;
    }
    expect(taken.frames).toBe(frames);
  }
  return numbers;
}

const KINDS = [CONTROL, RELIABLE, REALTIME] as const;
const given = fc.record({
  priority: fc.integer({ min: 0, max: 4 }),
  kind: fc.constantFrom(...KINDS),
  size: fc.oneof(fc.integer({ min: 4, max: 300 }), fc.integer({ min: 4, max: 60_000 })),
  behind: fc.boolean(),
  life: fc.constantFrom(50, 150, never),
});

describe('what waits for a slow receiver', () => {
  test('goes highest class first, what must not be lost before realtime, each in its order', () => {
    fc.assert(
      fc.property(fc.array(given, { maxLength: 200 }), (all) => {
        const count = counters();
        const queue = new PressureQueue(fate(count));
        const sizes = new Map<number, number>();
        const kept: { number: number; priority: number; lane: number }[] = [];
        let tooMuchControl = 0;
        all.forEach(({ priority, kind, size, behind, life }, number) => {
          const control = kind === CONTROL;
          const one = item(number, size, kind, kind === REALTIME ? life : never);
          sizes.set(number, one.bytes.length);
          if (!queue.push(priority, one, 0, control && behind)) {
            expect(control).toBe(true);
            tooMuchControl++;
            return;
          }
          kept.push({ number, priority, lane: kind === REALTIME || (control && behind) ? 1 : 0 });
        });
        const taken = takeAll(queue, sizes, 100);
        expect(new Set(taken).size).toBe(taken.length);
        const dropped = count[C.dropOldest]! + count[C.dropExpired]!;
        expect(taken.length + dropped + tooMuchControl).toBe(all.length);
        // Nothing that must not be lost is lost, whatever the realtime data does.
        const lost = kept.filter(({ number }) => !taken.includes(number));
        for (const { number } of lost) expect(all[number]!.kind).toBe(REALTIME);
        // Nothing too late is sent.
        for (const number of taken) {
          if (all[number]!.kind === REALTIME) expect(all[number]!.life).toBeGreaterThan(100);
        }
        // Class by class; a control frame behind realtime data comes after all that came before it in its class.
        const order = (number: number): number => all[number]!.priority;
        for (let i = 1; i < taken.length; i++)
          expect(order(taken[i]!)).toBeGreaterThanOrEqual(order(taken[i - 1]!));
        for (const lane of [0, 1]) {
          for (let priority = 0; priority < 5; priority++) {
            const here = new Set(
              kept.filter((k) => k.priority === priority && k.lane === lane).map((k) => k.number),
            );
            const numbers = taken.filter((number) => here.has(number));
            // A control frame that had to wait for realtime data may go early once that data was dropped.
            const data = numbers.filter((number) => lane === 0 || all[number]!.kind === REALTIME);
            expect(data).toEqual([...data].sort((a, b) => a - b));
          }
        }
        for (const number of taken.filter((n) => all[n]!.kind === CONTROL && all[n]!.behind)) {
          const earlier = taken.filter(
            (n) => n < number && all[n]!.kind === REALTIME && all[n]!.priority === all[number]!.priority,
          );
          for (const n of earlier) expect(taken.indexOf(n)).toBeLessThan(taken.indexOf(number));
        }
        expect({ bytes: queue.bytes, frames: queue.frames, empty: queue.empty }).toEqual({
          bytes: 0,
          frames: 0,
          empty: true,
        });
        expect(count[C.queuedBytes]).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  test('sheds the oldest realtime frame of the lowest class, and no more than it must', () => {
    const count = counters();
    const queue = new PressureQueue(fate(count));
    const sizes = new Map<number, number>();
    const push = (number: number, priority: number, size: number): void => {
      sizes.set(number, size);
      queue.push(priority, item(number, size, REALTIME), 0);
    };
    push(0, 1, 60_000);
    push(1, 1, 60_000);
    push(20, 0, 60_000);
    push(10, 4, 30_000);
    push(11, 4, 30_000);
    expect(count[C.dropOldest]).toBe(0);
    push(12, 3, 30_000);
    expect([count[C.dropOldest], count[C.dropOldestBulk]]).toEqual([1, 1]);
    push(2, 2, 60_000);
    expect([count[C.dropOldest], count[C.dropOldestBulk], count[C.dropOldestVideo]]).toEqual([3, 2, 1]);
    expect(takeAll(queue, sizes)).toEqual([20, 0, 1, 2]);
  });

  test('keeps realtime data within its bound, and costs no more however small the frames are', () => {
    for (const size of [9, 160, 1200, 65_536]) {
      const count = counters();
      const queue = new PressureQueue(fate(count));
      for (let number = 0; number < 4_000; number++) {
        queue.push(number % 5, item(number, size, REALTIME), 0);
        expect(queue.bytes).toBeLessThanOrEqual(MAX_REALTIME_QUEUE_BYTES);
      }
      // 256 bytes are charged for each: so many objects there are at most.
      expect(queue.frames).toBeLessThanOrEqual(MAX_REALTIME_QUEUE_BYTES / 256);
      expect(queue.frames + count[C.dropOldest]!).toBe(4_000);
    }
  });

  test('refuses control frames beyond their bound, and takes them again when there is room', () => {
    for (const size of [5, 100, 4_096]) {
      const queue = new PressureQueue(fate(counters()));
      let frames = 0;
      while (queue.push(0, item(frames, size, CONTROL), 0)) frames++;
      expect(queue.bytes).toBeLessThanOrEqual(MAX_CONTROL_QUEUE_BYTES);
      expect(queue.bytes).toBeGreaterThan(MAX_CONTROL_QUEUE_BYTES * 0.9);
      expect(queue.push(0, item(0, 60_000, RELIABLE), 0)).toBe(true);
      expect(queue.push(3, item(0, 9, REALTIME), 0)).toBe(true);
      while (queue.take(1 << 20, 0)) {
        // All goes.
      }
      expect(queue.push(0, item(0, size, CONTROL), 0)).toBe(true);
    }
  });

  test('keeps small frames that must not be lost in few arrays', () => {
    const queue = new PressureQueue(fate(counters()));
    const frames = 40_000;
    for (let number = 0; number < frames; number++) queue.push(2, item(number, 10, RELIABLE), 0);
    expect(queue.bytes).toBe(frames * 10);
    let arrays = 0;
    while (queue.take(1 << 20, 0)) arrays++;
    expect(arrays).toBeLessThanOrEqual(Math.ceil((frames * 10) / 4_000));
  });

  test('takes nothing that does not fit, and does not let a smaller one of a lower class pass', () => {
    const queue = new PressureQueue(fate(counters()));
    queue.push(1, item(1, 5_000, RELIABLE), 0);
    queue.push(4, item(2, 10, RELIABLE), 0);
    expect(queue.take(4_999, 0)).toBeUndefined();
    expect(queue.take(5_000, 0)?.bytes.length).toBe(5_000);
    expect(queue.take(5_000, 0)?.bytes.length).toBe(10);
  });

  test('gives all back to the counter when it is thrown away', () => {
    const count = counters();
    const queue = new PressureQueue(fate(count));
    const other = new PressureQueue(fate(count));
    other.push(0, item(0, 100, RELIABLE), 0);
    const before = count[C.queuedBytes];
    for (let number = 0; number < 50; number++)
      queue.push(number % 5, item(number, number * 50, KINDS[number % 3]!), 0);
    expect(count[C.queuedBytes]).toBeGreaterThan(before!);
    queue.discard();
    expect(count[C.queuedBytes]).toBe(before);
  });
});
