/** What `createRelay` takes, checked before anything starts: some bad values would end the process in C++. */
import { availableParallelism } from 'node:os';
import * as v from 'valibot';
import type { Identity } from '../identity/identity.ts';
import { OptionError } from '../protocol/errors.ts';
import { LOGIN_TIMEOUT_MS, RECORD_TTL_MS } from '../protocol/limits.ts';
import { DEFAULT_PORT } from '../protocol/names.ts';
import type { PeerId } from '../protocol/peer-id.ts';
import { isLoopback } from './admin/loopback.ts';
import { ADMISSION_SCHEMA, type AdmissionOptions, type ResolvedAdmission } from './admission-options.ts';
import {
  type Accounting,
  BUDGET_ENTRIES,
  type BudgetOptions,
  type BudgetsOptions,
  resolveAccounting,
  type TenantOptions,
} from './budget-options.ts';
import { MAX_SHARDS } from './limits.ts';
import { type ResolvedVersions, VERSION_SCHEMA, type VersionOptions } from './version-options.ts';

/** A login that has proved its key, as `authorize` sees it. */
export interface Login {
  peer: PeerId;
  /** The client's version text, as it says itself: at most 64 bytes, not trustworthy. */
  client: string;
  /** True when it came back with a resume ticket. */
  resumed: boolean;
  /** The address that the socket came from. */
  ip: string;
}

export type Authorization =
  | {
      allowed: true;
      /** The tenant that the peer counts for, 1 to 64 printable ASCII characters. See RelayOptions.tenants. */
      tenant?: string;
      /** What this peer may send and be sent, instead of `budgets.peer`. */
      budget?: BudgetOptions;
    }
  | { allowed: false; reason: string };
/** Lets a login in. */
export const allow: Authorization = Object.freeze({ allowed: true });
/** Keeps a login out; the reason is told to the peer. */
export function deny(reason: string): Authorization {
  return { allowed: false, reason };
}

export interface DirectoryOptions {
  /**
   * The folder that the directory is kept in, made when it is missing; ':memory:' keeps it until the relay closes.
   * Default: `relay-PORT/directory` in the user's data directory for supernode, so `port` must not be 0.
   */
  path?: string;
  /** Most bytes on the disk, 1 MiB..1 TiB; a write beyond them is refused (`directory-full`). Default 16 GiB. */
  maxBytes?: number;
  /** Most records, 1..100,000,000; a peer's first one beyond them is refused (`directory-full`). Default 2,000,000. */
  maxRecords?: number;
  /** How long after it was last seen others find a peer, milliseconds, 1 minute..366 days. Default 72 hours. */
  recordTtlMs?: number;
}

export interface AdminOptions {
  /** Address to listen on. Default 127.0.0.1. */
  host?: string;
  /** Port to listen on. Default 0: any that is free. */
  port?: number;
  /** What opens all but GET /healthz and GET /readyz, at least 16 characters. Default: a random one. */
  token?: string;
  /** True: GET /metrics takes no token. Only on a loopback address. Default false. */
  openMetrics?: boolean;
}
export type { AdmissionOptions } from './admission-options.ts';
export type { VersionOptions } from './version-options.ts';

