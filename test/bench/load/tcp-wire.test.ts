import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { TcpWire } from '../../../bench/load/tcp-wire.ts';

const CHUNK_BYTES = 64 * 1024;
const CHUNKS = 256;

it('sends everything in order to a reader that is slow, and says when it has been taken', async () => {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  let drained: () => void = () => {};
  const taken = new Promise<void>((resolve) => {
    drained = resolve;
  });
  const wire = await TcpWire.connect(`127.0.0.1:${port}`, { read: () => {}, drained, ended: () => {} });
  const [socket] = await accepted;
  // One buffer for all, overwritten after each write, and a range within it.
  const buffer = Buffer.alloc(CHUNK_BYTES + 2);
  for (let i = 0; i < CHUNKS; i++) {
    buffer.fill(i);
    wire.write(buffer, 1, 1 + CHUNK_BYTES, false);
  }
  buffer.fill(0xee);
  expect(wire.heldBytes).toBeGreaterThan(0);
  let at = 0;
  let wrong = 0;
  socket.on('data', (bytes) => {
    for (const byte of bytes) if (byte !== Math.floor(at++ / CHUNK_BYTES)) wrong++;
  });
  socket.resume();
  await taken;
  wire.destroy();
  await once(socket, 'close');
  server.close();
  expect(wrong).toBe(0);
  expect(at).toBe(CHUNKS * CHUNK_BYTES);
});
