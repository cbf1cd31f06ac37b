/**
 * What budgets and quotas share over threads: one *account* for the relay, one for the peers that belong to no tenant (or to
 * one too many), and one for each tenant.
 *
 *     counts, Int32     [COMMON_SESSIONS][COMMON_CHANNELS] then, for each account: sessions, channel ends
 *     limits, Float64   for each account LIMITS numbers; written by the main thread before the first session has the account
 *     cells, Float64    for each shard, and the main thread as the last: for each account CELLS numbers, written by it alone
 *
 * Sessions and ends are counted with Atomics, by Quota. Cells only say how much was used: each shard writes its own, and
 * reads all others' every few tens of milliseconds, so nobody waits for anybody.
 */
import type { Rates } from '../overload/meter.ts';

export const RELAY_ACCOUNT = 0;
/** Of peers without a tenant; also of those whose tenant found no account. */
export const DEFAULT_ACCOUNT = 1;
const FIXED_ACCOUNTS = 2;
/** Most tenants beside the default one: x 65 threads x 152 bytes = 10 MiB at most, of a relay with tenants. */
export const MAX_TENANTS = 1_024;

/** Places in an account's limits; a reserve is right after its max. */
const L = {
  inBytes: 0,
  inFrames: 1,
  outBytes: 2,
  outFrames: 3,
  maxSessions: 4,
  reservedSessions: 5,
  maxChannels: 6,
  reservedChannels: 7,
} as const;
const LIMITS = 8;

/** For each of bytes in, frames in, bytes out, frames out (see LINES), from its place in LINES x LINE on: */
export const USED = 0;
/** A second, by those who wanted no more; how many wanted more; how many used any. */
export const MODEST = 1;
export const WANTING = 2;
export const ACTIVE = 3;
export const LINE = 4;
export const LINES = 4;
/** Realtime frames that were shed because of a budget; opens and logins that a quota refused. */
export const SHED_FRAMES = LINES * LINE;
export const REFUSED_CHANNELS = SHED_FRAMES + 1;
export const REFUSED_SESSIONS = SHED_FRAMES + 2;
export const CELLS = SHED_FRAMES + 3;

const COMMON_SESSIONS = 0;
const COMMON_CHANNELS = 1;
const FIRST_COUNT = 2;

export interface Budget {
  in: Rates;
  out: Rates;
}

export interface AccountLimits extends Budget {
  maxSessions: number;
  reservedSessions: number;
  maxChannels: number;
  reservedChannels: number;
}

/** What a thread is given to make its `Accounts` of. */
export interface SharedAccounts {
  shards: number;
  accounts: number;
  /** Sessions and channel ends that all accounts have together. */
  sessions: number;
  channels: number;
  counts: SharedArrayBuffer;
  limits: SharedArrayBuffer;
  cells: SharedArrayBuffer;
}

export function createAccounts(
  shards: number,
  tenants: number,
  capacity: { sessions: number; channels: number },
): SharedAccounts {
  const accounts = FIXED_ACCOUNTS + tenants;
  const limits = new SharedArrayBuffer(accounts * LIMITS * 8);
  // Until it is told otherwise an account has no limit, and no reserve.
  const all = new Float64Array(limits).fill(Number.POSITIVE_INFINITY);
  for (let at = 0; at < all.length; at += LIMITS) {
    all[at + L.reservedSessions] = 0;
    all[at + L.reservedChannels] = 0;
  }
  return {
    shards,
    accounts,
    ...capacity,
    counts: new SharedArrayBuffer((FIRST_COUNT + 2 * accounts) * 4),
    limits,
    cells: new SharedArrayBuffer((shards + 1) * accounts * CELLS * 8),
  };
}

export class Accounts {
  readonly count: number;
  readonly sessions: Quota;
  readonly channels: Quota;
  readonly #limits: Float64Array;
  readonly #cells: Float64Array[];

  constructor(shared: SharedAccounts) {
    this.count = shared.accounts;
    const counts = new Int32Array(shared.counts);
    this.#limits = new Float64Array(shared.limits);
    const bytes = shared.accounts * CELLS * 8;
    this.#cells = Array.from(
      { length: shared.shards + 1 },
      (_, writer) => new Float64Array(shared.cells, writer * bytes, shared.accounts * CELLS),
    );
    const quota = (common: number, offset: number, limit: number, capacity: number): Quota =>
      new Quota(counts, common, FIRST_COUNT + offset, this.#limits, limit, capacity);
    this.sessions = quota(COMMON_SESSIONS, 0, L.maxSessions, shared.sessions);
    this.channels = quota(COMMON_CHANNELS, 1, L.maxChannels, shared.channels);
  }