export interface RelayOptions {
  /** Address to listen on. Default 127.0.0.1. */
  host?: string;
  /** Port to listen on, 0 for any that is free. Default 7420. */
  port?: number;
  /** Threads that forward. Default 'auto': one per core but one, at least one. */
  shards?: 'auto' | number;
  /** PEM text, or the path of a PEM file. */
  tls?: { key: string | Uint8Array; cert: string | Uint8Array };
  /** The relay's own key. Default: a fresh one; then resume tickets end with the process. */
  identity?: Identity;
  /** From the upgrade of a socket to its login, milliseconds, 100..60,000. Default 10,000. */
  loginTimeoutMs?: number;
  /** Most peers logged in at once, 1..4,000,000; a login beyond it is refused (`relay-full`). Default 100,000. */
  maxPeers?: number;
  /**
   * Asked for every login and resume whose proof holds. It fails closed: a throw, a late answer or anything but
   * `allow` or `deny(reason)` keeps the peer out.
   */
  authorize?: (login: Login) => Authorization | Promise<Authorization>;
  /** How long `authorize` may take, milliseconds, 1..60,000. Default 5,000. */
  authorizeTimeoutMs?: number;
  /**
   * Where records, names, policies, vaults and messages are kept. Default ':memory:': until the relay closes, nothing on
   * a disk. false: this relay has no directory; a peer is then found by its key alone, while it is logged in.
   */
  directory?: false | ':memory:' | DirectoryOptions;
  /** An HTTP port for the operator. Default: none. */
  admin?: false | AdminOptions;
  /** How many logins are taken, and from where. */
  admission?: AdmissionOptions;
  /** What is done about client versions. */
  versions?: VersionOptions;
  /**
   * Bytes per second that peers may send through this relay, and that it may send to them: the same as
   * `budgets: { relay: { bytesPerSec } }`. Default: no limit.
   */
  relayBandwidth?: number;
  /** How much each session, each peer and all together may send and be sent. Default: no limit. */
  budgets?: BudgetsOptions;
  /** Most channel ends at once, two per channel, 2..2,147,483,647. An open beyond it is refused. Default 1,048,576. */
  maxChannels?: number;
  /**
   * What tenants may have, by the label that `authorize` returns; `default` is for peers without one, and for each label
   * that is not named here. Needs `authorize`. Default: no tenants.
   */
  tenants?: Record<string, TenantOptions>;
}

export type ResolvedOptions = Omit<
  Required<RelayOptions>,
  | 'shards'
  | 'tls'
  | 'identity'
  | 'authorize'
  | 'directory'
  | 'admission'
  | 'versions'
  | 'relayBandwidth'
  | 'budgets'
  | 'maxChannels'
  | 'tenants'
> & {
  accounting: Accounting;
  shards: number;
  /** `path` null: the user's data directory. */
  directory: (Omit<Required<DirectoryOptions>, 'path'> & { path: string | null }) | null;
  tls: RelayOptions['tls'] | null;
  identity: Identity | null;
  authorize: NonNullable<RelayOptions['authorize']> | null;
  admission: ResolvedAdmission;
  versions: ResolvedVersions;
};

const MiB = 1024 * 1024;
const between = (least: number, most: number) => {
  const message = `a whole number from ${least} to ${most}`;
  return v.pipe(v.number(message), v.integer(message), v.minValue(least, message), v.maxValue(most, message));
};
const pem = v.union(
  [v.pipe(v.string(), v.nonEmpty()), v.instance(Uint8Array)],
  'PEM text, its bytes, or the path of a PEM file',
);
const host = v.pipe(v.string('a host name or address'), v.nonEmpty('a host name or address'));
const callable = v.custom<(...given: never[]) => unknown>(
  (given) => typeof given === 'function',
  'a function',
);

/** What `directory` is without the options that it may have. */
export const IN_MEMORY = ':memory:';
const DIRECTORY_SHAPE = "false, ':memory:', or an object { path, maxBytes, maxRecords, recordTtlMs }";
const directory = v.strictObject(
  {
    path: v.optional(v.pipe(v.string('a path'), v.nonEmpty('a path'))),
    maxBytes: v.optional(between(MiB, 1024 * 1024 * MiB), 16 * 1024 * MiB),
    maxRecords: v.optional(between(1, 100_000_000), 2_000_000),
    recordTtlMs: v.optional(between(60_000, 366 * 24 * 3_600_000), RECORD_TTL_MS),
  },
  DIRECTORY_SHAPE,
);

