/**
 * Whether a port can be listened on, and why not: uWebSockets.js says only that it could not. Also picks the port when
 * 0 was asked and every shard must listen on the same one (TLS).
 */
import { createServer } from 'node:net';
import { SupernodeError } from '../protocol/errors.ts';

/** @returns the port (a free one for 0). @throws SupernodeError `address-in-use` or `listen-failed`. */
export function probePort(host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (cause: NodeJS.ErrnoException) => reject(listenError(host, port, cause)));
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address();
      const found = typeof address === 'object' && address ? address.port : port;
      server.close(() => resolve(found));
    });
  });
}

export function listenError(host: string, port: number, cause?: NodeJS.ErrnoException): SupernodeError {
  if (cause?.code === 'EADDRINUSE') {
    const message = `Port ${port} on ${host} is in use (EADDRINUSE): stop what listens there, or choose another port.`;
    return new SupernodeError('address-in-use', message, { cause });
  }
  const why = cause ? `${cause.message}` : 'the address cannot be bound';
  return new SupernodeError('listen-failed', `Cannot listen on ${host} port ${port}: ${why}.`, { cause });
}
