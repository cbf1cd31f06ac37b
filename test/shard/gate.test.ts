import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { C, COUNTERS } from '../../core/threads/counters.ts';
import { createPrefixCounts, PrefixCounts } from '../../core/threads/prefix-counts.ts';
import type { UpgradeRefusal } from '../../core/transport/uws.ts';
import { Gate, prefixOf, textOf } from '../../workers/shard/gate.ts';

const address = (...bytes: number[]): ArrayBuffer => new Uint8Array(bytes).buffer;
const LOOPBACK_6 = address(...Array(15).fill(0), 1);
const mapped = (...bytes: number[]): ArrayBuffer => address(...Array(10).fill(0), 0xff, 0xff, ...bytes);

class World {
  readonly shared = createPrefixCounts();
  readonly counters = new Float64Array(COUNTERS.length);
  readonly warnings: string[] = [];

  gate(admission: Partial<ConstructorParameters<typeof Gate>[0]['admission']> = {}): Gate {
    const limits = { maxUnauthenticated: 100, perPrefix: false as const, limitLoopback: false, ...admission };
    return new Gate({ admission: limits, prefixCounts: this.shared }, this.counters, (code, message) =>
      this.warnings.push(`${code}: ${message}`),
    );
  }
}

describe('an address prefix', () => {
  test('is an IPv4 /24, also of an address mapped into IPv6, or an IPv6 /56', () => {
    const text = (from: ArrayBuffer): string => textOf(prefixOf(new Uint8Array(from))!);
    expect(text(address(203, 0, 113, 7))).toBe('203.0.113.0/24');
    expect(text(mapped(203, 0, 113, 200))).toBe('203.0.113.0/24');
    expect(text(address(0x20, 1, 0xd, 0xb8, 0, 1, 0x22, 0x33, ...Array(8).fill(9)))).toBe(
      '2001:db8:1:2200::/56',
    );
    expect(prefixOf(new Uint8Array(0))).toBeNull();
  });

  test('is the same for two addresses when all bits of it are', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        fc.nat(127),
        fc.constantFrom(4, 16),
        (from, bit, length) => {
          const one = from.slice(0, length);
          if (length === 16) one[0] = 0x20;
          const other = one.slice();
          const at = bit % (length * 8);
          other[at >> 3]! ^= 0x80 >> (at & 7);
          const [a, b] = [prefixOf(one)!, prefixOf(other)!];
          const within = at < (length === 4 ? 24 : 56);
          expect(a.high === b.high && a.low === b.low).toBe(!within);
        },
      ),
    );
  });
});

describe('counts of prefixes', () => {
  test('are never too low, whatever comes and goes, and forget what was made in another window', () => {
    const step = fc.record({ prefix: fc.nat(50), opens: fc.boolean(), stepMs: fc.nat(900) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const counts = new PrefixCounts(createPrefixCounts());
        const open = new Map<number, number>();
        let made = new Map<number, number>();
        let now = 1_000_000;
        for (const { prefix, opens, stepMs } of steps) {
          if (Math.floor((now + stepMs) / 5_000) !== Math.floor(now / 5_000)) made = new Map();
          now += stepMs;
          const mark = counts.mark(prefix, prefix * 256);
          if (opens) {
            open.set(prefix, (open.get(prefix) ?? 0) + 1);
            made.set(prefix, (made.get(prefix) ?? 0) + 1);
            counts.addOpen(mark, 1);
            // 50 prefixes in 4 rows of 4,096 columns: exact but for a collision in all four.
            expect(counts.made(mark, now)).toBe(made.get(prefix));
          } else if ((open.get(prefix) ?? 0) > 0) {
            open.set(prefix, open.get(prefix)! - 1);
            counts.addOpen(mark, -1);
          }
          expect(counts.open(mark)).toBe(open.get(prefix) ?? 0);
        }
      }),
    );
  });

  test('stay true for the heavy ones among 20,000 prefixes', () => {
    const counts = new PrefixCounts(createPrefixCounts());
    for (let prefix = 0; prefix < 20_000; prefix++) counts.addOpen(counts.mark(prefix, 0), 1);
    const heavy = counts.mark(7, 0);
    counts.addOpen(heavy, 4_000);
    expect(counts.open(heavy)).toBeGreaterThanOrEqual(4_001);
    expect(counts.open(heavy)).toBeLessThan(4_030);
    expect(counts.open(counts.mark(8, 0))).toBeLessThan(30);
  });
});

