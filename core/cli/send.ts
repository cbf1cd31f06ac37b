/** `supernode send`: leaves stdin as a message in a peer's mailbox. */
import type { Peer } from '../client/node.ts';
import { MAX_MESSAGE_BYTES } from '../protocol/limits.ts';
import type { Command } from './command.ts';
import { CommandError, EXIT_FAILURE, EXIT_LOST, EXIT_NO_PEER, EXIT_OK, UsageError } from './exit-codes.ts';
import { text, wholeNumber } from './flags.ts';
import { readTarget } from './name-or-id.ts';
import {
  neededIdentity,
  ONE_SESSION_NOTE,
  PEER_ARGS,
  RELAY_EXIT_CODE,
  relayUrl,
  withPeer,
} from './peer-flags.ts';
import { printText, stderrLine } from './print.ts';
import { stdinIsTerminal, stdinSource } from './stdin-source.ts';

export const send: Command = {
  name: 'supernode send',
  description: "Sends stdin as one message to a peer's mailbox, also when the peer is away",
  args: {
    peer: { type: 'positional', description: 'NAME, or peer id' },
    ...PEER_ARGS,
    wait: {
      type: 'string',
      description: 'Wait for so long until the peer has taken it (default 0: until the relay has stored it)',
      valueHint: 'SECONDS',
    },
    json: { type: 'boolean', description: 'Print {"id", "to", "state"} as JSON, one line for each state' },
  },
  notes: [
    `A message has 1 to ${MAX_MESSAGE_BYTES.toLocaleString('en')} bytes. It is on the relay's disk when "stored" is ` +
      'printed, and waits there for up to 30 days. The relay can read it.',
    '--wait hears of it only while fewer than 32 messages wait for this key itself: see supernode inbox.',
    ONE_SESSION_NOTE,
  ],
  examples: [
    ['echo hello | supernode send ann --key me.key', 'prints "ID stored"'],
    ['supernode send ann --key me.key --wait 60 < note.txt', 'and "ID delivered" once she has it'],
  ],
  exitCodes: [
    RELAY_EXIT_CODE,
    [EXIT_NO_PEER, 'there is no such peer, or it takes no messages from this key: nothing was sent'],
    [EXIT_LOST, 'stored, but not delivered within --wait; it stays stored until it is taken or expires'],
  ],
  async run(values) {
    const target = await readTarget(text(values, 'peer')!);
    const waitMs = (wholeNumber(values, 'wait', 0, 86_400) ?? 0) * 1000;
    const identity = await neededIdentity(values, 'supernode send');
    const message = await readMessage();
    const say = (id: string, state: string): Promise<void> =>
      printText(values['json'] ? `${JSON.stringify({ id, to: target.text, state })}\n` : `${id} ${state}\n`);
    return withPeer(relayUrl(values), identity, async (peer) => {
      const outcomes = waitMs > 0 ? new Outcomes(peer) : undefined;
      const { id } = await peer.messages.send(target.text, message);
      await say(id, 'stored');
      if (outcomes === undefined) return EXIT_OK;
      const state = await outcomes.of(id, waitMs);
      if (state === undefined) {
        const late = `${target.text} has not taken the message within ${waitMs / 1000} s; it stays stored.`;
        throw new CommandError(EXIT_LOST, 'channel-closed', late);
      }
      await say(id, state);
      return state === 'delivered' ? EXIT_OK : EXIT_LOST;
    });
  },
};

/** All of stdin. @throws UsageError when it is empty or too long. */
async function readMessage(): Promise<Uint8Array> {
  if (stdinIsTerminal()) stderrLine('the message, please; Ctrl-D ends it.');
  const source = stdinSource();
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for (let piece = await source.read(); piece !== null; piece = await source.read()) {
    bytes += piece.length;
    if (bytes > MAX_MESSAGE_BYTES) {
      source.cancel();
      throw new UsageError(
        `stdin has more than ${MAX_MESSAGE_BYTES} bytes, the most that a message may have; supernode pipe carries any size.`,
      );
    }
    // A source uses its buffers again.
    pieces.push(piece.slice());
  }
  if (bytes === 0) throw new UsageError('stdin is empty: there is nothing to send.');
  return Buffer.concat(pieces);
}

/** Receipts that came, so that none is missed that comes before its id is known. */
class Outcomes {
  readonly #states = new Map<string, string>();
  readonly #waiting = new Map<string, (state: string) => void>();

  constructor(peer: Peer) {
    peer.messages.addEventListener('receipt', ({ id, state }) => {
      this.#states.set(id, state);
      this.#waiting.get(id)?.(state);
    });
    peer.addEventListener('closed', () => {
      for (const [, tell] of this.#waiting) tell('lost');
    });
  }

  /** @returns undefined when none has come in time. @throws CommandError when the connection was lost. */
  async of(id: string, ms: number): Promise<string | undefined> {
    const known = this.#states.get(id);
    if (known !== undefined) return known;
    let timer: NodeJS.Timeout | undefined;
    const state = await new Promise<string | undefined>((resolve) => {
      this.#waiting.set(id, resolve);
      timer = setTimeout(() => resolve(undefined), ms);
    });
    clearTimeout(timer);
    if (state !== 'lost') return state;
    const message = 'The connection to the relay was lost; the message stays stored.';
    throw new CommandError(EXIT_FAILURE, 'connection-lost', message);
  }
}
