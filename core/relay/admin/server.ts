/**
 * The operator's HTTP port, bound to loopback unless told otherwise. What peers send is the operator's business alone, so
 * everything but "is it up" takes the token (`Authorization: Bearer ...`). What is answered is in routes.ts.
 *
 * Whoever can reach the port may be a web page in a browser on this machine (cross-site requests, DNS rebinding) or
 * somebody who only wants to hold connections: hence the checks of Host and Origin, the bounds and the deadlines.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { listenError } from '../port.ts';
import { isLoopback } from './loopback.ts';
import { type AdminAnswer, AdminRefusal, type AdminRoute, findRoute } from './routes.ts';

export interface Admin {
  /** Such as http://127.0.0.1:7421 */
  readonly url: string;
  readonly token: string;
  /** Requests that were refused, and connections beyond those that it takes. */
  readonly refused: number;
  close(): Promise<void>;
}

export interface AdminSettings {
  host?: string;
  port?: number;
  token?: string;
}

/** Requests of one operator, some monitors and a terminal or two. */
export const MAX_CONNECTIONS = 64;
/** For the head, for the whole request, and for a reader that takes nothing of the answer. */
const HEAD_MS = 5_000;
export const REQUEST_MS = 5_000;
export const SILENT_MS = 10_000;
/** How often the first two are looked at. */
const CHECK_MS = 1_000;
/** No request of the operator is longer. */
export const MAX_BODY_BYTES = 16 * 1024;
export const MAX_HEAD_BYTES = 8 * 1024;

/** @throws SupernodeError `address-in-use` or `listen-failed`. */
export async function startAdmin(settings: AdminSettings, routes: AdminRoute[]): Promise<Admin> {
  const { host = '127.0.0.1', port = 0 } = settings;
  const token = settings.token ?? randomBytes(24).toString('base64url');
  const limits = {
    headersTimeout: HEAD_MS,
    requestTimeout: REQUEST_MS,
    connectionsCheckingInterval: CHECK_MS,
    maxHeaderSize: MAX_HEAD_BYTES,
  };
  let refused = 0;
  const server = createServer(limits, (request, response) => {
    answer({ host, token, routes }, request, response).catch((error: unknown) => {
      if (error instanceof AdminRefusal) refused++;
      if (response.headersSent) response.destroy();
      else send(request, response, failed(error));
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.on('drop', () => refused++);
  server.setTimeout(SILENT_MS);
  await listen(server, host, port);
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    token,
    get refused() {
      return refused;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(listenError(host, port, cause)));
    server.listen({ host, port, exclusive: true }, resolve);
  });
}

interface Port {
  host: string;
  token: string;
  routes: AdminRoute[];
}

async function answer(port: Port, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { route, query } = findRoute(port.routes, request.method ?? '', request.url ?? '/');
  const known = hasToken(request.headers.authorization, port.token);
  // A page of another site may be loaded in the operator's browser: it may neither ask nor, by a name that it lets
  // point here, be taken for a page of this port. Whoever has the token is no such page.
  if (request.headers.origin !== undefined) throw new AdminRefusal(403, 'This port is not for web pages.');
  if (!known && isLoopback(port.host) && !namesLoopback(request.headers.host)) {
    throw new AdminRefusal(421, 'This port answers to localhost, 127.0.0.1 and [::1] alone.');
  }
  if (!known && !route.open) {
    const message = `${route.method} ${route.path} needs the operator token: Authorization: Bearer TOKEN.`;
    throw new AdminRefusal(401, message, { 'WWW-Authenticate': 'Bearer' });
  }
  const body = route.method === 'POST' ? await readBody(request) : undefined;
  send(request, response, await route.answer({ query, body }));
}

/** Host is not checked on an address that others can reach: there the names are the operator's to choose. */
function namesLoopback(header: string | undefined): boolean {
  const name = /^(\[[0-9a-f:]+\]|[^:]+)(:\d+)?$/i.exec(header ?? '')?.[1]?.toLowerCase();
  return name !== undefined && isLoopback(name.replace(/^\[|\]$/g, ''));
}

/** JSON, or undefined when there is none. */
async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw new AdminRefusal(413, `A request may have ${MAX_BODY_BYTES} bytes.`);
    chunks.push(chunk);
  }
  if (bytes === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new AdminRefusal(400, 'The body of the request must be JSON.');
  }
}

function send(request: IncomingMessage, response: ServerResponse, answer: AdminAnswer): void {
  const text = 'text' in answer ? answer.text : `${JSON.stringify(answer.body)}\n`;
  response.writeHead(answer.code, {
    'Content-Type': 'text' in answer ? answer.type : 'application/json',
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    // A body that was not read would be taken for the next request.
    ...(request.complete ? {} : { Connection: 'close' }),
    ...answer.headers,
  });
  response.end(text);
}

function failed(error: unknown): AdminAnswer {
  if (error instanceof AdminRefusal) {
    return { code: error.status, body: { error: error.message }, headers: error.headers };
  }
  return { code: 500, body: { error: `The relay could not answer: ${(error as Error)?.message}` } };
}

/** Compares digests, so that the time taken tells nothing about the token. */
function hasToken(header: string | undefined, token: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(header ?? ''), digest(`Bearer ${token}`));
}
