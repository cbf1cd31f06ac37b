/** The relay's options of budgets and tenants: how they are given, what is allowed, and what they come to. */
import * as v from 'valibot';
import { OptionError } from '../protocol/errors.ts';
import { type AccountLimits, type Budget, MAX_TENANTS } from '../threads/accounts.ts';

export interface RateOptions {
  /** Bytes per second, 1..1e12. Default: no limit. */
  bytesPerSec?: number;
  /** Frames per second, 1..1e12. Default: no limit. */
  framesPerSec?: number;
}

/** Each direction may have as much; `in` (what peers send) and `out` (what they are sent) say it for one. */
export interface BudgetOptions extends RateOptions {
  in?: RateOptions;
  out?: RateOptions;
}

export interface TenantOptions extends BudgetOptions {
  /** Most sessions of the tenant at once; a login beyond it is refused (`tenant-full`). Default: no limit but maxPeers. */
  maxSessions?: number;
  /** Of maxPeers, so many are kept free for the tenant. Default 0. */
  reservedSessions?: number;
  /** Most channel ends of the tenant's peers at once; an open beyond it gets `tenant-full`. Default: no limit but maxChannels. */
  maxChannels?: number;
  /** Of maxChannels, so many are kept free for the tenant. Default 0. */
  reservedChannels?: number;
}

export interface BudgetsOptions {
  /** Of each session. */
  session?: BudgetOptions;
  /** Of each peer: as of a session, but who comes back finds it as it was left. */
  peer?: BudgetOptions;
  /** Of all peers together, divided fairly between those who want more than there is. */
  relay?: BudgetOptions;
}

/** What the relay keeps account of. */
export interface Accounting {
  session: Budget | null;
  peer: Budget | null;
  relay: Budget;
  maxChannels: number;
  /** null: no tenants. `others`: of every tenant that is not named; also of the peers that have none. */
  tenants: { named: Map<string, AccountLimits>; others: AccountLimits } | null;
}

export const TENANT_LABEL = /^[\x21-\x7e]{1,64}$/;
const MOST = 1e12;
const MOST_COUNT = 0x7fff_ffff;

const count = (least: number) => {
  const message = `a whole number from ${least} to ${MOST_COUNT}`;
  return v.pipe(
    v.number(message),
    v.integer(message),
    v.minValue(least, message),
    v.maxValue(MOST_COUNT, message),
  );
};
const rateMessage = 'a number from 1 to 1e12';
const rate = v.optional(
  v.pipe(v.number(rateMessage), v.minValue(1, rateMessage), v.maxValue(MOST, rateMessage)),
);
const rates = { bytesPerSec: rate, framesPerSec: rate };
const BUDGET_SHAPE = 'an object { bytesPerSec, framesPerSec, in, out }';
const budgetFields = {
  ...rates,
  in: v.optional(v.strictObject(rates, 'an object { bytesPerSec, framesPerSec }')),
  out: v.optional(v.strictObject(rates, 'an object { bytesPerSec, framesPerSec }')),
};
export const budgetSchema = v.strictObject(budgetFields, BUDGET_SHAPE);
const tenantSchema = v.strictObject(
  {
    ...budgetFields,
    maxSessions: v.optional(count(0)),
    reservedSessions: v.optional(count(0)),
    maxChannels: v.optional(count(0)),
    reservedChannels: v.optional(count(0)),
  },
  'an object { maxSessions, reservedSessions, maxChannels, reservedChannels, bytesPerSec, framesPerSec, in, out }',
);

/** Entries of the relay's schema. */
export const BUDGET_ENTRIES = {
  relayBandwidth: rate,
  budgets: v.optional(
    v.strictObject(
      { session: v.optional(budgetSchema), peer: v.optional(budgetSchema), relay: v.optional(budgetSchema) },
      'an object { session, peer, relay }',
    ),
    {},
  ),
  maxChannels: v.optional(count(2), 1_048_576),
  tenants: v.optional(
    v.record(
      v.pipe(v.string(), v.regex(TENANT_LABEL, 'named by 1 to 64 printable ASCII characters without spaces')),
      tenantSchema,
      'an object of tenants by label',
    ),
  ),
};

