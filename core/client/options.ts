/** What `connect` and `peer.open` accept, with defaults; checked once, so nothing behind this looks again. */
import type { Identity } from '../identity/identity.ts';
import { OptionError } from '../protocol/errors.ts';
import {
  DEFAULT_PACKET_LIFE_MS,
  MAX_CHANNEL_PROTOCOL_BYTES,
  MAX_CLIENT_VERSION_BYTES,
  MAX_PACKET_LIFE_MS,
} from '../protocol/limits.ts';
import { PRIORITIES, type Priority } from '../protocol/ops.ts';
import { parsePeerId } from '../protocol/peer-id.ts';
import type { ChannelKind } from './channel-core.ts';
import { checkNumber, shown, utf8Length } from './checks.ts';
import type { Offer } from './offer.ts';
import type { ChannelEvent } from './peer-events.ts';
import type { TrustedCertificates } from './platform.ts';

/** The version text a client gives when the application names none. */
export const CLIENT_VERSION = 'supernode-js/0.1.0';

export interface ReconnectOptions {
  /** Most that the first wait takes, in milliseconds. Default 250. Each wait is random, and may be twice the last. */
  baseMs?: number;
  /**
   * Most that any wait takes, in milliseconds. Default 30,000. In the half minute after a relay left without naming another, waits
   * are at most a second (or baseMs, if that is longer): it is expected at its address again.
   */
  capMs?: number;
  /** Attempts in a row before the peer closes. Default: no limit. */
  maxAttempts?: number;
}

export interface ConnectOptions {
  /** Who to be. Default: a fresh identity, lost with the peer. */
  identity?: Identity;
  /** Version text of the application, for the relay's operator; at most 64 bytes. Default `supernode-js/<version>`. */
  client?: string;
  /** Gives up connecting when aborted; connect() rejects with its reason. Without effect once connected. */
  signal?: AbortSignal;
  /** How long connecting and logging in may take, each time. Milliseconds, default 15,000. */
  timeoutMs?: number;
  /** Whether to come back when the connection is lost later. Default true. */
  reconnect?: boolean | ReconnectOptions;
  /**
   * Whether connect() waits for its turn at a relay that has more logins than it can take and says when to come back, rather
   * than fail with `busy`. Give `signal` as well to bound it. Default false. (Coming back later always heeds the relay.)
   */
  awaitTurn?: boolean;
  /** Certificates to trust instead of the system's, PEM (Node only; a browser has its own). */
  ca?: TrustedCertificates;
  /** See Peer.onoffer. Given here, it misses no offer. */
  onoffer?: (offer: Offer) => boolean | Promise<boolean>;
  /** See Peer.onchannel. Given here, it misses no channel. */
  onchannel?: (event: ChannelEvent) => void;
}

export interface OpenOptions {
  /** Nothing lost, and no faster than the receiver consumes. Default false: realtime, the oldest dropped under pressure. */
  reliable?: boolean;
  /** The class in which the relay queues. Default `message` when reliable, else `audio`. */
  priority?: Priority;
  /** How long a realtime frame may wait before it is dropped: 1..65,535 milliseconds, default 500. Not when reliable. */
  maxPacketLifeTime?: number;
  /** A name for what the channel carries, for the other end to choose by; at most 64 bytes. Default ''. */
  protocol?: string;
  /** Gives up opening when aborted; open() rejects with its reason. Without effect once open. */
  signal?: AbortSignal;
}

export interface ReconnectPolicy {
  baseMs: number;
  capMs: number;
  maxAttempts: number;
}

export interface CheckedConnect {
  url: string;
  client: string;
  timeoutMs: number;
  reconnect: ReconnectPolicy | undefined;
  awaitTurn: boolean;
}

export const DEFAULT_RECONNECT: ReconnectPolicy = {
  baseMs: 250,
  capMs: 30_000,
  maxAttempts: Number.POSITIVE_INFINITY,
};

