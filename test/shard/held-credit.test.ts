import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Accounts, createAccounts } from '../../core/threads/accounts.ts';
import { C } from '../../core/threads/counters.ts';
import { OFFERED, OPEN } from '../../workers/shard/ends.ts';
import { HeldCredit } from '../../workers/shard/held-credit.ts';
import { Meters } from '../../workers/shard/meters.ts';
import { ShardWorld } from '../fixtures/shard-world.ts';

const RATE = 100_000;

/** One sender with a budget and some ends, and a clock by hand. */
class CreditWorld {
  readonly shard = new ShardWorld();
  readonly peer = this.shard.peer();
  readonly told: { end: number; bytes: number; initial: boolean }[] = [];
  readonly meters: Meters;
  readonly held: HeldCredit;
  readonly ends: number[];
  now = 0;

  constructor(count: number) {
    const { ends, counters } = this.shard;
    this.held = new HeldCredit({
      ends,
      counters,
      passCredit: (_session, end, bytes, initial) => this.told.push({ end, bytes, initial }),
    });
    const own = { bytesPerSec: RATE, framesPerSec: Number.POSITIVE_INFINITY };
    this.meters = new Meters(
      {
        index: 0,
        accounts: new Accounts(createAccounts(1, 0, { sessions: 10, channels: 10_000 })),
        budgets: { session: { in: own, out: own }, peer: null },
        tenants: false,
        refilled: () => this.held.refilled(),
      },
      0,
    );
    const { session } = this.peer;
    this.meters.open(session, 1, null, 0);
    this.meters.stop();
    this.ends = Array.from({ length: count }, () => {
      const end = ends.allocate(session.slot);
      ends.state[end] = OPEN;
      ends.op[end] = 0x12;
      ends.reliable[end] = 1;
      ends.next[end] = session.firstEnd;
      session.firstEnd = end + 1;
      return end;
    });
  }

  grant(end: number, bytes: number, initial: boolean): void {
    const now = this.held.grant(this.peer.session, end, bytes, initial);
    if (now > 0) this.told.push({ end, bytes: now, initial });
  }

  /** The sender uses what it may. */
  send(end: number, bytes: number): void {
    const { ends } = this.shard;
    const sent = Math.min(bytes, ends.credit[end]!);
    ends.credit[end]! -= sent;
    if (sent > 0) this.peer.session.meter!.sentReserved(sent, 1);
    if (sent > 0 && ends.held[end]! > 0) this.held.wake(this.peer.session);
  }

  tick(): void {
    this.now += 50;
    this.meters.tick(this.now);
  }

  sum(end: number, initial?: boolean): number {
    return this.told
      .filter((told) => told.end === end && (initial === undefined || told.initial === initial))
      .reduce((total, { bytes }) => total + bytes, 0);
  }
}

describe('HeldCredit', () => {
  it('hands on exactly what was granted, the initial grant first and as such, within the rate', () => {
    const grants = fc.array(
      fc.record({
        end: fc.integer({ min: 0, max: 3 }),
        bytes: fc.integer({ min: 1, max: 60_000 }),
        ticks: fc.integer({ min: 0, max: 5 }),
      }),
      { minLength: 1, maxLength: 20 },
    );
    fc.assert(
      fc.property(grants, (steps) => {
        const world = new CreditWorld(4);
        const granted = [0, 0, 0, 0];
        const initial = [0, 0, 0, 0];
        const check = (): void => {
          const all = world.ends.reduce((sum, end) => sum + world.sum(end), 0);
          // A second's burst, what time brought, and a least grant for each end.
          expect(all).toBeLessThanOrEqual(RATE + (RATE * world.now) / 1_000 + 1);
        };
        for (const { end, bytes, ticks } of steps) {
          const isFirst = granted[end] === 0;
          world.grant(world.ends[end]!, bytes, isFirst);
          granted[end]! += bytes;
          if (isFirst) initial[end] = bytes;
          for (let i = 0; i < ticks; i++) {
            world.tick();
            for (const each of world.ends) world.send(each, 1_000_000);
            check();
          }
        }
        for (let i = 0; i < 20_000 && world.held.size > 0; i++) {
          world.tick();
          for (const each of world.ends) world.send(each, 1_000_000);
          check();
        }
        world.ends.forEach((end, i) => {
          expect(world.sum(end)).toBe(granted[i]);
          expect(world.sum(end, true)).toBe(initial[i]);
        });
        expect(world.shard.counters[C.creditHeldBytes]).toBe(0);
      }),
      { numRuns: 30 },
    );
  });

  it('gives an end that does not send no more than a little ahead, and looks at it again only when it sends', () => {
    const world = new CreditWorld(1);
    const [end] = world.ends as [number];
    world.grant(end, 4_000_000, true);
    for (let i = 0; i < 200; i++) world.tick();
    expect(world.sum(end)).toBe(128 * 1024);
    expect(world.held.size).toBe(0);
    world.send(end, 100_000);
    expect(world.held.size).toBe(1);
    for (let i = 0; i < 40; i++) world.tick();
    expect(world.sum(end)).toBe(128 * 1024 + 100_000);
  });

  it('costs a callee nothing before it accepts', () => {
    const world = new CreditWorld(1);
    const [end] = world.ends as [number];
    world.shard.ends.state[end] = OFFERED;
    world.grant(end, 50_000, true);
    world.tick();
    expect(world.told).toEqual([]);
    expect(world.peer.session.meter!.in.bytes).toBe(RATE);
    world.shard.ends.state[end] = OPEN;
    world.held.release(world.peer.session);
    expect(world.told).toEqual([{ end, bytes: 50_000, initial: true }]);
  });

  it('holds nothing back from who has ended its stream: all credit is its proof of delivery', () => {
    const world = new CreditWorld(1);
    const [end] = world.ends as [number];
    world.grant(end, 1_000_000, true);
    world.shard.ends.ended[end] = 1;
    world.held.wake(world.peer.session);
    world.tick();
    expect(world.sum(end)).toBe(1_000_000);
    world.grant(end, 500_000, false);
    expect(world.sum(end, false)).toBe(500_000);
  });
});
