/**
 * A server of the dialect `labels` for one test, in this process, that may be told to do something wrong: see
 * bench/systems/label-rules.ts for the rules.
 */
import { once } from 'node:events';
import { afterEach } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { dataFrameEnd, readLabel, writeDataFrame, writeLabel } from '../../../core/protocol/frame.ts';
import { SUBPROTOCOL } from '../../../core/protocol/names.ts';
import { OP_DATA } from '../../../core/protocol/ops.ts';

const GREETING_BYTES = 10;

/** Given the number of a frame (from 0, over all peers), what is sent in its place. */
export type Tamper = (frame: Buffer, number: number) => Buffer[];

export interface LabelServer {
  address: string;
  /** Holds everything that comes for so long, then passes it on, as a relay that was busy does. */
  stallMs(ms: number): void;
  /** Frames that came so far. */
  frames(): number;
}

const running = new Set<WebSocketServer>();

afterEach(async () => {
  for (const server of running) {
    for (const client of server.clients) client.terminate();
    server.close();
    await once(server, 'close');
  }
  running.clear();
});

export async function startLabelServer({
  echoes = false,
  tamper = (frame) => [frame],
}: {
  echoes?: boolean;
  tamper?: Tamper;
}): Promise<LabelServer> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, handleProtocols: () => SUBPROTOCOL });
  running.add(server);
  await once(server, 'listening');
  const peers: WebSocket[] = [];
  let frames = 0;
  let held: (() => void)[] | null = null;
  const pass = (send: () => void): void => {
    if (held) held.push(send);
    else send();
  };
  server.on('connection', (peer) => {
    const index = peers.push(peer);
    const greeting = Buffer.alloc(GREETING_BYTES);
    writeDataFrame(greeting, 0, OP_DATA, index, Uint8Array.of(echoes ? 1 : 0));
    peer.send(greeting);
    peer.on('message', (message: Buffer) => {
      if (echoes) {
        pass(() => peer.send(message));
        return;
      }
      if (dataFrameEnd(message, 0, message.length) !== message.length) {
        peer.close(1003, 'one frame a message');
        return;
      }
      const receiver = peers[readLabel(message, 0) - 1];
      writeLabel(message, 0, index);
      for (const frame of tamper(message, frames++)) pass(() => receiver?.send(frame));
    });
  });
  return {
    address: `ws://127.0.0.1:${(server.address() as { port: number }).port}`,
    stallMs(ms) {
      held = [];
      setTimeout(() => {
        const waiting = held ?? [];
        held = null;
        for (const send of waiting) send();
      }, ms);
    },
    frames: () => frames,
  };
}