/** @throws OptionError naming the option that is wrong. */
export function checkConnect(url: string, options: ConnectOptions): CheckedConnect {
  const {
    client = CLIENT_VERSION,
    timeoutMs = 15_000,
    identity,
    reconnect = true,
    awaitTurn = false,
  } = options;
  if (typeof client !== 'string' || utf8Length(client) > MAX_CLIENT_VERSION_BYTES) {
    throw new OptionError(
      `client must be text of at most ${MAX_CLIENT_VERSION_BYTES} bytes, not ${shown(client)}.`,
    );
  }
  checkNumber('timeoutMs', timeoutMs, 1, 0x7fff_ffff);
  if (
    identity !== undefined &&
    (!(identity.publicKey instanceof Uint8Array) || typeof identity.sign !== 'function')
  ) {
    throw new OptionError('identity must be an Identity: see generateIdentity and loadIdentity.');
  }
  for (const name of ['onoffer', 'onchannel'] as const) {
    const handler = options[name];
    if (handler !== undefined && typeof handler !== 'function') {
      throw new OptionError(`${name} must be a function, not ${shown(handler)}.`);
    }
  }
  if (typeof awaitTurn !== 'boolean') {
    throw new OptionError(`awaitTurn must be true or false, not ${shown(awaitTurn)}.`);
  }
  return { url: checkUrl(url), client, timeoutMs, reconnect: checkReconnect(reconnect), awaitTurn };
}

/** @returns the URL as the platform's WebSocket takes it. @throws OptionError */
export function checkUrl(url: unknown): string {
  const parsed = typeof url === 'string' || url instanceof URL ? tryUrl(String(url)) : null;
  if (parsed === null || (parsed.protocol !== 'ws:' && parsed.protocol !== 'wss:') || parsed.hash !== '') {
    throw new OptionError(`${shown(url)} is not a relay's URL: expected ws://host:port or wss://host:port.`);
  }
  return parsed.href;
}

function tryUrl(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

function checkReconnect(reconnect: boolean | ReconnectOptions): ReconnectPolicy | undefined {
  if (reconnect === false) return undefined;
  const given = reconnect === true ? {} : reconnect;
  if (typeof given !== 'object' || given === null) {
    throw new OptionError(`reconnect must be true, false or an object, not ${shown(reconnect)}.`);
  }
  const {
    baseMs = DEFAULT_RECONNECT.baseMs,
    capMs = DEFAULT_RECONNECT.capMs,
    maxAttempts = DEFAULT_RECONNECT.maxAttempts,
  } = given;
  checkNumber('reconnect.baseMs', baseMs, 1, 3_600_000);
  checkNumber('reconnect.capMs', capMs, baseMs, 3_600_000);
  if (maxAttempts !== Number.POSITIVE_INFINITY) checkNumber('reconnect.maxAttempts', maxAttempts, 1, 2 ** 31);
  return { baseMs, capMs, maxAttempts };
}

export interface CheckedOpen {
  toKey: Uint8Array;
  kind: ChannelKind;
}

/** @throws OptionError, or SupernodeError `bad-peer-id`. */
export function checkOpen(to: string, options: OpenOptions): CheckedOpen {
  const {
    reliable = false,
    priority = reliable ? 'message' : 'audio',
    protocol = '',
    maxPacketLifeTime,
  } = options;
  if (typeof to !== 'string') throw new OptionError(`to must be a peer id, not ${shown(to)}.`);
  const { id, publicKey } = parsePeerId(to);
  if (typeof reliable !== 'boolean')
    throw new OptionError(`reliable must be true or false, not ${shown(reliable)}.`);
  if (!PRIORITIES.includes(priority)) {
    throw new OptionError(`priority must be one of ${PRIORITIES.join(', ')}, not ${shown(priority)}.`);
  }
  if (typeof protocol !== 'string' || utf8Length(protocol) > MAX_CHANNEL_PROTOCOL_BYTES) {
    throw new OptionError(
      `protocol must be text of at most ${MAX_CHANNEL_PROTOCOL_BYTES} bytes, not ${shown(protocol)}.`,
    );
  }
  if (reliable && maxPacketLifeTime !== undefined) {
    throw new OptionError('maxPacketLifeTime is for realtime channels: a reliable one drops nothing.');
  }
  const lifeMs = maxPacketLifeTime ?? DEFAULT_PACKET_LIFE_MS;
  checkNumber('maxPacketLifeTime', lifeMs, 1, MAX_PACKET_LIFE_MS);
  return {
    toKey: publicKey,
    kind: {
      peer: id,
      reliable,
      priority: PRIORITIES.indexOf(priority),
      lifeMs: reliable ? 0 : lifeMs,
      protocol,
    },
  };
}
