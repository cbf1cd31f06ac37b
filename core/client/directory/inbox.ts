/**
 * The mail of one peer (docs/protocol.md §12.10): taken from the relay in order, handed to the application one message
 * at a time, acknowledged when it is done with them.
 *
 *   relay --mail--> [ waiting, in order ] --one at a time--> application --done--> acknowledged, up to the first not done
 *                                             '--failed, or nobody there any more: not acknowledged--'
 *
 * A relay gives at most a window of unacknowledged mail, so what waits here is bounded. What is not acknowledged when
 * the session ends comes again in the next; what was done by then is known by (from, id), and dropped. Owned by
 * Messages.
 */

import { Fifo } from '../../fifo.ts';
import type { Body } from '../../protocol/control.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { MAIL_WINDOW_MESSAGES } from '../../protocol/limits.ts';
import type { OP_MAIL } from '../../protocol/ops.ts';

export type Mail = Body<typeof OP_MAIL>;
/** `nobody`: the application stopped listening; the message waits until it listens again. */
export type Outcome = 'done' | 'failed' | 'nobody';

export interface InboxOwner {
  /** Calls `settle` once, when the application is done with the message or will not be. */
  deliver(mail: Mail & { bytes: Uint8Array }, settle: (outcome: Outcome) => void): void;
  receipt(mail: Mail & { receipt: 'delivered' | 'expired' }): void;
  /** An acknowledgement is due: `takeAck` has it. */
  ackDue(): void;
}

interface Item {
  mail: Mail;
  done: boolean;
  session: SessionMail;
}

/** What came in one session and is not acknowledged. */
class SessionMail {
  readonly unacked = new Fifo<Item>();
  lastSeq = -1;
}

/** Done messages that are remembered: 4 x what a mailbox of one relay holds. About 100 bytes each. */
export const MAX_REMEMBERED = 4096;

export class Inbox {
  readonly #owner: InboxOwner;
  #session = new SessionMail();
  #waiting = new Fifo<Item>();
  #delivering = false;
  #ackSeq: number | undefined;
  /** Keys of what is done, oldest first. */
  readonly #done = new Set<string>();

  constructor(owner: InboxOwner) {
    this.#owner = owner;
  }

  /** Another session begins: what is not acknowledged comes again. */
  restart(): void {
    this.#session = new SessionMail();
    this.#waiting = new Fifo();
    this.#ackSeq = undefined;
  }

  /** @throws ProtocolError when the relay sends more than the window, or out of order. */
  add(mail: Mail): void {
    const session = this.#session;
    if (mail.seq <= session.lastSeq) {
      throw new ProtocolError('bad-control', `Mail ${mail.seq} came after mail ${session.lastSeq}.`);
    }
    // Items that failed hold the window too, and acknowledgements may be under way.
    if (session.unacked.length >= MAIL_WINDOW_MESSAGES) {
      throw new ProtocolError('bad-control', `More than ${MAIL_WINDOW_MESSAGES} items of mail came unasked.`);
    }
    session.lastSeq = mail.seq;
    const item: Item = { mail, done: false, session };
    session.unacked.push(item);
    if (mail.receipt !== undefined) this.#takeReceipt(item);
    else if (mail.bytes !== undefined) {
      this.#waiting.push(item);
      this.pump();
    } else throw new ProtocolError('bad-control', `Mail ${mail.seq} is neither a message nor a receipt.`);
  }

  /** Hands on what waits; called again when somebody begins to listen. */
  pump(): void {
    if (this.#delivering) return;
    let item = this.#waiting.peek();
    while (item !== undefined && this.#done.has(keyOf(item.mail))) {
      this.#settled(item, 'done');
      item = this.#waiting.peek();
    }
    if (item !== undefined) this.#deliver(item);
  }

  /** The seq up to which all is done, if that is news to the relay. */
  takeAck(): number | undefined {
    const seq = this.#ackSeq;
    this.#ackSeq = undefined;
    return seq;
  }

  #deliver(item: Item): void {
    this.#delivering = true;
    this.#owner.deliver(item.mail as Mail & { bytes: Uint8Array }, (outcome) => {
      this.#delivering = false;
      if (outcome === 'nobody') return;
      this.#settled(item, outcome);
      this.pump();
    });
  }

  #settled(item: Item, outcome: 'done' | 'failed'): void {
    // Not if the session has changed meanwhile: the message is there again then.
    if (this.#waiting.peek() === item) this.#waiting.shift();
    if (outcome === 'done') this.#setDone(item);
  }

  #takeReceipt(item: Item): void {
    const { mail } = item;
    if (!this.#done.has(keyOf(mail))) {
      this.#owner.receipt(mail as Mail & { receipt: 'delivered' | 'expired' });
    }
    this.#setDone(item);
  }

  #setDone(item: Item): void {
    item.done = true;
    this.#remember(keyOf(item.mail));
    if (item.session !== this.#session) return;
    const { unacked } = item.session;
    for (let first = unacked.peek(); first?.done; first = unacked.peek()) {
      this.#ackSeq = first.mail.seq;
      unacked.shift();
    }
    if (this.#ackSeq !== undefined) this.#owner.ackDue();
  }

  #remember(key: string): void {
    this.#done.add(key);
    if (this.#done.size <= MAX_REMEMBERED) return;
    const [oldest] = this.#done;
    this.#done.delete(oldest!);
  }
}

function keyOf({ from, id, receipt }: Mail): string {
  return `${receipt ?? ''} ${hexOf(from)} ${hexOf(id)}`;
}

export function hexOf(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}
