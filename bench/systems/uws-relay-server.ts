/** A relay as one writes it with uWebSockets.js: each message is sent on at once, in the cork that the library gives. */
import { readLabel, writeLabel } from '../../core/protocol/frame.ts';
import { answerRun } from './answer-run.ts';
import { greeting, isOneFrame, RELAYS, UNSUPPORTED } from './label-rules.ts';
import { listen, SEND_DROPPED, type Socket } from './uws-listen.ts';

const sockets = new Map<number, Socket>();
let connections = 0;
let drops = 0;

await answerRun(() =>
  listen(
    {
      open: (socket) => {
        const client = socket.getUserData();
        client.index = ++connections;
        sockets.set(client.index, socket);
        socket.send(greeting(client.index, RELAYS), true);
      },
      message: (socket, message, isBinary) => {
        const frame = new Uint8Array(message);
        if (!isBinary || !isOneFrame(frame)) {
          socket.end(UNSUPPORTED, 'Every message must be one data frame.');
          return;
        }
        const receiver = sockets.get(readLabel(frame, 0));
        if (receiver === undefined) {
          drops++;
          return;
        }
        writeLabel(frame, 0, socket.getUserData().index);
        if (receiver.send(frame, true) === SEND_DROPPED) drops++;
      },
      close: (socket) => {
        sockets.delete(socket.getUserData().index);
      },
    },
    () => drops,
  ),
);
