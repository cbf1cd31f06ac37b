import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Admission, type AdmissionOptions } from '../../core/overload/admission.ts';
import { limit } from '../fixtures/limits.ts';
import { prng } from '../fixtures/prng.ts';

const STEP_MS = 5;

interface Storm {
  /** Peers that come at once and obey. */
  peers: number;
  perSec: number;
  /** Attempts a second of those who do not wait, from so many keys. */
  floodPerSec?: number;
  floodKeys?: number;
  /** Whether the relay is told who asks. */
  named?: boolean;
  options?: Partial<AdmissionOptions>;
  kind?: 'resume' | 'full';
}

/** A relay with a rate, in steps of 5 ms. @returns what became of those who obeyed. */
function storm({ peers, perSec, floodPerSec = 0, floodKeys = 1, named = true, options, kind }: Storm) {
  const source = prng(5);
  const random = () => source.below(1e9) / 1e9;
  const admission = new Admission<number>({ perSec, random, ...options });
  const due = new Map<number, number[]>([[0, Array.from({ length: peers }, (_, peer) => peer)]]);
  const inAt = new Map<number, number>();
  let attempts = 0;
  let mostPending = 0;
  let mostTurns = 0;
  let mostRefused = 0;
  let floodIn = 0;
  const later = (peer: number, at: number): void => {
    const step = Math.ceil(at / STEP_MS) * STEP_MS;
    const list = due.get(step);
    if (list) list.push(peer);
    else due.set(step, [peer]);
  };
  let owed = 0;
  const lastMs = ((peers / perSec) * 20 + 60) * 1_000;
  for (let now = 0; inAt.size < peers && now < lastMs; now += STEP_MS) {
    for (owed += (floodPerSec * STEP_MS) / 1_000; owed >= 1; owed--) {
      const key = -1 - Math.floor(random() * floodKeys);
      admission.offer(key, 'full', now, named ? key : undefined);
    }
    for (const peer of due.get(now) ?? []) {
      attempts++;
      const refused = admission.offer(peer, kind ?? 'full', now, named ? peer : undefined);
      if (refused) later(peer, now + refused.retryAfterMs);
    }
    due.delete(now);
    mostPending = Math.max(mostPending, admission.pending);
    const { batch, refused } = admission.take(64, now);
    for (const peer of batch) {
      if (peer >= 0) inAt.set(peer, now);
      else floodIn++;
    }
    for (const { item, retryAfterMs } of refused) if (item >= 0) later(item, now + retryAfterMs);
    mostTurns = Math.max(mostTurns, admission.turns);
    mostRefused = Math.max(mostRefused, refused.length);
  }
  const doneMs = Math.max(...inAt.values());
  return {
    everyoneIsIn: inAt.size === peers,
    attemptsEach: attempts / peers,
    timesIdeal: doneMs / ((peers / perSec) * 1_000),
    mostPending,
    mostTurns,
    mostRefused,
    floodIn,
    admission,
  };
}

/** Peers that come again as soon as they were refused or served, and after 3 s others, all at once, who obey; in steps of 1 ms. */
function crowd(load: { hasty: number; obeying: number; perSec: number; offeredPerSec: number }) {
  const { hasty, obeying, perSec, offeredPerSec } = load;
  const source = prng(5);
  const admission = new Admission<number>({ perSec, random: () => source.below(1e9) / 1e9 });
  const ready = Array.from({ length: hasty }, (_, peer) => peer);
  const due = new Map([[3_000, Array.from({ length: obeying }, (_, peer) => hasty + peer)]]);
  let coming: number[] = [];
  const inAt = new Map<number, number>();
  let attempts = 0;
  const again = (peer: number, at: number): void => {
    if (peer < hasty) ready.push(peer);
    else due.set(at, [...(due.get(at) ?? []), peer]);
  };
  for (let now = 0, owed = 0; now < 120_000 && inAt.size < obeying; now++) {
    coming = [...coming, ...(due.get(now) ?? [])];
    for (owed += offeredPerSec / 1_000; owed >= 1; owed--) {
      const peer = coming.shift() ?? ready.shift();
      if (peer === undefined) continue;
      if (peer >= hasty) attempts++;
      const refused = admission.offer(peer, 'full', now, peer);
      if (refused) again(peer, now + refused.retryAfterMs);
    }
    const { batch, refused } = admission.take(64, now);
    for (const { item, retryAfterMs } of refused) again(item, now + retryAfterMs);
    for (const peer of batch) {
      if (peer < hasty) ready.push(peer);
      else inAt.set(peer, now);
    }
  }
  const idealMs = ((hasty + obeying) / perSec) * 1_000;
  const lastMs = Math.max(...inAt.values()) - 3_000;
  return {
    everyoneIsIn: inAt.size === obeying,
    timesIdeal: lastMs / idealMs,
    attemptsEach: attempts / obeying,
  };
}

