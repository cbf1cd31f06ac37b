import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Flight, LEAST_WINDOW_BYTES, MOST_WINDOW_BYTES } from '../../workers/shard/flight.ts';

/** A line of this rate and round trip, to which as much is given as the flight allows, for so long; steps of a millisecond. */
function overload(bytesPerMs: number, baseMs: number, forMs: number, flight = new Flight(0)) {
  const pings: { seq: number; sent: number }[] = [];
  const pongs: { seq: number; atMs: number }[] = [];
  let sent = 0;
  let read = 0;
  let largest = 0;
  const queued: number[] = [];
  const ping = (now: number): void => {
    const seq = flight.ping(now);
    if (seq !== 0) pings.push({ seq, sent });
  };
  for (let now = 0; now < forMs; now++) {
    read = Math.min(sent, read + bytesPerMs);
    while (pings.length > 0 && pings[0]!.sent <= read)
      pongs.push({ seq: pings.shift()!.seq, atMs: now + baseMs });
    while (pongs.length > 0 && pongs[0]!.atMs <= now) flight.pong(pongs.shift()!.seq, now, 0);
    if (now === 0) {
      // What a session is sent first.
      sent += 100;
      flight.sent(100);
      ping(now);
    }
    for (let sends = 0; sends < 8 && flight.roomBytes > 0; sends++) {
      const slice = Math.max(4096, Math.floor(flight.windowBytes / 4));
      sent += slice;
      flight.sent(slice);
      ping(now);
    }
    if (flight.unasked) ping(now);
    largest = Math.max(largest, sent - read);
    if (now > forMs / 2) queued.push((sent - read) / bytesPerMs);
  }
  return { read, largest, meanQueueMs: queued.reduce((a, b) => a + b, 0) / queued.length };
}

describe('what is in flight to a receiver', () => {
  test.each([
    { bytesPerMs: 125, baseMs: 20 },
    { bytesPerMs: 500, baseMs: 20 },
    { bytesPerMs: 500, baseMs: 100 },
    { bytesPerMs: 5_000, baseMs: 5 },
    { bytesPerMs: 50_000, baseMs: 50 },
  ])(
    'waits for little on a line of $bytesPerMs bytes/ms and $baseMs ms, and keeps it busy',
    ({ bytesPerMs, baseMs }) => {
      const forMs = 20_000;
      const { read, meanQueueMs, largest } = overload(bytesPerMs, baseMs, forMs);
      // The least window on a slow line is more than what is aimed at.
      expect(meanQueueMs).toBeLessThan(40 + (2 * LEAST_WINDOW_BYTES) / bytesPerMs);
      expect(read / (bytesPerMs * forMs)).toBeGreaterThan(0.5);
      expect(largest).toBeLessThanOrEqual(MOST_WINDOW_BYTES * 1.25);
    },
  );

  test('never gets stuck: when pongs come at all, there is room again, whatever their order and delay', () => {
    const step = fc.record({
      bytes: fc.integer({ min: 1, max: 131_072 }),
      waitMs: fc.integer({ min: 0, max: 2_000 }),
      pongs: fc.array(fc.nat({ max: 40 }), { maxLength: 4 }),
      lagMs: fc.integer({ min: 0, max: 50 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const flight = new Flight(0);
        const seqs: number[] = [];
        let now = 0;
        for (const { bytes, waitMs, pongs, lagMs } of steps) {
          now += waitMs;
          flight.sent(bytes);
          seqs.push(flight.ping(now));
          // Also such as were never asked for, and twice.
          for (const pong of pongs) flight.pong(seqs[pong] ?? pong, now, lagMs);
          expect(flight.inFlightBytes).toBeGreaterThanOrEqual(0);
          expect(flight.windowBytes).toBeGreaterThanOrEqual(LEAST_WINDOW_BYTES);
          expect(flight.windowBytes).toBeLessThanOrEqual(MOST_WINDOW_BYTES);
          expect(flight.markBytes).toBeGreaterThan(0);
        }
        for (const seq of seqs) flight.pong(seq, now, 0);
        if (flight.unasked) flight.pong(flight.ping(now), now, 0);
        expect(flight.inFlightBytes).toBe(0);
        expect(flight.roomBytes).toBeGreaterThan(0);
      }),
      { numRuns: 200 },
    );
  });
});
