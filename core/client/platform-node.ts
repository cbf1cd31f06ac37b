/** The client's platform in Node: the `ws` package, node:crypto and Node streams. */
import { createHmac, randomFillSync } from 'node:crypto';
import { WebSocket } from 'ws';
import { generateIdentity } from '../identity/identity.ts';
import { verifySignature } from '../identity/verify.ts';
import { MAX_BUNDLE_BYTES } from '../protocol/limits.ts';
import { duplexOf } from './duplex.ts';
import type { ClientSocket, Platform, SocketEvents, SocketOptions } from './platform.ts';

export const nodePlatform: Platform = {
  createWebSocket: (url, options, events) => new NodeSocket(url, options, events),
  hmacSha256: (key, text) => new Uint8Array(createHmac('sha256', key).update(text).digest()),
  generateIdentity,
  verify: verifySignature,
  // After the poll phase, so that the answers to all that one turn read are one bundle; awaits in between included.
  afterTurn: (flush) => {
    setImmediate(flush);
  },
  toDuplex: duplexOf,
};

/** Too Many Requests, and Service Unavailable: the relay has no room now (docs/protocol.md §5). */
const BUSY: ReadonlySet<number> = new Set([429, 503]);
/** When it does not say how long, in whole seconds. */
const RETRY_MS = 1_000;
const MOST_RETRY_MS = 3_600_000;

function retryAfterMs(seconds: string | undefined): number {
  const ms = seconds !== undefined && /^\d{1,9}$/.test(seconds) ? Number(seconds) * 1_000 : RETRY_MS;
  return Math.min(MOST_RETRY_MS, ms);
}

class NodeSocket implements ClientSocket {
  readonly #socket: WebSocket;
  readonly #events: SocketEvents;
  #watching = false;
  #cause: Error | undefined;
  /** The relay's answer instead of a WebSocket. */
  #refusal: Error | undefined;
  #retryAfterMs: number | undefined;

  constructor(url: string, { ca, offer }: SocketOptions, events: SocketEvents) {
    this.#events = events;
    this.#socket = new WebSocket(url, offer, {
      perMessageDeflate: false,
      maxPayload: MAX_BUNDLE_BYTES,
      skipUTF8Validation: true,
      generateMask,
      ...(ca === undefined ? {} : { ca: mutable(ca) }),
    });
    this.#socket.binaryType = 'nodebuffer';
    this.#socket.on('open', () => events.opened());
    this.#socket.on('message', (message: Buffer, isBinary: boolean) => {
      if (!isBinary) events.textMessage();
      // A plain view: Buffer's slice() and subarray() would reach the application through its messages.
      else events.message(new Uint8Array(message.buffer, message.byteOffset, message.length));
    });
    this.#socket.on('error', (error) => {
      this.#cause = error;
    });
    this.#socket.on('unexpected-response', (_request, response) => {
      response.resume();
      const { statusCode = 0, headers } = response;
      this.#refusal = new Error(`Unexpected server response: ${statusCode}`);
      if (BUSY.has(statusCode)) this.#retryAfterMs = retryAfterMs(headers['retry-after']);
      this.#socket.terminate();
    });
    this.#socket.on('close', () => {
      const cause = this.#refusal ?? this.#cause;
      if (cause === undefined) events.closed({});
      else if (this.#retryAfterMs !== undefined) events.closed({ cause, retryAfterMs: this.#retryAfterMs });
      else
        events.closed({ cause, broken: String((cause as NodeJS.ErrnoException).code).startsWith('WS_ERR_') });
    });
  }

  get bufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }

  send(bundle: Uint8Array): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(bundle, this.#sent);
  }

  watchProgress(): void {
    this.#watching = true;
  }

  close(): void {
    this.#socket.close(1000);
  }

  terminate(): void {
    this.#socket.terminate();
  }

  readonly #sent = (): void => {
    if (!this.#watching) return;
    this.#watching = false;
    this.#events.progress();
  };
}

const POOL_BYTES = 8192;
const pool = new Uint8Array(POOL_BYTES);
let poolAt = POOL_BYTES;

/**
 * A random mask that is not zero. With a mask of zero `ws` would send the caller's own bytes instead of a masked
 * copy, and the outbox reuses them: once in 2^32 bundles, one would be sent wrong.
 */
export function generateMask(mask: Uint8Array): void {
  if (poolAt === POOL_BYTES) {
    randomFillSync(pool);
    poolAt = 0;
  }
  mask.set(pool.subarray(poolAt, poolAt + 4));
  poolAt += 4;
  if (mask[0] === 0 && mask[1] === 0 && mask[2] === 0 && mask[3] === 0) mask[0] = 1;
}

type NodeCertificates = string | Buffer | (string | Buffer)[];

function mutable(ca: NonNullable<SocketOptions['ca']>): NodeCertificates {
  const one = (pem: string | Uint8Array): string | Buffer =>
    typeof pem === 'string' ? pem : Buffer.from(pem.buffer, pem.byteOffset, pem.length);
  return typeof ca === 'string' || ca instanceof Uint8Array ? one(ca) : ca.map(one);
}
