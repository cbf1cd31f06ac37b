/**
 * Joins stdin and stdout through a reliable channel.
 *
 *   stdin  --read--> channel.send ... channel.end() resolves: the other side has flushed all of it to its stdout
 *   stdout <--write, flushed-- channel messages ... their end
 *
 * A message is asked for only after the one before was flushed, so the credit that goes back to the sender stands for
 * bytes that stdout has, not for bytes that wait here.
 */
import type { Channel, CloseReason } from '../client/node.ts';
import { ChannelError, MAX_PAYLOAD_BYTES, SupernodeError } from '../client/node.ts';
import { CommandError, EXIT_LOST } from './exit-codes.ts';
import type { ByteSource } from './stdin-source.ts';
import type { ByteSink } from './stdout-sink.ts';

/** What waits in the channel before the source is asked for more. */
const LOW_WATER_BYTES = 256 * 1024;

export interface Joined {
  channel: Channel;
  source: ByteSource;
  sink: ByteSink;
  /** The other side has ended and all of it is flushed, while this side's source goes on. */
  onothersEnd(): void;
  onsourceEnd(): void;
  /** Payload bytes, as they move. */
  counts: { sentBytes: number; receivedBytes: number };
}

/**
 * Resolves when everything was delivered, both ways.
 * @throws CommandError: exit code 1 when stdin or stdout failed, 4 when the channel was lost.
 */
export async function joinStreams(joined: Joined): Promise<void> {
  const { channel, source } = joined;
  // A source may have nothing to say for hours: the loss of the channel must not wait for it.
  void channel.closed.then(() => source.cancel());
  const failures: unknown[] = [];
  const halves = [sendAll(joined), receiveAll(joined)].map((half) =>
    half.catch((error: unknown) => {
      const failure = asFailure(error, channel);
      failures.push(failure);
      // A channel that is lost ends the other half by itself, after what has arrived is written; a local failure not.
      if (failure instanceof CommandError && failure.exitCode === EXIT_LOST) return;
      throw failure;
    }),
  );
  await Promise.all(halves);
  if (failures.length > 0) throw failures[0];
}

async function sendAll({ channel, source, onsourceEnd, counts }: Joined): Promise<void> {
  channel.bufferedAmountLowThreshold = LOW_WATER_BYTES;
  let next = source.read();
  for (let piece = await next; piece !== null; piece = await next) {
    next = source.read();
    // Handled where it is awaited; a failed send leaves it behind.
    next.catch(() => {});
    for (let at = 0; at < piece.length; at += MAX_PAYLOAD_BYTES) {
      channel.send(piece.subarray(at, at + MAX_PAYLOAD_BYTES));
    }
    counts.sentBytes += piece.length;
    if (channel.bufferedAmount > LOW_WATER_BYTES) await channel.drained();
  }
  onsourceEnd();
  await channel.end();
}

async function receiveAll({ channel, sink, onothersEnd, counts }: Joined): Promise<void> {
  let ended = false;
  channel.onend = () => {
    ended = true;
  };
  for await (const message of channel) {
    const flushed = sink.write(message);
    if (flushed !== undefined) await flushed;
    counts.receivedBytes += message.length;
  }
  // The messages also end when the other side closes the channel: that is not the end of its stream.
  if (!ended) throw lost(await channel.closed);
  await sink.end();
  onothersEnd();
}

function asFailure(error: unknown, channel: Channel): unknown {
  if (error instanceof ChannelError) return lost(error.reason);
  // send() at the moment of the loss says only that the channel is not open.
  const notOpen = error instanceof SupernodeError && error.code === 'not-open';
  return notOpen && channel.readyState === 'closed' ? lost('connection-lost') : error;
}

const CAUSES: Partial<Record<CloseReason, string>> = {
  closed: 'The other side closed the channel',
  'peer-gone': 'The other side has gone (peer-gone)',
  'connection-lost': 'The connection to the relay was lost (connection-lost)',
  drained: 'The relay was stopped (drained)',
  replaced: 'The key of one side has logged in elsewhere (replaced)',
};

function lost(reason: CloseReason): CommandError {
  const cause = CAUSES[reason] ?? `The channel ended (${reason})`;
  return new CommandError(
    EXIT_LOST,
    'channel-closed',
    `${cause} before everything was delivered: what arrived is not complete.`,
  );
}
