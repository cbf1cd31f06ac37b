/** `supernode inbox`: prints the messages that wait for a key, and tells the relay that it may forget them. */
import { setImmediate as turn } from 'node:timers/promises';
import type { Message, Peer } from '../client/node.ts';
import type { Command } from './command.ts';
import { EXIT_OK } from './exit-codes.ts';
import { wholeNumber } from './flags.ts';
import { messageText, receiptText } from './mail-text.ts';
import {
  neededIdentity,
  ONE_SESSION_NOTE,
  PEER_ARGS,
  RELAY_EXIT_CODE,
  relayUrl,
  withPeer,
} from './peer-flags.ts';
import { stdoutSink } from './stdout-sink.ts';

export const inbox: Command = {
  name: 'supernode inbox',
  description: 'Prints the messages that wait for a key, oldest first, and removes them from the relay',
  args: {
    ...PEER_ARGS,
    follow: { type: 'boolean', description: 'Then wait for more, until it is stopped' },
    max: { type: 'string', description: 'End after so many messages', valueHint: 'N' },
    json: { type: 'boolean', description: 'Print a line of JSON for each (NDJSON)' },
  },
  notes: [
    'A message is removed from the relay, and its sender told so, after stdout has taken it; if this command is ended ' +
      'before, it comes again. So the same id can be seen twice, and no message is lost.',
    'Lines of JSON are {"id", "from", "sentAt", "text"}, with "base64" in place of "text" when it is not UTF-8. What became ' +
      'of messages that this key has sent is printed too: {"id", "to", "receipt"}, "delivered" or "expired".',
    'Who sent a message is certain as far as the relay is; what it says is not.',
    ONE_SESSION_NOTE,
  ],
  examples: [
    ['supernode inbox --key me.key', 'what there is'],
    ['supernode inbox --key me.key --follow --json', 'for a program, as it comes'],
    ['supernode inbox --key me.key --follow --max 1', 'wait for one message'],
  ],
  exitCodes: [RELAY_EXIT_CODE],
  async run(values) {
    const most = wholeNumber(values, 'max', 1, 1_000_000_000) ?? Number.POSITIVE_INFINITY;
    const identity = await neededIdentity(values, 'supernode inbox');
    const follow = values['follow'] === true;
    const reader = new Reader(values['json'] === true);
    await withPeer(relayUrl(values), identity, (peer) => reader.read(peer, follow, most), {
      reconnect: follow,
    });
    return EXIT_OK;
  },
};

class Reader {
  readonly #asJson: boolean;
  readonly #sink = stdoutSink();
  /** Resolves when what was printed so far is taken; rejects when stdout is closed. */
  #printed: Promise<void> = Promise.resolve();
  #receipts = 0;

  constructor(asJson: boolean) {
    this.#asJson = asJson;
  }

  async read(peer: Peer, follow: boolean, most: number): Promise<void> {
    const broken = new Promise<never>((_, reject) => {
      peer.messages.addEventListener('receipt', (receipt) => {
        this.#receipts++;
        this.#print(receiptText(receipt, this.#asJson)).catch(reject);
      });
    });
    broken.catch(() => {});
    const messages = peer.messages[Symbol.asyncIterator]();
    for (let read = 0; ; read++) {
      // Asking for the next acknowledges the last.
      const next = messages.next();
      next.catch(() => {});
      if (read >= most) break;
      const outcomes: Promise<IteratorResult<Message> | undefined>[] = [next, broken];
      if (!follow) outcomes.push(turn().then(() => this.#empty(peer)));
      const result = await Promise.race(outcomes);
      if (result === undefined || result.done) break;
      await this.#print(messageText(result.value, this.#asJson));
    }
    await messages.return?.();
    await this.#printed;
    await acknowledged(peer);
  }

  /**
   * Resolves to undefined when the mailbox is. The relay reads in the order in which a session asks, so the answer to a
   * question comes after the mail that was there; twice, as the first may overtake an acknowledgement on its way out.
   */
  async #empty(peer: Peer): Promise<undefined> {
    for (let quiet = 0; quiet < 2; quiet++) {
      const before = this.#receipts;
      await peer.policy.get();
      if (this.#receipts > before) quiet = -1;
    }
  }

  #print(text: string): Promise<void> {
    const bytes = Buffer.from(text);
    this.#printed = this.#printed.then(() => this.#sink.write(bytes));
    return this.#printed;
  }
}

/** Resolves when every acknowledgement is on the relay's disk: it writes, too, in the order in which a session asks. */
async function acknowledged(peer: Peer): Promise<void> {
  await turn();
  await peer.policy.set({});
}
