/**
 * One socket to a relay: login, keep-alive, bundles in and out, and its one end. Channels are the session's
 * (session.ts); coming back is the peer's (reconnect.ts).
 *
 *   connecting --hello, login/resume, ready--> ready --error frame | socket closed | silence | our close--> ended
 */
import { readBundle } from '../protocol/bundle.ts';
import { type Control, encodeControl } from '../protocol/control.ts';
import { ProtocolError, SupernodeError } from '../protocol/errors.ts';
import { PING_INTERVAL_MS, PONG_TIMEOUT_MS } from '../protocol/limits.ts';
import { OP_ERROR, OP_PING, OP_PONG } from '../protocol/ops.ts';
import { Login, type LoginOptions, type Ready } from './login.ts';
import { Outbox } from './outbox.ts';
import type { ClientSocket, Platform, SocketClosed, TrustedCertificates } from './platform.ts';
import { unrefTimer } from './platform.ts';
import { RelayError, relayErrorOf } from './relay-error.ts';

/** What a connection tells its owner. None may throw but ProtocolError (the relay is at fault) from data and control. */
export interface ConnectionOwner {
  /** Logged in. Frames of the same bundle may follow at once. */
  ready(ready: Ready): void;
  data(op: number, label: number, payload: Uint8Array, frameBytes: number): void;
  /** A control frame after ready, but ping, pong and fatal errors. */
  control(frame: Control): void;
  /** Before each turn's bundle is sent. */
  beforeFlush(): void;
  /** Once, and the last call; undefined after close(). */
  ended(error: SupernodeError | undefined): void;
}

export interface ConnectionOptions {
  platform: Platform;
  url: string;
  ca: TrustedCertificates | undefined;
  login: Omit<LoginOptions, 'hmacSha256'>;
  timeoutMs: number;
  owner: ConnectionOwner;
  /** Shorter in tests. Defaults: PING_INTERVAL_MS, PONG_TIMEOUT_MS. */
  keepAlive?: { pingIntervalMs: number; pongTimeoutMs: number } | undefined;
}

/** An orderly close waits this long for the relay to take what is buffered. */
const CLOSE_TIMEOUT_MS = 5000;

export class Connection {
  readonly outbox: Outbox;
  readonly #options: ConnectionOptions;
  readonly #socket: ClientSocket;
  readonly #login: Login;
  readonly #keepAlive: { pingIntervalMs: number; pongTimeoutMs: number };
  #state: 'connecting' | 'ready' | 'ended' = 'connecting';
  #opened = false;
  #heardMs = 0;
  /** A ping is out and nothing was heard since. */
  #asked = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closing: (() => void) | undefined;
  #socketGone = false;

