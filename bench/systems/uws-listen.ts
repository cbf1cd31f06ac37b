/** What the two uWebSockets.js rivals share: an app that listens, and the upgrade. */
import * as uWS from 'uWebSockets.js';
import type { Served } from './answer-run.ts';
import { MAX_MESSAGE_BYTES, MAX_WAITING_BYTES } from './label-rules.ts';

export interface Client {
  /** From 1, in order of connection. */
  index: number;
}
export type Socket = uWS.WebSocket<Client>;

/** uWS.DISABLED, which this package's type declarations leave out. */
const NO_COMPRESSION = 0;
/** `send` says that the receiver has too much waiting already. */
export const SEND_DROPPED = 2;

export function listen(
  behavior: Pick<uWS.WebSocketBehavior<Client>, 'open' | 'message' | 'close'>,
  drops: () => number,
): Served {
  const app = uWS.App();
  app.ws<Client>('/*', {
    compression: NO_COMPRESSION,
    maxPayloadLength: MAX_MESSAGE_BYTES,
    maxBackpressure: MAX_WAITING_BYTES,
    upgrade: (response, request, context) => {
      response.upgrade(
        { index: 0 },
        request.getHeader('sec-websocket-key'),
        request.getHeader('sec-websocket-protocol').split(',', 1)[0]!.trim(),
        request.getHeader('sec-websocket-extensions'),
        context,
      );
    },
    ...behavior,
  });
  let port = 0;
  app.listen('127.0.0.1', 0, (socket) => {
    if (socket) port = uWS.us_socket_local_port(socket);
  });
  if (port === 0) throw new Error('uWebSockets.js could not listen on 127.0.0.1.');
  return { address: `ws://127.0.0.1:${port}`, drops, close: () => void app.close() };
}
