/** Stands between the load and a relay, and may change or swallow what the relay sends. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** @param tamper what becomes of bytes that the relay sent: with little load, a read holds whole messages. */
export async function tamperingProxy(
  relayUrl: string,
  tamper: (bytes: Buffer) => Buffer | null,
): Promise<string> {
  const port = Number(new URL(relayUrl).port);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const relay = connect({ port, host: '127.0.0.1', noDelay: true });
    client.setNoDelay(true);
    for (const socket of [client, relay]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        client.destroy();
        relay.destroy();
      });
    }
    client.on('data', (bytes) => relay.write(bytes));
    relay.on('data', (bytes) => {
      const passed = tamper(bytes);
      if (passed) client.write(passed);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
