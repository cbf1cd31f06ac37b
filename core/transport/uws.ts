/**
 * The one file that knows uWebSockets.js. Everything that a callback of it runs is guarded: an exception costs the one
 * socket that raised it, never the thread (a worker thread that ends while it holds sockets aborts the process).
 */
import * as uWS from 'uWebSockets.js';
import { IDLE_TIMEOUT_SECONDS, MAX_BUNDLE_BYTES, MAX_SEND_BYTES } from '../protocol/limits.ts';
import { SUBPROTOCOL } from '../protocol/names.ts';

/** What uWebSockets.js says when no close frame came (RFC 6455 §7.1.5), and why if it was for a limit of its own. */
const CLOSED_ABNORMALLY = 1006;
const OVERSIZED = 'Received too big message';
const SILENT = 'WebSocket timed out from inactivity';
const REASON_TEXT = new TextDecoder();

/** What `send` says: sent; queued in the socket; dropped. */
export const SEND_QUEUED = 0;
export const SEND_DROPPED = 2;

/** The part of a uWebSockets.js socket that shards use. `session` is what `open` put there. */
export interface ShardSocket<S> {
  session: S;
  send(message: Uint8Array, isBinary: boolean, compress: boolean): number;
  ping(payload: Uint8Array): number;
  getBufferedAmount(): number;
  getRemoteAddressAsText(): ArrayBuffer;
  end(code?: number, message?: string): void;
  close(): void;
}

/** What a shard does with its sockets. None may be async: a promise would escape the guard. */
export interface ShardHandlers<S> {
  /** @param offered the subprotocols of its request. @returns the session that the socket carries. */
  open(socket: ShardSocket<S>, offered: string): S;
  message(session: S, message: ArrayBuffer, isBinary: boolean): void;
  drain(session: S): void;
  /** The answer to a ping of ours, or to one of uWebSockets.js's own, which are empty. */
  pong(session: S, payload: ArrayBuffer): void;
  /** `lost`: the connection ended without a close handshake. `limit`: it was ended for a message too large, or silence. */
  close(session: S, lost: boolean, limit: SocketLimit | null): void;
  /** An exception that was contained; `session` is undefined before `open`. The socket is closed after it. */
  fault(where: string, error: unknown, session: S | undefined): void;
}

export type SocketLimit = 'oversized' | 'silent';

/** Why a socket is refused before it is a WebSocket. */
export interface UpgradeRefusal {
  status: '429 Too Many Requests' | '503 Service Unavailable';
  retryAfterSeconds: number;
  /** One line of text. */
  message: string;
}

/** Decides on every socket that would become a WebSocket. */
export interface UpgradeGate {
  /** @param address 4 or 16 bytes. @returns a refusal, or a mark that `leave` is given when the socket is gone. */
  enter(address: ArrayBuffer): number | UpgradeRefusal;
  leave(mark: number): void;
}

export interface Tls {
  keyFile: string;
  certFile: string;
}

/** An app that listens by itself, or is handed its sockets by an acceptor. */
export interface ShardApp {
  /** Names this app to an acceptor. Not with TLS. */
  descriptor(): unknown;
  /** @param alone whether nobody else may listen on the port, be it with SO_REUSEPORT. @returns whether it could be. */
  listen(host: string, port: number, alone: boolean): boolean;
  /** No new sockets on its own port from now on. */
  stop(): void;
  /** Closes every socket now. */
  close(): void;
}

export interface Acceptor {
  /** @returns the port, or 0 when it could not be listened on. */
  listen(host: string, port: number): number;
  add(descriptor: unknown): void;
  remove(descriptor: unknown): void;
  /** No new sockets from now on; those that were handed over stay. */
  stop(): void;
}

/** The part of uWebSockets.js's app that its type declarations leave out. */
type ThreadedApp = Pick<uWS.TemplatedApp, 'ws' | 'any' | 'close'> & {
  addChildAppDescriptor(descriptor: unknown): void;
  removeChildAppDescriptor(descriptor: unknown): void;
  getDescriptor(): unknown;
  listen(host: string, port: number, options: number, callback: (token: unknown) => void): void;
};

const NO_USER_DATA = {};
/** None is agreed to: payloads are small, or compressed already. */
const NO_EXTENSIONS = '';

/** A relay must not share its port in silence with a second process; its shards share it by design. */
const EXCLUSIVE = 1;
const SHARED = 0;

export function createAcceptor(): Acceptor {
  const app = uWS.App() as unknown as ThreadedApp;
  let token: unknown = false;
  return {
    listen(host, port) {
      app.listen(host, port, EXCLUSIVE, (listening) => {
        token = listening;
      });
      return token ? uWS.us_socket_local_port(token as never) : 0;
    },
    add: (descriptor) => app.addChildAppDescriptor(descriptor),
    remove: (descriptor) => app.removeChildAppDescriptor(descriptor),
    stop() {
      if (token) uWS.us_listen_socket_close(token as never);
      token = false;
    },
  };
}

