/**
 * Tenants, on the main thread: which account a label has (threads/accounts.ts), whether the tenant may have another
 * session, and its numbers. A tenant that the options name has an account from the start; any other gets one with its
 * first login, and loses it to another when it has no session and all are taken.
 */
import {
  type AccountLimits,
  type Accounts,
  CELLS,
  DEFAULT_ACCOUNT,
  LINE,
  MAX_TENANTS,
  REFUSED_CHANNELS,
  REFUSED_SESSIONS,
  RELAY_ACCOUNT,
  SHED_FRAMES,
  USED,
} from '../threads/accounts.ts';
import type { Accounting } from './budget-options.ts';
import { TROUBLE_EVERY_MS } from './limits.ts';

/** The default tenant's label. */
export const DEFAULT_TENANT = 'default';
/** When a tenant that is full may try again: somebody has left by then, or not. Twice that at most, so that not all come at once. */
const RETRY_MS = 5_000;

export interface TenantStats {
  sessions: number;
  /** Channel ends of its peers. */
  channels: number;
  /** What its peers sent, and were sent. */
  bytes: { in: number; out: number };
  frames: { in: number; out: number };
  /** Logins and opens that a quota refused. */
  refused: { sessions: number; channels: number };
  /** Realtime frames that were shed because of a budget: the tenant's, the relay's, or a peer's own. */
  throttled: number;
}

const NO_LIMITS = {
  maxSessions: 0x7fff_ffff,
  reservedSessions: 0,
  maxChannels: 0x7fff_ffff,
  reservedChannels: 0,
};

interface Tenant {
  label: string;
  account: number;
  fixed: boolean;
  /** The cells when it got the account: another may have had it before. */
  before: number[];
  warnedAt: number;
}

export class Tenants {
  readonly #accounts: Accounts;
  readonly #others: AccountLimits;
  readonly #cells: Float64Array;
  readonly #warn: (code: string, message: string) => void;
  readonly #byLabel = new Map<string, Tenant>();
  readonly #byAccount = new Map<number, Tenant>();
  readonly #enabled: boolean;
  #next = DEFAULT_ACCOUNT;
  #unplaced = 0;

  constructor(
    accounts: Accounts,
    writer: number,
    accounting: Accounting,
    warn: (code: string, message: string) => void,
  ) {
    this.#accounts = accounts;
    this.#cells = accounts.cellsOf(writer);
    this.#warn = warn;
    const { tenants, relay } = accounting;
    this.#enabled = tenants !== null;
    const none = { bytesPerSec: Number.POSITIVE_INFINITY, framesPerSec: Number.POSITIVE_INFINITY };
    this.#others = tenants?.others ?? { ...NO_LIMITS, in: none, out: none };
    const all = [this.#others, ...(tenants?.named.values() ?? [])];
    const sum = (what: 'reservedSessions' | 'reservedChannels'): number =>
      all.reduce((total, limits) => total + limits[what], 0);
    accounts.setLimits(RELAY_ACCOUNT, {
      ...NO_LIMITS,
      ...relay,
      reservedSessions: sum('reservedSessions'),
      reservedChannels: sum('reservedChannels'),
    });
    this.#add(DEFAULT_TENANT, this.#others, true);
    for (const [label, limits] of tenants?.named ?? []) this.#add(label, limits, true);
  }

  /** Logins to whom no account could be given, so that they are the default tenant's. */
  get unplaced(): number {
    return this.#unplaced;
  }

  /**
   * Counts another session of the tenant, which the shard gives back when it has ended (or never was).
   * @param here its peer has one already, which this one will replace.
   * @returns its account; null: the tenant has as many as it may.
   */
  admit(label: string | undefined, here: boolean, now: number): number | null {
    if (!this.#enabled) return DEFAULT_ACCOUNT;
    const tenant = this.#of(label ?? DEFAULT_TENANT);
    if (this.#accounts.sessions.take(tenant.account, here)) return tenant.account;
    this.#cells[tenant.account * CELLS + REFUSED_SESSIONS]!++;
    this.full(tenant.account, 'sessions', now);
    return null;
  }

  retryAfterMs(random: () => number): number {
    return Math.ceil(RETRY_MS * (1 + random()));
  }

  /** Warns, at most once a minute for each tenant. */
  full(account: number, what: 'sessions' | 'channels', now: number): void {
    const tenant = this.#byAccount.get(account);
    if (tenant === undefined || now - tenant.warnedAt < TROUBLE_EVERY_MS) return;
    tenant.warnedAt = now;
    const has = this.#accounts[what].has(account);
    if (!this.#enabled) {
      const message = `The relay has ${has} channel ends, as many as it may (maxChannels): more are refused.`;
      this.#warn('channels-full', message);
      return;
    }
    this.#warn(
      'tenant-full',
      `The tenant ${tenant.label} has ${has} ${what}, as many as it may: more are refused.`,
    );
  }

  /** By label; null without tenants. */
  stats(): Record<string, TenantStats> | null {
    if (!this.#enabled) return null;
    return Object.fromEntries([...this.#byLabel].map(([label, tenant]) => [label, this.#statsOf(tenant)]));
  }

  #statsOf({ account, before }: Tenant): TenantStats {
    const now = this.#totals(account).map((total, cell) => total - before[cell]!);
    const used = (line: number): number => now[line * LINE + USED]!;
    return {
      sessions: this.#accounts.sessions.has(account),
      channels: this.#accounts.channels.has(account),
      bytes: { in: used(0), out: used(2) },
      frames: { in: used(1), out: used(3) },
      refused: { sessions: now[REFUSED_SESSIONS]!, channels: now[REFUSED_CHANNELS]! },
      throttled: now[SHED_FRAMES]!,
    };
  }

  #of(label: string): Tenant {
    const known = this.#byLabel.get(label);
    if (known !== undefined) return known;
    if (this.#next < this.#accounts.count) return this.#add(label, this.#others, false);
    for (const old of this.#byLabel.values()) {
      if (old.fixed || this.#accounts.sessions.has(old.account) > 0) continue;
      this.#byLabel.delete(old.label);
      return this.#place(label, old.account, false);
    }
    this.#unplaced++;
    if (this.#unplaced === 1) {
      this.#warn(
        'too-many-tenants',
        `More than ${MAX_TENANTS} tenants have sessions: the others' peers count as the default tenant's.`,
      );
    }
    return this.#byLabel.get(DEFAULT_TENANT)!;
  }

  #add(label: string, limits: AccountLimits, fixed: boolean): Tenant {
    const account = this.#next++;
    // A reserve is for whom the options name.
    this.#accounts.setLimits(
      account,
      fixed ? limits : { ...limits, reservedSessions: 0, reservedChannels: 0 },
    );
    return this.#place(label, account, fixed);
  }

  #place(label: string, account: number, fixed: boolean): Tenant {
    const before = this.#totals(account);
    const tenant = { label, account, fixed, before, warnedAt: Number.NEGATIVE_INFINITY };
    this.#byLabel.set(label, tenant);
    this.#byAccount.set(account, tenant);
    return tenant;
  }

  #totals(account: number): number[] {
    return Array.from({ length: CELLS }, (_, cell) => this.#accounts.total(account, cell));
  }
}
