import fc from 'fast-check';
import { expect, test } from 'vitest';
import { VersionQuarantine } from '../../core/overload/version-quarantine.ts';
import { limit } from '../fixtures/limits.ts';
import { prng } from '../fixtures/prng.ts';

test('a peer waits once for each login, and is told what is left when it comes too early', () => {
  const quarantine = new VersionQuarantine({ delayMs: 1_000 });
  expect(quarantine.admit(1, 0, () => 0.5)).toBe(1_000);
  expect(quarantine.admit(1, 400, () => 0)).toBe(600);
  expect(quarantine.admit(1, 1_000, () => 0)).toBe(0);
  // Refused for another reason: its turn stays.
  expect(quarantine.admit(1, 1_500, () => 0)).toBe(0);
  quarantine.came(1);
  expect(quarantine.waiting).toBe(0);
  expect(quarantine.admit(1, 1_600, () => 0)).toBe(500);
});

test('who does not come within a minute of its turn is forgotten, and waits again', () => {
  const quarantine = new VersionQuarantine({ delayMs: 1_000 });
  expect(quarantine.admit(1, 0, () => 0.5)).toBe(1_000);
  expect(quarantine.admit(2, 61_000, () => 0.5)).toBe(1_000);
  expect(quarantine.waiting).toBe(1);
  expect(quarantine.admit(1, 61_000, () => 0.5)).toBe(1_000);
});

test('remembers a bounded number of peers, and all of those who obey get in all the same', () => {
  const quarantine = new VersionQuarantine({ delayMs: 1_000, mostWaiting: 50 });
  const { below } = prng(3);
  const random = (): number => below(1_000) / 1_000;
  const due = new Map(Array.from({ length: 400 }, (_, peer) => [peer, 0]));
  let now = 0;
  for (; due.size > 0 && now < 60_000; now += 10) {
    for (const [peer, at] of due) {
      if (at > now) continue;
      const waitMs = quarantine.admit(peer, now, random);
      expect(quarantine.waiting).toBeLessThanOrEqual(50);
      if (waitMs > 0) due.set(peer, now + waitMs);
      else {
        quarantine.came(peer);
        due.delete(peer);
      }
    }
  }
  expect(due.size).toBe(0);
  limit("peers that wait for their version's sake").sees();
});

test('whatever comes when: nobody is let in before its wait, and nobody is told a longer one', () => {
  const step = fc.record({
    peer: fc.integer({ min: 0, max: 8 }),
    waitMs: fc.integer({ min: 0, max: 90_000 }),
    chance: fc.double({ min: 0, max: 0.999, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const quarantine = new VersionQuarantine({ delayMs: 10_000 });
      const due = new Map<number, number>();
      let now = 0;
      for (const { peer, waitMs, chance } of steps) {
        now += waitMs;
        const told = quarantine.admit(peer, now, () => chance);
        expect(told).toBeLessThanOrEqual(15_000);
        if (told === 0) {
          expect(now).toBeGreaterThanOrEqual(due.get(peer) ?? Number.POSITIVE_INFINITY);
          quarantine.came(peer);
          due.delete(peer);
        } else if (!due.has(peer) || now >= due.get(peer)!) due.set(peer, now + told);
        else expect(now + told).toBe(due.get(peer));
      }
    }),
  );
});