describe('admission', () => {
  it('lets everyone who obeys in within 1.3 x the ideal time, and after about one refusal', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2_000, max: 6_000 }),
        fc.integer({ min: 100, max: 600 }),
        (peers, rate) => {
          const { everyoneIsIn, timesIdeal, attemptsEach } = storm({ peers, perSec: rate });
          expect(everyoneIsIn).toBe(true);
          expect(timesIdeal).toBeLessThan(1.3);
          // All of them come at once, before anyone knows how many they are: one attempt, and one in their turn.
          expect(attemptsEach).toBeLessThan(2.05);
        },
      ),
      { numRuns: 10 },
    );
  });

  it('does so beside ten times its capacity of those who do not wait', () => {
    const load = { peers: 4_000, perSec: 400, floodPerSec: 4_000, floodKeys: 400 };
    const { everyoneIsIn, timesIdeal, attemptsEach, mostPending, mostRefused } = storm(load);
    expect(everyoneIsIn).toBe(true);
    expect(timesIdeal).toBeLessThan(1.3);
    expect(attemptsEach).toBeLessThan(2.05);
    // Who would wait too long is told when he comes, not with all others when the interval is over.
    expect(mostPending).toBeLessThan(300);
    expect(mostRefused).toBeLessThan(300);
  });

  it('does so when those who do not wait come late to their turns, all together', () => {
    // They come again as soon as they are refused, and while the others come for the first time nobody else gets through.
    const { everyoneIsIn, timesIdeal, attemptsEach } = crowd({
      hasty: 2_500,
      obeying: 2_500,
      perSec: 200,
      offeredPerSec: 2_000,
    });
    expect(everyoneIsIn).toBe(true);
    expect(timesIdeal).toBeLessThan(1.3);
    expect(attemptsEach).toBeLessThan(2.05);
  });

  it('refuses nearly twice as often without turns: that is what they are for', () => {
    const load = { peers: 4_000, perSec: 400, floodPerSec: 4_000, floodKeys: 400, named: false };
    const { attemptsEach } = storm(load);
    expect(attemptsEach).toBeGreaterThan(2.5);
  });

  it('keeps no more turns than it may', () => {
    const flood = { floodPerSec: 5_000, floodKeys: 1e9 };
    const { mostTurns } = storm({ peers: 1_500, perSec: 100, ...flood, options: { mostTurns: 1_000 } });
    expect(mostTurns).toBe(1_000);
    limit('turns that are remembered').sees();
  });

  it('holds no more logins than it may, resumes too', () => {
    const most = { mostPending: 500 };
    const { everyoneIsIn, mostPending } = storm({ peers: 2_000, perSec: 200, kind: 'resume', options: most });
    expect(mostPending).toBe(500);
    expect(everyoneIsIn).toBe(true);
  });

  it('takes resumes first', () => {
    const admission = new Admission<string>({ perSec: 'measured', random: () => 0 });
    admission.offer('full', 'full', 0);
    admission.offer('resume', 'resume', 0);
    expect(admission.take(1, 0)).toEqual({ batch: ['resume'], refused: [] });
    expect(admission.take(1, 0)).toEqual({ batch: ['full'], refused: [] });
  });

  it('gives the same turn to who asks again before it is due', () => {
    const admission = new Admission<number>({ perSec: 10, random: () => 0, mostPending: 1 });
    admission.offer(0, 'full', 0, 'first');
    const refused = admission.offer(1, 'full', 0, 'second');
    expect(refused).toEqual({ retryAfterMs: 210 });
    for (let now = 1; now < 100; now++) {
      expect(admission.offer(1, 'full', now, 'second')).toEqual({ retryAfterMs: 210 - now });
    }
    expect(admission.turns).toBe(1);
    expect(admission.offer(2, 'full', 99, 'third')).toEqual({ retryAfterMs: 221 });
  });

  it('takes no more than its rate, and tells when the next may be taken', () => {
    const steps = fc.array(fc.record({ stepMs: fc.nat(200), offers: fc.nat(30) }), { maxLength: 100 });
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 500 }), (list, perSec) => {
        const admission = new Admission<number>({ perSec, random: () => 0 });
        let now = 0;
        let taken = 0;
        for (const { stepMs, offers } of list) {
          now += stepMs;
          for (let k = 0; k < offers; k++) admission.offer(k, 'full', now);
          taken += admission.take(1_000, now).batch.length;
          expect(taken).toBeLessThanOrEqual(Math.max(1, perSec / 10) + (now * perSec) / 1_000 + 1e-3);
          const waitMs = admission.nextMs(now);
          if (waitMs > 0 && admission.queued > 0 && waitMs < 50) {
            now += waitMs;
            const more = admission.take(1_000, now);
            expect(more.batch.length + more.refused.length).toBeGreaterThan(0);
            taken += more.batch.length;
          }
        }
      }),
    );
  });

  it('spreads turns over what was measured', () => {
    const admission = new Admission<number>({ perSec: 'measured', random: () => 0, mostPending: 100 });
    let now = 0;
    // 20 in 10 ms, for five seconds.
    for (; now < 5_000; now += 10) {
      for (let k = 0; k < 20; k++) admission.offer(k, 'full', now);
      admission.take(20, now);
      admission.done(20, now + 10);
    }
    expect(admission.perSec).toBeGreaterThan(1_500);
    expect(admission.perSec).toBeLessThan(2_100);
    for (let k = 0; k < 100; k++) admission.offer(k, 'full', now, k);
    const waits = Array.from(
      { length: 1_000 },
      (_, k) => admission.offer(k, 'full', now, 1_000 + k)!.retryAfterMs,
    );
    expect(waits[999]! - waits[0]!).toBeGreaterThan(450);
    expect(waits[999]! - waits[0]!).toBeLessThan(750);
  });
});
