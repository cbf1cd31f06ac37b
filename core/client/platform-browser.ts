/** The client's platform in a browser: its own WebSocket, and Ed25519 and HMAC in JavaScript, because they are synchronous. */
import { ed25519 } from '@noble/curves/ed25519.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import type { Identity } from '../identity/identity.ts';
import { OptionError, SupernodeError } from '../protocol/errors.ts';
import { KEY_BYTES, peerIdOf } from '../protocol/peer-id.ts';
import type { ClientSocket, Platform, SocketEvents } from './platform.ts';

/** A browser's WebSocket has no event for progress, so it is looked at this often while somebody waits for it. */
const PROGRESS_POLL_MS = 4;

/** A fresh identity. It is lost with the page unless the application keeps its seed: see `identityFromSeed`. */
export function generateIdentity(): Identity {
  return identityFromSeed(crypto.getRandomValues(new Uint8Array(KEY_BYTES)));
}

/**
 * The identity of a seed: the same seed gives the same id in Node and in a browser.
 * @param seed 32 secret bytes.
 * @throws OptionError (`bad-option`) when it has another length.
 */
export function identityFromSeed(seed: Uint8Array): Identity {
  if (!(seed instanceof Uint8Array) || seed.length !== KEY_BYTES) {
    throw new OptionError(`A seed must be a Uint8Array of ${KEY_BYTES} bytes.`);
  }
  const secret = seed.slice();
  const publicKey = ed25519.getPublicKey(secret);
  return { id: peerIdOf(publicKey), publicKey, sign: (text) => ed25519.sign(text, secret) };
}

export const browserPlatform: Platform = {
  createWebSocket: (url, { offer }, events) => new BrowserSocket(url, offer, events),
  hmacSha256: (key, text) => hmac(sha256, key, text),
  generateIdentity,
  verify: verifySignature,
  afterTurn: (flush) => queueMicrotask(flush),
  toDuplex: () => {
    throw new SupernodeError(
      'bad-option',
      'toDuplex() needs Node streams; in a browser use onmessage or the iterator.',
    );
  },
};

function verifySignature(publicKey: Uint8Array, text: Uint8Array, signature: Uint8Array): boolean {
  try {
    // RFC 8032 as OpenSSL checks it, so that Node and browsers agree about every signature.
    return ed25519.verify(signature, text, publicKey, { zip215: false });
  } catch {
    return false;
  }
}

class BrowserSocket implements ClientSocket {
  readonly #socket: WebSocket;
  readonly #events: SocketEvents;
  #polling = false;
  #failed = false;
  #gone = false;

  constructor(url: string, offer: string[], events: SocketEvents) {
    this.#events = events;
    this.#socket = new WebSocket(url, offer);
    this.#socket.binaryType = 'arraybuffer';
    this.#socket.onopen = () => events.opened();
    this.#socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (this.#gone) return;
      if (data instanceof ArrayBuffer) events.message(new Uint8Array(data));
      else events.textMessage();
    };
    this.#socket.onerror = () => {
      this.#failed = true;
    };
    this.#socket.onclose = ({ code, reason }) => {
      this.#finish(
        this.#failed ? new Error(`the WebSocket failed (${code}${reason ? ` ${reason}` : ''})`) : undefined,
      );
    };
  }

  get bufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }

  send(bundle: Uint8Array): void {
    // A view of a plain ArrayBuffer: the outbox owns it.
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(bundle as Uint8Array<ArrayBuffer>);
  }

  watchProgress(): void {
    if (this.#polling || this.#gone) return;
    this.#polling = true;
    const before = this.#socket.bufferedAmount;
    const look = (): void => {
      if (this.#gone) return;
      if (this.#socket.bufferedAmount >= before && before > 0) {
        setTimeout(look, PROGRESS_POLL_MS);
        return;
      }
      this.#polling = false;
      this.#events.progress();
    };
    setTimeout(look, PROGRESS_POLL_MS);
  }

  close(): void {
    this.#socket.close(1000);
  }

  /** A browser cannot cut a connection: it closes it, and this end stops listening at once. */
  terminate(): void {
    this.#socket.close(1000);
    queueMicrotask(() => this.#finish(undefined));
  }

  #finish(cause: Error | undefined): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#events.closed(cause === undefined ? {} : { cause });
  }
}
