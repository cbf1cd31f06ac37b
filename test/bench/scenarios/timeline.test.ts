import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contactsOf } from '../../../bench/load/scenarios/contacts.ts';
import { type Couple, type Happening, Timeline } from '../../../bench/load/scenarios/timeline.ts';

const plan = fc.record({
  peers: fc.integer({ min: 1, max: 300 }),
  seed: fc.nat(),
  compression: fc.constantFrom(1, 60, 600),
});

function all(timeline: Timeline, untilMs: number): Happening[] {
  const happenings: Happening[] = [];
  for (let next = timeline.next(untilMs); next; next = timeline.next(untilMs)) happenings.push(next);
  return happenings;
}

describe('a timeline', () => {
  it('is the same for the same plan, however it is asked', () => {
    fc.assert(
      fc.property(plan, (given) => {
        const steps = new Timeline(given);
        const inSteps = [0, 10, 500, 501, 2000].flatMap((untilMs) => all(steps, untilMs));
        expect(inSteps).toEqual(all(new Timeline(given), 2000));
      }),
      { numRuns: 30 },
    );
  });

  it('is in order, and announces when the next thing happens', () => {
    fc.assert(
      fc.property(plan, (given) => {
        const timeline = new Timeline(given);
        let lastMs = 0;
        for (let i = 0; i < 500; i++) {
          const { nextAtMs } = timeline;
          const happening = timeline.next(Number.MAX_VALUE);
          if (!happening) break;
          expect(happening.atMs).toBeGreaterThanOrEqual(Math.max(lastMs, nextAtMs));
          lastMs = happening.atMs;
        }
      }),
      { numRuns: 30 },
    );
  });

  it('never asks a user for two things at once, nor anything of one who is out', () => {
    fc.assert(
      fc.property(plan, (given) => {
        const timeline = new Timeline(given);
        const out = new Set(Array.from({ length: timeline.users - given.peers }, (_, i) => given.peers + i));
        const busy = new Set<number>();
        const shared = new Map<string, Couple>();
        const begin = (name: string, users: Couple): void => {
          for (const user of users) {
            expect(out.has(user) || busy.has(user)).toBe(false);
            busy.add(user);
          }
          shared.set(name, users);
        };
        const end = (name: string): void => {
          for (const user of shared.get(name)!) busy.delete(user);
          shared.delete(name);
        };
        for (const happening of all(timeline, 3000)) {
          if (happening.kind === 'call') begin(`call ${happening.call}`, happening.users);
          if (happening.kind === 'hang-up') end(`call ${happening.call}`);
          if (happening.kind === 'converse') begin(`text ${happening.conversation}`, happening.users);
          if (happening.kind === 'part') end(`text ${happening.conversation}`);
          if (happening.kind === 'message') expect(shared.has(`text ${happening.conversation}`)).toBe(true);
          if (happening.kind === 'presence') expect(out.has(happening.user)).toBe(false);
          if (happening.kind === 'come') expect(out.delete(happening.user)).toBe(true);
          if (happening.kind === 'leave') {
            expect(busy.has(happening.user) || out.has(happening.user)).toBe(false);
            out.add(happening.user);
          }
        }
        expect(timeline.users - out.size).toBe(given.peers);
      }),
      { numRuns: 30 },
    );
  });

  it('begins in the steady state, and stays there', () => {
    const timeline = new Timeline({ peers: 4000, seed: 5, compression: 60 });
    let [calls, conversations] = [0, 0];
    const follow = (happenings: Happening[]): void => {
      for (const { kind } of happenings) {
        if (kind === 'call') calls++;
        if (kind === 'hang-up') calls--;
        if (kind === 'converse') conversations++;
        if (kind === 'part') conversations--;
      }
    };
    follow(all(timeline, 0));
    expect([calls, conversations]).toEqual([300, 200]);
    const minute = all(timeline, 60_000);
    follow(minute);
    // Poisson numbers: within four deviations of their means.
    expect(Math.abs(calls - 300)).toBeLessThan(4 * Math.sqrt(300));
    expect(Math.abs(conversations - 200)).toBeLessThan(4 * Math.sqrt(200));
    const count = (kind: Happening['kind']): number => minute.filter((one) => one.kind === kind).length;
    // An hour of a user's life: a sixth of 4,000 leave; 200 conversations with 4 messages a minute.
    expect(Math.abs(count('leave') - 667)).toBeLessThan(4 * Math.sqrt(667));
    expect(count('come')).toBe(count('leave'));
    expect(count('message') / (200 * 4 * 60)).toBeCloseTo(1, 0);
    expect(Math.abs(count('presence') - 1333)).toBeLessThan(4 * Math.sqrt(1333));
  });
});

it('a user has the same contacts each time, half of them not here', () => {
  const lists = Array.from({ length: 2000 }, (_, user) => contactsOf(user, 2000, 9));
  expect(lists[17]).toEqual(contactsOf(17, 2000, 9));
  const sizes = lists.map((list) => list.length).sort((a, b) => a - b);
  expect(Math.abs(sizes[1000]! - 25)).toBeLessThanOrEqual(2);
  const flat = lists.flat();
  expect(flat.filter((contact) => typeof contact === 'number').length / flat.length).toBeCloseTo(0.5, 1);
});
