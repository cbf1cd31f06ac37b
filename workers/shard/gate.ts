/**
 * Before there is a WebSocket, let alone a signature to check: whether the relay takes another socket at all, and another
 * one of this address prefix (IPv4 /24, IPv6 /56: what one customer of a provider has). A refusal here costs an HTTP answer.
 * The counts are shared by all shards (core/threads/prefix-counts.ts).
 *
 * The address is the one that the socket came from. X-Forwarded-For is not looked at: anyone can write it.
 */
import { C } from '../../core/threads/counters.ts';
import type { ShardTask } from '../../core/threads/messages.ts';
import { PrefixCounts, WINDOW_MS } from '../../core/threads/prefix-counts.ts';
import type { UpgradeGate, UpgradeRefusal } from '../../core/transport/uws.ts';

const TOO_MANY = '429 Too Many Requests';
const UNAVAILABLE = '503 Service Unavailable';
/** Refused for all: who obeys comes back within this. */
const SPREAD_SECONDS = 10;
/** The operator hears of the same limit this often at most. */
const WARN_EVERY_MS = 60_000;
/** Of who is not counted. */
const NO_MARK = 0;

export class Gate implements UpgradeGate {
  readonly #limits: ShardTask['admission'];
  readonly #counters: Float64Array;
  readonly #warn: (code: string, message: string) => void;
  readonly #counts: PrefixCounts;
  readonly #warnedAt = new Map<string, number>();

  constructor(
    task: Pick<ShardTask, 'admission' | 'prefixCounts'>,
    counters: Float64Array,
    warn: (code: string, message: string) => void,
  ) {
    this.#limits = task.admission;
    this.#counters = counters;
    this.#warn = warn;
    this.#counts = new PrefixCounts(task.prefixCounts);
  }

  enter(address: ArrayBuffer): number | UpgradeRefusal {
    const { maxUnauthenticated, perPrefix, limitLoopback } = this.#limits;
    if (this.#counts.unauthenticated >= maxUnauthenticated) {
      this.#counters[C.upgradesRefusedFull]!++;
      const message = `${maxUnauthenticated} sockets are logging in already`;
      this.#warnOnce(
        'unauthenticated-full',
        `${message}: others are told to come back (maxUnauthenticated).`,
      );
      return refusal(UNAVAILABLE, 1, SPREAD_SECONDS, message);
    }
    if (perPrefix === false) return NO_MARK;
    const prefix = prefixOf(new Uint8Array(address));
    if (prefix === null || (prefix.loopback && !limitLoopback)) return NO_MARK;
    const mark = this.#counts.mark(prefix.high, prefix.low);
    const now = Date.now();
    const most = (perPrefix.connectionsPerSec * WINDOW_MS) / 1_000;
    if (this.#counts.made(mark, now) > most) {
      this.#counters[C.upgradesRefusedRate]!++;
      const message = `${textOf(prefix)} makes more than ${perPrefix.connectionsPerSec} connections per second`;
      this.#warnOnce('prefix-rate', `${message} (perPrefix.connectionsPerSec).`);
      const left = Math.ceil((WINDOW_MS - (now % WINDOW_MS)) / 1_000);
      return refusal(TOO_MANY, left, WINDOW_MS / 1_000, message);
    }
    if (this.#counts.open(mark) >= perPrefix.connections) {
      this.#counters[C.upgradesRefusedPrefix]!++;
      const message = `${textOf(prefix)} has ${perPrefix.connections} connections already`;
      this.#warnOnce('prefix-connections', `${message} (perPrefix.connections).`);
      return refusal(TOO_MANY, SPREAD_SECONDS, SPREAD_SECONDS, message);
    }
    this.#counts.addOpen(mark, 1);
    return mark;
  }

  leave(mark: number): void {
    if (mark !== NO_MARK) this.#counts.addOpen(mark, -1);
  }

  /** A socket is to log in from now on, or does not any more. */
  loggingIn(change: 1 | -1): void {
    this.#counts.addUnauthenticated(change);
  }

  #warnOnce(code: string, message: string): void {
    const now = performance.now();
    if (now - (this.#warnedAt.get(code) ?? Number.NEGATIVE_INFINITY) < WARN_EVERY_MS) return;
    this.#warnedAt.set(code, now);
    this.#warn(code, message);
  }
}

/** Retry-After counts whole seconds: spread at random, or all would come at once. */
function refusal(
  status: UpgradeRefusal['status'],
  leastSeconds: number,
  spreadSeconds: number,
  message: string,
): UpgradeRefusal {
  const retryAfterSeconds = leastSeconds + Math.floor(Math.random() * spreadSeconds);
  return { status, retryAfterSeconds, message };
}

interface Prefix {
  /** The prefix in 64 bits: of IPv6 its 56, of IPv4 its 24 with a high word that no IPv6 prefix of ours has. */
  high: number;
  low: number;
  loopback: boolean;
}

const IPV4_HIGH = 0x0000_ffff;

/** @param address 4 or 16 bytes. @returns null for anything else, such as no address (the socket is gone). */
export function prefixOf(address: Uint8Array): Prefix | null {
  if (address.length === 4) return ipv4(address);
  if (address.length !== 16) return null;
  const view = new DataView(address.buffer, address.byteOffset);
  const upper = view.getUint32(0) | view.getUint32(4);
  if (upper === 0 && view.getUint32(8) === 0xffff) return ipv4(address.subarray(12));
  const loopback = upper === 0 && view.getUint32(8) === 0 && view.getUint32(12) === 1;
  return {
    high: view.getUint32(0),
    low: view.getUint32(4) & 0xffff_ff00,
    loopback,
  };
}

function ipv4(address: Uint8Array): Prefix {
  const [a = 0, b = 0, c = 0] = address;
  return {
    high: IPV4_HIGH,
    low: (a << 24) | (b << 16) | (c << 8),
    loopback: a === 127,
  };
}

/** For people. */
export function textOf({ high, low }: Prefix): string {
  if (high === IPV4_HIGH) return `${low >>> 24}.${(low >>> 16) & 0xff}.${(low >>> 8) & 0xff}.0/24`;
  const groups = [high >>> 16, high & 0xffff, low >>> 16, low & 0xff00];
  return `${groups.map((group) => group.toString(16)).join(':')}::/56`;
}