const SCHEMA = v.strictObject({
  ...BUDGET_ENTRIES,
  host: v.optional(host, '127.0.0.1'),
  port: v.optional(between(0, 65_535), DEFAULT_PORT),
  shards: v.optional(
    v.union([v.literal('auto'), between(1, MAX_SHARDS)], `'auto' or a whole number from 1 to ${MAX_SHARDS}`),
    'auto',
  ),
  tls: v.optional(v.strictObject({ key: pem, cert: pem }, 'an object { key, cert }')),
  identity: v.optional(
    v.custom<Identity>(
      (given) =>
        typeof (given as Identity)?.sign === 'function' && (given as Identity).publicKey?.length === 32,
      'an Identity, as loadIdentity or generateIdentity gives',
    ),
  ),
  loginTimeoutMs: v.optional(between(100, 60_000), LOGIN_TIMEOUT_MS),
  maxPeers: v.optional(between(1, 4_000_000), 100_000),
  authorize: v.optional(callable),
  authorizeTimeoutMs: v.optional(between(1, 60_000), 5_000),
  directory: v.optional(
    v.union([v.literal(false), v.literal(IN_MEMORY), directory], DIRECTORY_SHAPE),
    IN_MEMORY,
  ),
  admission: v.optional(ADMISSION_SCHEMA, {}),
  versions: v.optional(VERSION_SCHEMA, {}),
  admin: v.optional(
    v.union(
      [
        v.literal(false),
        v.strictObject({
          host: v.optional(host, '127.0.0.1'),
          port: v.optional(between(0, 65_535), 0),
          token: v.optional(v.pipe(v.string(), v.minLength(16))),
          openMetrics: v.optional(v.boolean(), false),
        }),
      ],
      'false, or an object { host, port, token, openMetrics } with a token of at least 16 characters',
    ),
    false,
  ),
});

/** @throws OptionError that names the option, its value and what is allowed. */
export function resolveOptions(given: RelayOptions): ResolvedOptions {
  const parsed = v.safeParse(SCHEMA, given);
  if (!parsed.success) {
    const issue = parsed.issues[0];
    const name = issue.path?.map((item) => String(item.key)).join('.') ?? '';
    if (!name) throw new OptionError('The options of a relay must be an object.');
    if (issue.type === 'strict_object' && issue.expected === 'never') {
      const known = Object.keys(SCHEMA.entries).join(', ');
      throw new OptionError(`There is no relay option ${name}; there are: ${known}.`);
    }
    throw new OptionError(`The relay option ${name} must be ${issue.message}, not ${shown(issue.input)}.`);
  }
  const options = parsed.output;
  const { admin } = options;
  if (admin !== false && admin.openMetrics && !isLoopback(admin.host)) {
    throw new OptionError(
      `The relay option admin.openMetrics is for a loopback address alone: ${shown(admin.host)} needs the token.`,
    );
  }
  return {
    ...options,
    shards: options.shards === 'auto' ? autoShards() : options.shards,
    tls: options.tls ?? null,
    identity: options.identity ?? null,
    authorize: (options.authorize as RelayOptions['authorize']) ?? null,
    directory: resolveDirectory(options.directory, options.port),
    admin: options.admin as ResolvedOptions['admin'],
    accounting: resolveAccounting(
      options as Parameters<typeof resolveAccounting>[0],
      options.authorize !== undefined,
    ),
  };
}

function resolveDirectory(
  given: v.InferOutput<typeof SCHEMA>['directory'],
  port: number,
): ResolvedOptions['directory'] {
  if (given === false) return null;
  const { path = null, ...limits } = given === IN_MEMORY ? v.parse(directory, { path: given }) : given;
  if (path === null && port === 0) {
    throw new OptionError(
      `The relay option directory.path must be given when port is 0, which names no relay; '${IN_MEMORY}' keeps nothing.`,
    );
  }
  return { path, ...limits };
}

/** The value of the option, for people; null when there is no option of this name, or its value is no number. */
export function limitText(options: ResolvedOptions, name: string): string | null {
  const value = (options as unknown as Record<string, unknown>)[name];
  if (typeof value !== 'number') return null;
  return name.endsWith('Ms') ? `${value.toLocaleString('en-US')} ms` : value.toLocaleString('en-US');
}

/** One core is left for the main thread and the directory workers, and the kernel's share of the sockets. */
function autoShards(): number {
  return Math.min(MAX_SHARDS, Math.max(1, availableParallelism() - 1));
}

function shown(value: unknown): string {
  if (typeof value === 'string') return `"${value.slice(0, 60)}"`;
  return typeof value === 'object' && value !== null ? 'an object of another shape' : String(value);
}
