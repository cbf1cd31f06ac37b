/** `supernode pipe connect`: joins stdin and stdout with those of a peer that listens. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Channel, CloseReason, Peer } from '../client/node.ts';
import type { Command } from './command.ts';
import { CommandError, EXIT_FAILURE, EXIT_NO_PEER } from './exit-codes.ts';
import { text, wholeNumber } from './flags.ts';
import { readTarget, type Target } from './name-or-id.ts';
import { PIPE_ARGS, PIPE_EXIT_CODES, PIPE_NOTES, PIPE_PROTOCOL, pipeSettings } from './pipe-flags.ts';

const RETRY_MS = 200;

export const pipeConnect: Command = {
  name: 'supernode pipe connect',
  description: 'Connects to a peer that listens, and joins stdin and stdout with its',
  args: {
    peer: { type: 'positional', description: 'The peer id that supernode pipe listen printed, or a name' },
    ...PIPE_ARGS,
    wait: {
      type: 'string',
      description: 'Keep trying for so long when the peer is not there (default 0)',
      valueHint: 'SECONDS',
    },
  },
  notes: PIPE_NOTES,
  examples: [
    ['supernode pipe connect PEER < file', 'send a file'],
    ['supernode pipe connect ann < file', 'to the peer that has this name at the relay'],
    ['supernode pipe connect PEER < /dev/null > copy', 'only receive'],
    ['tar c dir | supernode pipe connect PEER --wait 30', 'to a peer that is about to listen'],
  ],
  exitCodes: [
    ...PIPE_EXIT_CODES,
    [EXIT_NO_PEER, 'the peer is not there, or did not take the channel: nothing was sent'],
  ],
  async run(values) {
    const { connect } = await import('../client/node.ts');
    const to = await readTarget(text(values, 'peer')!);
    const waitMs = (wholeNumber(values, 'wait', 0, 86_400) ?? 0) * 1000;
    const { relay, identity, progress } = await pipeSettings(values);
    const peer = await connect(relay, { ...(identity === undefined ? {} : { identity }), reconnect: false });
    const channel = await openPipe(peer, to, waitMs).catch(async (error: unknown) => {
      await peer.close();
      throw error;
    });
    const { runPipe } = await import('./run-pipe.ts');
    const { stdinSource } = await import('./stdin-source.ts');
    return runPipe({ peer, channel, source: stdinSource(), progress, closes: true });
  },
};

/** @throws CommandError with EXIT_NO_PEER, or what the connection was lost with. */
async function openPipe(peer: Peer, to: Target, waitMs: number): Promise<Channel> {
  const { ChannelError } = await import('../client/node.ts');
  let lost: Error | undefined;
  peer.addEventListener('closed', ({ error }) => {
    lost = error;
  });
  const deadline = performance.now() + waitMs;
  for (;;) {
    try {
      // Asked anew each time: the name may be claimed, or change hands, meanwhile.
      const id = to.id ?? (await peer.lookup(to.text))?.id;
      if (id === undefined) throw new ChannelError('not-found', `Nobody has the name ${to.text}.`);
      return await peer.open(id, { reliable: true, protocol: PIPE_PROTOCOL });
    } catch (error) {
      if (lost !== undefined) throw lost;
      if (!(error instanceof ChannelError)) throw error;
      if (error.reason !== 'not-found' || performance.now() + RETRY_MS > deadline) {
        throw notOpened(to.text, error.reason);
      }
    }
    await delay(RETRY_MS);
  }
}

const REFUSALS: Partial<Record<CloseReason, string>> = {
  'not-found': 'is not on the relay (not-found); start supernode pipe listen there, or use --wait',
  rejected: 'does not take a pipe (rejected): it listens for none, or has one already',
  timeout: 'did not answer (timeout)',
  'peer-gone': 'went away (peer-gone)',
  busy: 'is busy, or the relay is: try again later (busy)',
};

function notOpened(to: string, reason: CloseReason): CommandError {
  const what = REFUSALS[reason];
  if (what !== undefined) return new CommandError(EXIT_NO_PEER, 'channel-closed', `${to} ${what}.`);
  const message = `The channel to ${to} could not be opened (${reason}).`;
  return new CommandError(EXIT_FAILURE, 'channel-closed', message);
}
