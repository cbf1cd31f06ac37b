/** What both sides of a pipe do once there is a channel: join it, show progress, give a hint, leave in order. */
import type { Channel, Peer } from '../client/node.ts';
import { EXIT_OK } from './exit-codes.ts';
import { type Joined, joinStreams } from './join-streams.ts';
import { stderrLine } from './print.ts';
import { type ByteSource, stdinIsTerminal } from './stdin-source.ts';
import { stdoutSink } from './stdout-sink.ts';

const HINT_AFTER_MS = 3_000;
/** How long the listening side waits for the connecting side to close a channel that has nothing left to carry. */
const CLOSE_WAIT_MS = 5_000;

export interface PipeRun {
  peer: Peer;
  channel: Channel;
  source: ByteSource;
  progress: boolean;
  /** The connecting side closes the channel, the listening side waits for that. */
  closes: boolean;
}

/** @returns the exit code. @throws CommandError when not everything was delivered. */
export async function runPipe({ peer, channel, source, progress, closes }: PipeRun): Promise<number> {
  let hint: NodeJS.Timeout | undefined;
  let sourceEnded = false;
  const joined: Joined = {
    channel,
    source,
    sink: stdoutSink(),
    counts: { sentBytes: 0, receivedBytes: 0 },
    onothersEnd: () => {
      if (!sourceEnded) hint = setTimeout(() => stderrLine(hintText()), HINT_AFTER_MS);
    },
    onsourceEnd: () => {
      sourceEnded = true;
      clearTimeout(hint);
    },
  };
  const shown = progress ? await showProgress(joined) : undefined;
  try {
    await joinStreams(joined);
    if (closes) channel.close();
    await closedWithin(channel, CLOSE_WAIT_MS);
  } finally {
    clearTimeout(hint);
    shown?.stop();
    await peer.close();
  }
  return EXIT_OK;
}

function hintText(): string {
  const how = stdinIsTerminal() ? 'Ctrl-D ends it' : 'with nothing to send, run it with < /dev/null';
  return `the other side has sent everything; this side waits for the end of its own stdin (${how}).`;
}

/** Everything is delivered by then, so it does not matter why the channel ends, or that it does not. */
async function closedWithin(channel: Channel, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([channel.closed, late]);
  clearTimeout(timer);
}

async function showProgress(joined: Joined): Promise<{ stop(): void } | undefined> {
  if (!process.stderr.isTTY) return undefined;
  const { PipeProgress } = await import('./pipe-progress.ts');
  return new PipeProgress(joined);
}
