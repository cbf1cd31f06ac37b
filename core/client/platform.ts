/**
 * What the client needs from where it runs. Everything else in client/ is the same in Node and in browsers: no
 * `node:` import, no Buffer, no global but those that both have.
 */
import type { Duplex } from 'node:stream';
import type { Identity } from '../identity/identity.ts';
import type { ChannelCore } from './channel-core.ts';

/** Certificates to trust instead of the system's, in PEM (Node only). */
export type TrustedCertificates = string | Uint8Array | readonly (string | Uint8Array)[];

/** A WebSocket of subprotocol `supernode.1`, binary messages only. */
export interface ClientSocket {
  /** Bytes handed to `send` that have not left the process. */
  readonly bufferedAmount: number;
  /** Has copied the bytes when it returns: the caller may reuse them. Does nothing once the socket closes. */
  send(bundle: Uint8Array): void;
  /** Asks for one `progress` event, once some of what is buffered has left. */
  watchProgress(): void;
  /** Sends what is buffered, then closes. */
  close(): void;
  /** Drops what is buffered. */
  terminate(): void;
}

/** Called by the socket; never from within a call to it. */
export interface SocketEvents {
  opened(): void;
  /** `bundle` is a plain Uint8Array (not a Buffer) that the socket does not touch again. */
  message(bundle: Uint8Array): void;
  /** The relay sent a text message, which the protocol does not have. */
  textMessage(): void;
  progress(): void;
  /** Once, and the last event. */
  closed(why: SocketClosed): void;
}

export interface SocketClosed {
  /** What went wrong, as far as the platform says; undefined for an orderly close. */
  cause?: Error;
  /** The relay refused the socket before it was a WebSocket, and asks to stay away so long, in milliseconds. A browser does not tell. */
  retryAfterMs?: number;
  /** True when the other end broke the WebSocket protocol or its limits. */
  broken?: boolean;
}

export interface SocketOptions {
  ca?: TrustedCertificates | undefined;
  /** Subprotocols: SUBPROTOCOL, and maybe a resume (protocol/early-resume.ts). */
  offer: string[];
}

export interface Platform {
  /** The URL was checked. Failures come as `closed`. */
  createWebSocket(url: string, options: SocketOptions, events: SocketEvents): ClientSocket;
  hmacSha256(key: Uint8Array, text: Uint8Array): Uint8Array;
  generateIdentity(): Identity;
  /** Whether `signature` is the Ed25519 signature of `text` under `publicKey`. False for bytes that are no key. */
  verify(publicKey: Uint8Array, text: Uint8Array, signature: Uint8Array): boolean;
  /** Runs `flush` once, after the events that are being handled now: what is sent until then is one bundle. */
  afterTurn(flush: () => void): void;
  /** @throws SupernodeError where there are no Node streams. */
  toDuplex(core: ChannelCore): Duplex;
}

/** Keeps a timer from keeping the process alive, where timers do (Node). */
export function unrefTimer(timer: unknown): void {
  (timer as { unref?: () => void }).unref?.();
}