describe('the gate', () => {
  test('keeps to the sockets that may be logging in at once, over all shards', () => {
    const world = new World();
    const [one, two] = [world.gate({ maxUnauthenticated: 3 }), world.gate({ maxUnauthenticated: 3 })];
    for (const gate of [one, two, one]) {
      expect(gate.enter(LOOPBACK_6)).toBe(0);
      gate.loggingIn(1);
    }
    const refused = two.enter(LOOPBACK_6) as UpgradeRefusal;
    expect(refused.status).toBe('503 Service Unavailable');
    expect(refused.retryAfterSeconds).toBeGreaterThanOrEqual(1);
    expect(refused.retryAfterSeconds).toBeLessThanOrEqual(10);
    expect(world.counters[C.upgradesRefusedFull]).toBe(1);
    expect(world.warnings).toEqual([
      'unauthenticated-full: 3 sockets are logging in already: others are told to come back (maxUnauthenticated).',
    ]);
    one.loggingIn(-1);
    expect(two.enter(LOOPBACK_6)).toBe(0);
  });

  test('keeps each prefix to its open connections, and lets it in again when one is gone', () => {
    const world = new World();
    const gate = world.gate({ perPrefix: { connectionsPerSec: 1_000, connections: 2 } });
    const marks = [gate.enter(address(203, 0, 113, 1)), gate.enter(mapped(203, 0, 113, 2))];
    expect(marks.every((mark) => typeof mark === 'number' && mark !== 0)).toBe(true);
    const refused = gate.enter(address(203, 0, 113, 3)) as UpgradeRefusal;
    expect(refused).toMatchObject({
      status: '429 Too Many Requests',
      message: '203.0.113.0/24 has 2 connections already',
    });
    expect(world.counters[C.upgradesRefusedPrefix]).toBe(1);
    expect(typeof gate.enter(address(203, 0, 114, 3))).toBe('number');
    gate.leave(marks[0] as number);
    expect(typeof gate.enter(address(203, 0, 113, 3))).toBe('number');
    // Many refusals, one warning.
    for (let k = 0; k < 10; k++) gate.enter(address(203, 0, 113, 4));
    expect(world.warnings).toEqual([
      'prefix-connections: 203.0.113.0/24 has 2 connections already (perPrefix.connections).',
    ]);
  });

  test('keeps each prefix to its rate: five seconds of it at once', () => {
    const world = new World();
    const gate = world.gate({ perPrefix: { connectionsPerSec: 4, connections: 1_000 } });
    const answers = Array.from({ length: 100 }, () => gate.enter(address(198, 51, 100, 1)));
    const refused = answers.filter((answer) => typeof answer !== 'number');
    // 20 per window, and the clock may pass into the next one here.
    expect(refused.length).toBeGreaterThanOrEqual(60);
    expect(refused.length).toBeLessThanOrEqual(80);
    expect(refused[0]).toMatchObject({ status: '429 Too Many Requests' });
    expect(world.counters[C.upgradesRefusedRate]).toBe(refused.length);
    expect(world.warnings[0]).toContain('198.51.100.0/24 makes more than 4 connections per second');
  });

  test('lets this machine in without counting it, unless it is told to', () => {
    const perPrefix = { connectionsPerSec: 1_000, connections: 1 };
    for (const from of [address(127, 0, 0, 1), mapped(127, 1, 2, 3), LOOPBACK_6]) {
      const free = new World().gate({ perPrefix });
      expect([free.enter(from), free.enter(from)]).toEqual([0, 0]);
      const limited = new World().gate({ perPrefix, limitLoopback: true });
      limited.enter(from);
      expect(limited.enter(from)).toMatchObject({ status: '429 Too Many Requests' });
    }
  });
});
