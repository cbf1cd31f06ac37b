/** A relay as one writes it with `ws`: each message is forwarded at once. */
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { readLabel, writeLabel } from '../../core/protocol/frame.ts';
import { answerRun } from './answer-run.ts';
import {
  greeting,
  isOneFrame,
  MAX_MESSAGE_BYTES,
  MAX_WAITING_BYTES,
  RELAYS,
  UNSUPPORTED,
} from './label-rules.ts';

const sockets = new Map<number, WebSocket>();
let connections = 0;
let drops = 0;

function accept(socket: WebSocket): void {
  const index = ++connections;
  sockets.set(index, socket);
  socket.on('message', (message: Buffer, isBinary) => {
    if (!isBinary || !isOneFrame(message)) {
      socket.close(UNSUPPORTED, 'Every message must be one data frame.');
      return;
    }
    const receiver = sockets.get(readLabel(message, 0));
    if (receiver === undefined || receiver.bufferedAmount > MAX_WAITING_BYTES) {
      drops++;
      return;
    }
    writeLabel(message, 0, index);
    receiver.send(message);
  });
  socket.on('close', () => sockets.delete(index));
  socket.on('error', () => socket.terminate());
  socket.send(greeting(index, RELAYS));
}

await answerRun(
  () =>
    new Promise((resolve, reject) => {
      const server = new WebSocketServer({
        host: '127.0.0.1',
        port: 0,
        perMessageDeflate: false,
        maxPayload: MAX_MESSAGE_BYTES,
      });
      server.on('connection', accept);
      server.once('error', reject);
      server.once('listening', () =>
        resolve({
          address: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
          drops: () => drops,
          close: () => server.close(),
        }),
      );
    }),
);