  constructor(options: ConnectionOptions) {
    const { platform, login, owner } = options;
    this.#options = options;
    this.#login = new Login({ ...login, hmacSha256: platform.hmacSha256 });
    this.#keepAlive = options.keepAlive ?? {
      pingIntervalMs: PING_INTERVAL_MS,
      pongTimeoutMs: PONG_TIMEOUT_MS,
    };
    this.#socket = this.#createSocket();
    this.outbox = new Outbox({
      socket: this.#socket,
      afterTurn: platform.afterTurn,
      beforeFlush: () => owner.beforeFlush(),
    });
    this.#timer = setTimeout(() => this.#tooLate(), options.timeoutMs);
  }

  #createSocket(): ClientSocket {
    const { platform, url, ca } = this.#options;
    try {
      return platform.createWebSocket(
        url,
        { ca, offer: this.#login.offer(performance.now()) },
        {
          opened: () => {
            this.#opened = true;
          },
          message: (bundle) => this.#receive(bundle),
          textMessage: () => this.#breach('it sent a text message'),
          progress: () => this.outbox.progress(),
          closed: (why) => this.#closed(why),
        },
      );
    } catch (cause) {
      // A browser refuses ws: on a secure page this way, and Node a certificate that is none.
      throw unreachable(url, causeText(cause as Error), cause);
    }
  }

  /** Sends what the outbox holds, then closes; resolves when the socket is gone. */
  close(): Promise<void> {
    if (this.#socketGone) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#socket.terminate(), CLOSE_TIMEOUT_MS);
      unrefTimer(timer);
      this.#closing = () => {
        clearTimeout(timer);
        resolve();
      };
      this.outbox.flush();
      this.outbox.stop();
      this.#end(undefined);
      this.#socket.close();
    });
  }

  /** Drops everything, now. The owner is told `error`. */
  fail(error: SupernodeError): void {
    this.#end(error);
    this.#socket.terminate();
  }

  // --- What the socket says -----------------------------------------------------------------------------------------

  #receive(bundle: Uint8Array): void {
    if (this.#state === 'ended') return;
    this.#heardMs = performance.now();
    if (this.#asked) this.#watchSilence(this.#keepAlive.pingIntervalMs);
    try {
      readBundle(bundle, this.#reader);
    } catch (error) {
      // Handlers of the application are contained where they are called: what arrives here is the relay's fault.
      this.#breach(error instanceof SupernodeError ? error.message : String(error), error);
    }
  }

  readonly #reader = {
    data: (op: number, label: number, payload: Uint8Array, frameBytes: number): void => {
      if (this.#state === 'ready') this.#options.owner.data(op, label, payload, frameBytes);
      else if (this.#state === 'connecting')
        throw new ProtocolError('bad-control', 'Data came before ready.');
    },
    control: (frame: Control): void => this.#control(frame),
  };

  #control(frame: Control): void {
    if (this.#state === 'ended' || frame.op === OP_PONG) return;
    if (frame.op === OP_PING) {
      this.outbox.addControl(encodeControl(OP_PONG, frame.requestId, {}));
    } else if (this.#state === 'connecting') {
      this.#logIn(frame);
    } else if (frame.op === OP_ERROR && frame.body.fatal) {
      this.fail(relayErrorOf(frame.body));
    } else {
      this.#options.owner.control(frame);
    }
  }

  #logIn(frame: Control): void {
    const step = this.#login.step(frame);
    if (step.do === 'send') this.outbox.addControl(step.frame);
    else if (step.do === 'fail') this.fail(step.error);
    else if (step.do === 'ready') {
      this.#state = 'ready';
      this.#watchSilence(this.#keepAlive.pingIntervalMs);
      this.#options.owner.ready(step.ready);
    }
  }

  #closed({ cause, broken, retryAfterMs }: SocketClosed): void {
    this.#socketGone = true;
    this.#closing?.();
    const { url } = this.#options;
    if (broken && this.#opened) {
      this.#breach(cause?.message ?? 'it broke the WebSocket protocol', cause);
    } else if (retryAfterMs !== undefined) {
      this.#end(
        new RelayError('busy', `The relay at ${url} takes no connection now: ${causeText(cause)}.`, {
          retryAfterMs,
          cause,
        }),
      );
    } else if (this.#state === 'connecting' && !this.#opened) {
      this.#end(unreachable(url, causeText(cause), cause));
    } else {
      const when = this.#state === 'connecting' ? ' before it was logged in' : '';
      const text = cause === undefined ? '' : `: ${causeText(cause)}`;
      this.#end(
        new SupernodeError('connection-lost', `The connection to ${url} was lost${when}${text}.`, { cause }),
      );
    }
  }

  #breach(what: string, cause?: unknown): void {
    const text = what.replace(/\.$/, '');
    const { url } = this.#options;
    this.fail(new SupernodeError('bad-relay', `The relay at ${url} broke the protocol: ${text}.`, { cause }));
  }

  #end(error: SupernodeError | undefined): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    clearTimeout(this.#timer);
    this.outbox.stop();
    this.#options.owner.ended(error);
  }

  // --- Time ---------------------------------------------------------------------------------------------------------

  #tooLate(): void {
    const { url, timeoutMs } = this.#options;
    this.fail(unreachable(url, `it did not ${this.#opened ? 'log in' : 'answer'} within ${timeoutMs} ms`));
  }

  /** Looks again in `ms`; asks when nothing was heard for the whole interval. */
  #watchSilence(ms: number): void {
    clearTimeout(this.#timer);
    this.#asked = false;
    this.#timer = setTimeout(() => {
      const silentMs = performance.now() - this.#heardMs;
      const leftMs = this.#keepAlive.pingIntervalMs - silentMs;
      if (leftMs > 0) this.#watchSilence(leftMs);
      else this.#ping();
    }, Math.ceil(ms));
    unrefTimer(this.#timer);
  }

  #ping(): void {
    this.#asked = true;
    this.outbox.addControl(encodeControl(OP_PING, 1, {}));
    this.#timer = setTimeout(() => {
      const { url } = this.#options;
      this.fail(new SupernodeError('connection-lost', `The relay at ${url} has fallen silent.`));
    }, this.#keepAlive.pongTimeoutMs);
    unrefTimer(this.#timer);
  }
}

function unreachable(url: string, why: string, cause?: unknown): SupernodeError {
  return new SupernodeError('relay-unreachable', `Cannot reach the relay at ${url}: ${why}.`, { cause });
}

/** Node's error for a name with several addresses has no message of its own, only a code. */
function causeText(cause: Error | undefined): string {
  if (cause === undefined) return 'the connection was closed';
  return cause.message || String((cause as { code?: unknown }).code ?? cause.name);
}
