import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UNLIMITED } from '../../core/overload/meter.ts';
import { resolveAccounting } from '../../core/relay/budget-options.ts';
import { DEFAULT_TENANT, Tenants } from '../../core/relay/tenants.ts';
import { Accounts, createAccounts, MAX_TENANTS } from '../../core/threads/accounts.ts';
import { limit } from '../fixtures/limits.ts';

const FIRST = 1;
const TENANTS = 4;

function world(limits: { max: number; reserved: number }[], capacity: number): Accounts {
  const accounts = new Accounts(createAccounts(2, limits.length, { sessions: capacity, channels: 10 }));
  const rest = { in: UNLIMITED, out: UNLIMITED, maxChannels: 10, reservedChannels: 0 };
  const reservedSessions = limits.reduce((sum, { reserved }) => sum + reserved, 0);
  accounts.setLimits(0, { ...rest, maxSessions: 1e9, reservedSessions });
  limits.forEach(({ max, reserved }, i) => {
    accounts.setLimits(FIRST + i, { ...rest, maxSessions: max, reservedSessions: reserved });
  });
  return accounts;
}

describe('a quota', () => {
  const limit = fc
    .tuple(fc.integer({ min: 0, max: 8 }), fc.integer({ min: 0, max: 8 }))
    .map(([a, b]) => ({ max: Math.max(a, b), reserved: Math.min(a, b) }));
  const step = fc.record({ account: fc.integer({ min: 0, max: TENANTS - 1 }), takes: fc.boolean() });

  it('does what a plain count does: own reserve first, then what is common, never beyond the max', () => {
    fc.assert(
      fc.property(
        fc.array(limit, { minLength: TENANTS, maxLength: TENANTS }),
        fc.integer({ min: 0, max: 12 }),
        fc.array(step, { maxLength: 100 }),
        (limits, common, steps) => {
          const reserved = limits.reduce((sum, each) => sum + each.reserved, 0);
          const { sessions } = world(limits, reserved + common);
          const has = limits.map(() => 0);
          const beyond = (): number =>
            has.reduce((sum, n, i) => sum + Math.max(0, n - limits[i]!.reserved), 0);
          for (const { account, takes } of steps) {
            const { max, reserved: own } = limits[account]!;
            if (takes) {
              const may = has[account]! < max && (has[account]! < own || beyond() < common);
              expect(sessions.take(FIRST + account)).toBe(may);
              if (may) has[account]!++;
            } else if (has[account]! > 0) {
              sessions.give(FIRST + account);
              has[account]!--;
            }
            expect(sessions.common).toBe(beyond());
            expect(sessions.has(FIRST + account)).toBe(has[account]);
          }
        },
      ),
    );
  });

  it('lets in beyond it what takes the place of another, and is right again when that is given back', () => {
    const { sessions } = world([{ max: 1, reserved: 1 }], 1);
    expect(sessions.take(FIRST)).toBe(true);
    expect(sessions.take(FIRST)).toBe(false);
    expect(sessions.take(FIRST, true)).toBe(true);
    sessions.give(FIRST);
    expect([sessions.has(FIRST), sessions.common]).toEqual([1, 0]);
  });
});

describe('Tenants', () => {
  const make = (warnings: string[] = []): { tenants: Tenants; accounts: Accounts } => {
    const accounts = new Accounts(createAccounts(1, MAX_TENANTS, { sessions: 1e6, channels: 1e6 }));
    const accounting = resolveAccounting(
      { budgets: {}, maxChannels: 1e6, maxPeers: 1e6, tenants: { named: { maxSessions: 1 } } },
      true,
    );
    return { tenants: new Tenants(accounts, 1, accounting, (code) => warnings.push(code)), accounts };
  };

  it('beyond the most there may be, are the default one, counted and told once', () => {
    const warnings: string[] = [];
    const { tenants } = make(warnings);
    for (let i = 0; i < MAX_TENANTS + 10; i++) expect(tenants.admit(`t${i}`, false, 0)).not.toBeNull();
    // One of the accounts is the named one's.
    expect(tenants.unplaced).toBe(11);
    expect(tenants.stats()![DEFAULT_TENANT]!.sessions).toBe(11);
    expect(warnings).toHaveLength(1);
    limit('tenants with sessions').sees({ stats: { tenantsUnplaced: tenants.unplaced }, warnings });
  });

  it('without sessions give their account to others, whose numbers begin anew', () => {
    const { tenants, accounts } = make();
    const account = tenants.admit('t0', false, 0)!;
    accounts.cellsOf(0)[account * 19]! += 1_000;
    for (let i = 1; i < MAX_TENANTS - 1; i++) tenants.admit(`t${i}`, false, 0);
    accounts.sessions.give(account);
    expect(tenants.admit('new', false, 0)).toBe(account);
    expect(tenants.stats()!['t0']).toBeUndefined();
    expect(tenants.stats()!['new']).toMatchObject({ sessions: 1, bytes: { in: 0, out: 0 } });
  });

  it('that are full are warned of once a minute each', () => {
    const warnings: string[] = [];
    const { tenants } = make(warnings);
    expect(tenants.admit('named', false, 0)).not.toBeNull();
    for (const now of [0, 10, 59_999, 60_000, 60_001]) expect(tenants.admit('named', false, now)).toBeNull();
    expect(warnings).toEqual(['tenant-full', 'tenant-full']);
    expect(tenants.stats()!['named']!.refused.sessions).toBe(5);
  });
});
