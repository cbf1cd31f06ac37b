/**
 * The operator's HTTP port. GET /healthz says that the relay is up, to anyone. GET /status gives its numbers to whoever
 * shows the token (`Authorization: Bearer ...`): what peers send is the operator's business alone.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { listenError } from './port.ts';

export interface Admin {
  /** Such as http://127.0.0.1:7421 */
  readonly url: string;
  readonly token: string;
  close(): Promise<void>;
}

/** @throws SupernodeError `address-in-use` or `listen-failed`. */
export async function startAdmin(
  options: { host?: string; port?: number; token?: string },
  status: () => unknown,
): Promise<Admin> {
  const host = options.host ?? '127.0.0.1';
  const port = options.port ?? 0;
  const token = options.token ?? randomBytes(24).toString('base64url');
  const server = createServer({ requestTimeout: 5_000, headersTimeout: 5_000 }, (request, response) =>
    answer(request, response, token, status),
  );
  server.maxConnections = 64;
  await listen(server, host, port);
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    token,
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

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  token: string,
  status: () => unknown,
): void {
  const path = (request.url ?? '/').split('?')[0];
  if (request.method !== 'GET') send(response, 405, { error: 'Only GET is answered here.' });
  else if (path === '/healthz') send(response, 200, { status: 'ok' });
  else if (path !== '/status') send(response, 404, { error: 'There are /healthz and /status.' });
  else if (!authorized(request.headers.authorization, token)) {
    response.setHeader('WWW-Authenticate', 'Bearer');
    send(response, 401, { error: 'The status needs the operator token: Authorization: Bearer TOKEN.' });
  } else send(response, 200, status());
}

function send(response: ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
  response.end(`${JSON.stringify(body)}\n`);
}

/** Compares digests, so that the time taken tells nothing about the token. */
function authorized(header: string | undefined, token: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(header ?? ''), digest(`Bearer ${token}`));
}