/** @param idleTimeoutSeconds 8 at least: uWebSockets.js takes no less. */
export function createShardApp<S>(
  handlers: ShardHandlers<S>,
  tls: Tls | null,
  gate: UpgradeGate | null = null,
  idleTimeoutSeconds: number = IDLE_TIMEOUT_SECONDS,
): ShardApp {
  const app = (tls
    ? uWS.SSLApp({ key_file_name: tls.keyFile, cert_file_name: tls.certFile })
    : uWS.App()) as unknown as ThreadedApp;
  type Socket = ShardSocket<S> & { mark: number };

  const contain = (where: string, error: unknown, socket: Socket | undefined): void => {
    try {
      handlers.fault(where, error, socket?.session);
    } catch {
      // A fault in the report of a fault: nothing is left to tell it to.
    }
    try {
      socket?.close();
    } catch {
      // It was closed already.
    }
  };

  /** The mark of the socket that is being upgraded, and what it offered. */
  let entering = 0;
  let offers = '';

  app.ws('/*', {
    maxPayloadLength: MAX_BUNDLE_BYTES,
    idleTimeout: idleTimeoutSeconds,
    sendPingsAutomatically: true,
    // The shard stops sending at the first sign of pressure, so what it leaves in a socket is bounded by one send. But
    // uWebSockets.js answers WebSocket pings by itself: without a bound, a peer that pings and does not read makes it
    // keep the pongs for ever (seen: 180 MiB of them). 0 would mean no bound.
    maxBackpressure: 2 * MAX_SEND_BYTES,
    closeOnBackpressureLimit: false,
    upgrade: (response, request, context) => {
      try {
        const offered = request.getHeader('sec-websocket-protocol');
        if (!isOffered(offered)) {
          response
            .writeStatus('426 Upgrade Required')
            .writeHeader('Sec-WebSocket-Protocol', SUBPROTOCOL)
            .end(
              `This relay speaks the WebSocket subprotocol ${SUBPROTOCOL}, not "${offered.slice(0, 100)}".\n`,
            );
          return;
        }
        const mark = gate === null ? 0 : gate.enter(response.getRemoteAddress());
        if (typeof mark !== 'number') {
          response
            .writeStatus(mark.status)
            .writeHeader('Retry-After', String(mark.retryAfterSeconds))
            .end(`${mark.message}; come back in ${mark.retryAfterSeconds} s.\n`, true);
          return;
        }
        entering = mark;
        offers = offered;
        response.upgrade(
          NO_USER_DATA,
          request.getHeader('sec-websocket-key'),
          SUBPROTOCOL,
          NO_EXTENSIONS,
          context,
        );
      } catch (error) {
        contain('upgrade', error, undefined);
        abort(response);
      }
    },
    // Within `upgrade`. User data would be copied onto the socket object name by name, which costs more than to set it here.
    open: (ws) => {
      const socket = ws as unknown as Socket;
      try {
        socket.mark = entering;
        socket.session = handlers.open(socket, offers);
      } catch (error) {
        contain('open', error, socket);
      }
    },
    message: (ws, message, isBinary) => {
      const socket = ws as unknown as Socket;
      try {
        handlers.message(socket.session, message, isBinary);
      } catch (error) {
        contain('message', error, socket);
      }
    },
    drain: (ws) => {
      const socket = ws as unknown as Socket;
      try {
        handlers.drain(socket.session);
      } catch (error) {
        contain('drain', error, socket);
      }
    },
    pong: (ws, payload) => {
      const socket = ws as unknown as Socket;
      try {
        handlers.pong(socket.session, payload);
      } catch (error) {
        contain('pong', error, socket);
      }
    },
    close: (ws, code, message) => {
      const socket = ws as unknown as Socket;
      try {
        gate?.leave(socket.mark);
        if (socket.session === undefined) return;
        const lost = code === CLOSED_ABNORMALLY;
        handlers.close(socket.session, lost, lost ? limitOf(message) : null);
      } catch (error) {
        contain('close', error, undefined);
      }
    },
  });
  app.any('/*', (response) => {
    try {
      response
        .writeStatus('426 Upgrade Required')
        .end(`A supernode relay: connect by WebSocket, subprotocol ${SUBPROTOCOL}.\n`);
    } catch (error) {
      contain('http', error, undefined);
      abort(response);
    }
  });

  /** A request that gets no answer at all ends the process in C++. */
  function abort(response: uWS.HttpResponse): void {
    try {
      response.close();
    } catch {
      // It was answered or upgraded before the exception.
    }
  }

  let token: unknown = false;
  return {
    descriptor: () => app.getDescriptor(),
    listen(host, port, alone) {
      app.listen(host, port, alone ? EXCLUSIVE : SHARED, (listening) => {
        token = listening;
      });
      return Boolean(token);
    },
    stop() {
      if (token) uWS.us_listen_socket_close(token as never);
      token = false;
    },
    close: () => {
      app.close();
    },
  };
}

/** Mostly it is the only one, or the first. */
function isOffered(offered: string): boolean {
  if (offered === SUBPROTOCOL || offered.startsWith(`${SUBPROTOCOL},`)) return true;
  return offered.split(',').some((name) => name.trim() === SUBPROTOCOL);
}

function limitOf(reason: ArrayBuffer): SocketLimit | null {
  if (reason.byteLength === 0) return null;
  const text = REASON_TEXT.decode(reason);
  if (text === OVERSIZED) return 'oversized';
  return text === SILENT ? 'silent' : null;
}
