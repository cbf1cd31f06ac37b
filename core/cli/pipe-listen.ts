/** `supernode pipe listen`: waits for one peer, and joins stdin and stdout with its. */
import type { Channel, Peer } from '../client/node.ts';
import type { Command } from './command.ts';
import {
  PIPE_ARGS,
  PIPE_EXIT_CODES,
  PIPE_NOTES,
  PIPE_PROTOCOL,
  type PipeSettings,
  pipeSettings,
} from './pipe-flags.ts';
import { stderrLine } from './print.ts';

export const pipeListen: Command = {
  name: 'supernode pipe listen',
  description: 'Waits for one peer to connect, and joins stdin and stdout with its',
  args: {
    ...PIPE_ARGS,
    json: {
      type: 'boolean',
      description: 'Print {"listening": PEER} and {"connected": PEER} on stderr, JSON',
    },
  },
  notes: [
    'The peer id to connect to is printed on stderr, as "supernode: listening as PEER"; stdout carries data alone. ' +
      'Whoever knows the id and reaches the relay can connect; the first one is taken.',
    'A terminal is not read: then it only receives, and can run in the background. To send, give it a file or a pipe.',
    ...PIPE_NOTES,
  ],
  examples: [
    ['supernode pipe listen > copy', 'receive a file'],
    ['supernode pipe listen < file', 'give it to whoever connects'],
    ['supernode pipe listen --key me.key | tar x', 'unpack what comes, under an id that lasts'],
  ],
  exitCodes: PIPE_EXIT_CODES,
  async run(values) {
    const settings = await pipeSettings(values);
    const asJson = values['json'] === true;
    const say = (event: 'listening' | 'connected', peer: string): void => {
      if (asJson) process.stderr.write(`${JSON.stringify({ [event]: peer })}\n`);
      else stderrLine(event === 'listening' ? `listening as ${peer}` : `${peer} is connected`);
    };
    const { peer, channel } = await oneChannel(settings, (id) => say('listening', id));
    say('connected', channel.peer);
    const { runPipe } = await import('./run-pipe.ts');
    const { EMPTY_SOURCE, ifReadable, stdinIsTerminal, stdinSource } = await import('./stdin-source.ts');
    // Reading the terminal from the background would stop the process (SIGTTIN).
    const source = stdinIsTerminal() ? EMPTY_SOURCE : ifReadable(stdinSource());
    return runPipe({ peer, channel, source, progress: settings.progress, closes: false });
  },
};

/** The first pipe that somebody opens to this peer. @throws SupernodeError when the relay is lost before. */
async function oneChannel(
  { relay, identity }: PipeSettings,
  onlistening: (id: string) => void,
): Promise<{ peer: Peer; channel: Channel }> {
  const { connect } = await import('../client/node.ts');
  let taken = false;
  let arrived: (channel: Channel) => void;
  const channel = new Promise<Channel>((resolve) => {
    arrived = resolve;
  });
  const peer = await connect(relay, {
    ...(identity === undefined ? {} : { identity }),
    reconnect: false,
    onoffer: (offer) => {
      if (taken || !offer.reliable || offer.protocol !== PIPE_PROTOCOL) return false;
      taken = true;
      return true;
    },
    onchannel: (event) => arrived(event.channel),
  });
  const lost = new Promise<never>((_, reject) => {
    peer.addEventListener('closed', ({ error }) => reject(error));
  });
  lost.catch(() => {});
  onlistening(peer.id);
  return { peer, channel: await Promise.race([channel, lost]) };
}
