/** The ceiling of the library: uWebSockets.js sends each message back to who sent it, in the cork that it gives. */
import { answerRun } from './answer-run.ts';
import { ECHOES, greeting, UNSUPPORTED } from './label-rules.ts';
import { listen, SEND_DROPPED } from './uws-listen.ts';

let connections = 0;
let drops = 0;

await answerRun(() =>
  listen(
    {
      open: (socket) => {
        socket.send(greeting(++connections, ECHOES), true);
      },
      message: (socket, message, isBinary) => {
        if (!isBinary) socket.end(UNSUPPORTED, 'Every message must be binary.');
        else if (socket.send(message, true) === SEND_DROPPED) drops++;
      },
    },
    () => drops,
  ),
);
