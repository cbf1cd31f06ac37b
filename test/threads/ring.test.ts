import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createRing,
  MAX_RECORD_COUNT,
  maxRecordBytes,
  RingConsumer,
  RingProducer,
} from '../../core/threads/ring.ts';

const CAPACITY = 1024;

interface Rec {
  kind: number;
  count: number;
  bytes: number[];
}

/** What a ring should do, without sharing or wrapping: two lists, and the space that records need. */
class ModelRing {
  committed: Rec[] = [];
  written: Rec[] = [];
}

const record = fc.record({
  kind: fc.integer({ min: 1, max: 127 }),
  count: fc.integer({ min: 0, max: MAX_RECORD_COUNT }),
  length: fc.oneof(
    fc.integer({ min: 0, max: 40 }),
    fc.integer({ min: 0, max: maxRecordBytes(CAPACITY) }),
    fc.constantFrom(0, 1, 7, 8, 9, maxRecordBytes(CAPACITY)),
  ),
  /** Where the payload lies in its source: the copy takes over its alignment. */
  offset: fc.integer({ min: 0, max: 15 }),
  fill: fc.integer({ min: 0, max: 255 }),
});

type Step =
  | { do: 'write'; record: { kind: number; count: number; length: number; offset: number; fill: number } }
  | { do: 'commit' }
  | { do: 'drain' }
  | { do: 'throw'; after: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: record.map((r): Step => ({ do: 'write', record: r })) },
  { weight: 2, arbitrary: fc.constant<Step>({ do: 'commit' }) },
  { weight: 2, arbitrary: fc.constant<Step>({ do: 'drain' }) },
  { weight: 1, arbitrary: fc.nat(3).map((after): Step => ({ do: 'throw', after })) },
);

function source({ length, offset, fill }: { length: number; offset: number; fill: number }): {
  bytes: Uint8Array;
  start: number;
  end: number;
} {
  const bytes = new Uint8Array(offset + length + 5);
  for (let i = 0; i < length; i++) bytes[offset + i] = fill + i * 7;
  return { bytes, start: offset, end: offset + length };
}

/** Starts a ring whose counters are about to run over 32 bits, as they do after 4 GiB. */
function ringAt(position: number): SharedArrayBuffer {
  const ring = createRing(CAPACITY);
  const words = new Int32Array(ring, 0, 32);
  words[0] = position | 0;
  words[16] = position | 0;
  return ring;
}

describe('a ring', () => {
  test('gives back what was committed, in order, whatever the sizes, and nothing before its commit', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 120 }),
        fc.constantFrom(0, 8, CAPACITY - 8, 0xffff_ff00, 0xffff_fff8),
        (steps, position) => {
          const ring = ringAt(position);
          const producer = new RingProducer(ring);
          const consumer = new RingConsumer(ring);
          const model = new ModelRing();
          const drain = (throwAfter: number): void => {
            const expected = model.committed;
            const got: Rec[] = [];
            const read = (
              kind: number,
              count: number,
              bytes: Uint8Array,
              start: number,
              end: number,
            ): void => {
              got.push({ kind, count, bytes: [...bytes.subarray(start, end)] });
              if (got.length === throwAfter + 1) throw new Error('reader');
            };
            expect(consumer.ready).toBe(expected.length > 0);
            if (throwAfter < expected.length) {
              expect(() => consumer.drain(read)).toThrow('reader');
              expect(got).toEqual(expected.slice(0, throwAfter + 1));
              model.committed = expected.slice(throwAfter + 1);
            } else {
              expect(consumer.drain(read)).toBe(expected.length);
              expect(got).toEqual(expected);
              model.committed = [];
            }
          };
          for (const one of steps) {
            if (one.do === 'write') {
              const { bytes, start, end } = source(one.record);
              const { kind, count } = one.record;
              if (producer.write(kind, count, bytes, start, end)) {
                model.written.push({ kind, count, bytes: [...bytes.subarray(start, end)] });
              } else {
                // A refusal commits what was written before, so that the consumer can make room.
                model.committed.push(...model.written.splice(0));
                expect(model.committed.length).toBeGreaterThan(0);
              }
              expect(producer.dirty).toBe(model.written.length > 0);
            } else if (one.do === 'commit') {
              producer.commit();
              model.committed.push(...model.written.splice(0));
            } else drain(one.do === 'throw' ? one.after : Number.POSITIVE_INFINITY);
          }
          producer.commit();
          model.committed.push(...model.written.splice(0));
          drain(Number.POSITIVE_INFINITY);
          expect(consumer.ready).toBe(false);
        },
      ),
      { numRuns: 400 },
    );
  });

  test('takes the largest record at every position', () => {
    for (let position = 0; position < CAPACITY; position += 8) {
      const ring = ringAt(position);
      const producer = new RingProducer(ring);
      for (let offset = 0; offset < 8; offset++) {
        const { bytes, start, end } = source({ length: maxRecordBytes(CAPACITY), offset, fill: offset });
        expect(producer.write(1, 1, bytes, start, end)).toBe(true);
        producer.commit();
        let read: number[] = [];
        new RingConsumer(ring).drain((_kind, _count, from, at, to) => {
          read = [...from.subarray(at, to)];
        });
        expect(read).toEqual([...bytes.subarray(start, end)]);
      }
    }
  });

  test('refuses a record when it is full, loses nothing, and takes it once there is room', () => {
    const ring = createRing(CAPACITY);
    const producer = new RingProducer(ring);
    const consumer = new RingConsumer(ring);
    const payload = new Uint8Array(56);
    let taken = 0;
    while (producer.write(1, taken, payload, 0, payload.length)) taken++;
    expect(taken).toBe(CAPACITY / 64);
    const counts: number[] = [];
    consumer.drain((_kind, count) => counts.push(count));
    expect(counts).toEqual(Array.from({ length: taken }, (_, i) => i));
    expect(producer.write(1, taken, payload, 0, payload.length)).toBe(true);
  });

  test('frees the room of a record whose reader threw', () => {
    const ring = createRing(CAPACITY);
    const producer = new RingProducer(ring);
    const consumer = new RingConsumer(ring);
    for (let round = 0; round < 100; round++) {
      expect(producer.write(1, 0, new Uint8Array(400), 0, 400)).toBe(true);
      producer.commit();
      expect(() =>
        consumer.drain(() => {
          throw new Error('reader');
        }),
      ).toThrow('reader');
    }
  });

  test.each([0, 512, 1000, 1025, 3000])('does not begin with a capacity of %i', (capacity) => {
    expect(() => createRing(capacity)).toThrow(RangeError);
  });
});