interface Given {
  relayBandwidth?: number | undefined;
  budgets: BudgetsOptions;
  maxChannels: number;
  tenants?: Record<string, TenantOptions> | undefined;
  maxPeers: number;
}

/** @throws OptionError */
export function resolveAccounting(given: Given, authorizes: boolean): Accounting {
  const { relayBandwidth, budgets, maxChannels, maxPeers } = given;
  if (relayBandwidth !== undefined && budgets.relay !== undefined) {
    throw new OptionError(
      'The relay options relayBandwidth and budgets.relay exclude each other: give budgets.relay { bytesPerSec }.',
    );
  }
  const relay = relayBandwidth === undefined ? budgets.relay : { bytesPerSec: relayBandwidth };
  return {
    session: budgets.session ? resolveBudget(budgets.session) : null,
    peer: budgets.peer ? resolveBudget(budgets.peer) : null,
    relay: resolveBudget(relay ?? {}),
    maxChannels,
    tenants:
      given.tenants === undefined ? null : resolveTenants(given.tenants, maxPeers, maxChannels, authorizes),
  };
}

export function resolveBudget({ bytesPerSec, framesPerSec, in: sent, out: got }: BudgetOptions): Budget {
  const one = (given: RateOptions | undefined) => ({
    bytesPerSec: given?.bytesPerSec ?? bytesPerSec ?? Number.POSITIVE_INFINITY,
    framesPerSec: given?.framesPerSec ?? framesPerSec ?? Number.POSITIVE_INFINITY,
  });
  return { in: one(sent), out: one(got) };
}

function resolveTenants(
  given: Record<string, TenantOptions>,
  maxPeers: number,
  maxChannels: number,
  authorizes: boolean,
): Accounting['tenants'] {
  if (!authorizes) {
    throw new OptionError('The relay option tenants needs authorize, which says whose tenant a peer is.');
  }
  const { default: others = {}, ...rest } = given;
  if (Object.keys(rest).length > MAX_TENANTS) {
    throw new OptionError(`The relay option tenants may name at most ${MAX_TENANTS}.`);
  }
  const limitsOf = (label: string, tenant: TenantOptions): AccountLimits => {
    const limits = {
      ...resolveBudget(tenant),
      maxSessions: tenant.maxSessions ?? MOST_COUNT,
      reservedSessions: tenant.reservedSessions ?? 0,
      maxChannels: tenant.maxChannels ?? MOST_COUNT,
      reservedChannels: tenant.reservedChannels ?? 0,
    };
    for (const what of ['Sessions', 'Channels'] as const) {
      if (limits[`reserved${what}`] > limits[`max${what}`]) {
        throw new OptionError(
          `The relay option tenants.${label}.reserved${what} (${limits[`reserved${what}`]}) must not be more than its max${what} (${limits[`max${what}`]}).`,
        );
      }
    }
    return limits;
  };
  const named = new Map(Object.entries(rest).map(([label, tenant]) => [label, limitsOf(label, tenant)]));
  const all = limitsOf('default', others);
  const sum = (what: 'reservedSessions' | 'reservedChannels'): number =>
    [all, ...named.values()].reduce((total, limits) => total + limits[what], 0);
  for (const [what, most, name] of [
    ['reservedSessions', maxPeers, 'maxPeers'],
    ['reservedChannels', maxChannels, 'maxChannels'],
  ] as const) {
    if (sum(what) > most) {
      throw new OptionError(
        `The relay option tenants reserves ${sum(what)} in all (${what}), and ${name} is ${most}: reserve less, or raise ${name}.`,
      );
    }
  }
  return { named, others: all };
}
