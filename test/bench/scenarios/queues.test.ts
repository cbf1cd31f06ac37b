import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DueTimes } from '../../../bench/load/scenarios/due-times.ts';
import { EventQueue } from '../../../bench/load/scenarios/event-queue.ts';

describe('an event queue', () => {
  it('gives events in the order of their times, and those of one time as they were added', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 200 }), (times) => {
        const queue = new EventQueue<[number, number]>();
        for (const [i, atMs] of times.entries()) queue.add(atMs, [atMs, i]);
        const taken: [number, number][] = [];
        for (let event = queue.take(100); event; event = queue.take(100)) taken.push(event);
        const model = times.map((atMs, i): [number, number] => [atMs, i]);
        expect(taken).toEqual(model.sort((a, b) => a[0] - b[0] || a[1] - b[1]));
      }),
    );
  });

  it('keeps its order while events are taken and added in turn', () => {
    const command = fc.oneof(
      fc.record({ add: fc.integer({ min: 0, max: 50 }) }),
      fc.record({ until: fc.integer({ min: 0, max: 50 }) }),
    );
    fc.assert(
      fc.property(fc.array(command, { maxLength: 200 }), (commands) => {
        const queue = new EventQueue<number>();
        const model: number[] = [];
        for (const step of commands) {
          if ('add' in step) {
            queue.add(step.add, step.add);
            model.push(step.add);
            model.sort((a, b) => a - b);
          } else {
            const due = model[0] !== undefined && model[0] <= step.until ? model.shift() : undefined;
            expect(queue.take(step.until)).toBe(due);
          }
          expect(queue.nextAtMs).toBe(model[0] ?? Number.POSITIVE_INFINITY);
          expect(queue.size).toBe(model.length);
        }
      }),
    );
  });
});

describe('due times', () => {
  it('are first in, first out, however many there are', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.double({ noNaN: true })), { maxLength: 300 }), (steps) => {
        const times = new DueTimes();
        const model: number[] = [];
        for (const step of steps) {
          if (step === null) expect(times.take()).toBe(model.shift() ?? Number.NaN);
          else {
            times.add(step);
            model.push(step);
          }
          const seen: number[] = [];
          times.each((dueAtMs) => seen.push(dueAtMs));
          expect(seen).toEqual(model);
          expect(times.size).toBe(model.length);
          expect(times.first).toBe(model[0] ?? Number.NaN);
        }
      }),
    );
  });
});