  /** The cells of a shard; of the main thread, whose number is that of the shards. Account a begins at a x CELLS. */
  cellsOf(writer: number): Float64Array {
    return this.#cells[writer]!;
  }

  /** A cell's sum over all who write it. */
  total(account: number, cell: number): number {
    let sum = 0;
    for (const cells of this.#cells) sum += cells[account * CELLS + cell]!;
    return sum;
  }

  setLimits(account: number, limits: AccountLimits): void {
    const at = account * LIMITS;
    this.#limits[at + L.inBytes] = limits.in.bytesPerSec;
    this.#limits[at + L.inFrames] = limits.in.framesPerSec;
    this.#limits[at + L.outBytes] = limits.out.bytesPerSec;
    this.#limits[at + L.outFrames] = limits.out.framesPerSec;
    this.#limits[at + L.maxSessions] = limits.maxSessions;
    this.#limits[at + L.reservedSessions] = limits.reservedSessions;
    this.#limits[at + L.maxChannels] = limits.maxChannels;
    this.#limits[at + L.reservedChannels] = limits.reservedChannels;
  }

  /** In the order of LINES; Infinity: no limit. */
  ratesOf(account: number): number[] {
    return Array.from(this.#limits.subarray(account * LIMITS, account * LIMITS + LINES));
  }

  /** Whether it has a rate that is finite. */
  isLimited(account: number): boolean {
    const first = account * LIMITS;
    for (let line = 0; line < LINES; line++) {
      if (this.#limits[first + line] !== Number.POSITIVE_INFINITY) return true;
    }
    return false;
  }
}

/**
 * How many an account may have: its `reserved` whoever else has how many, and more of what is common, up to its `max`.
 * Taking and giving back may race over threads: the common count is always the sum of what accounts have beyond their
 * reserve, once all have done what they began.
 */
export class Quota {
  readonly #counts: Int32Array;
  readonly #common: number;
  readonly #first: number;
  readonly #limits: Float64Array;
  readonly #limit: number;
  readonly #capacity: number;

  /** `limit`: place of the max in an account's limits, the reserve right after it. `first`: place of account 0's count. */
  constructor(
    counts: Int32Array,
    common: number,
    first: number,
    limits: Float64Array,
    limit: number,
    capacity: number,
  ) {
    this.#counts = counts;
    this.#common = common;
    this.#first = first;
    this.#limits = limits;
    this.#limit = limit;
    this.#capacity = capacity;
  }

  /** @param force takes it all the same, for what takes the place of another that is about to be given back. */
  take(account: number, force = false): boolean {
    const { max, reserved } = this.#of(account);
    const before = Atomics.add(this.#counts, this.#first + 2 * account, 1);
    let fits = before < max;
    if (before >= reserved) {
      const common = Atomics.add(this.#counts, this.#common, 1);
      if (common >= this.#capacity - this.#reserved()) fits = false;
    }
    if (fits || force) return true;
    // Not simply undone: another may have given back meanwhile, and with that what was taken here of the common ones.
    this.give(account);
    return false;
  }

  give(account: number): void {
    const before = Atomics.sub(this.#counts, this.#first + 2 * account, 1);
    if (before > this.#of(account).reserved) Atomics.sub(this.#counts, this.#common, 1);
  }

  has(account: number): number {
    return Atomics.load(this.#counts, this.#first + 2 * account);
  }

  /** What accounts have beyond their reserve, all together. */
  get common(): number {
    return Atomics.load(this.#counts, this.#common);
  }

  #of(account: number): { max: number; reserved: number } {
    const at = account * LIMITS + this.#limit;
    return { max: this.#limits[at]!, reserved: this.#limits[at + 1]! };
  }

  /** Kept with the relay's own account: what all have reserved. */
  #reserved(): number {
    return this.#limits[RELAY_ACCOUNT * LIMITS + this.#limit + 1]!;
  }
}
