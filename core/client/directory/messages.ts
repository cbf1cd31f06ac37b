/** `peer.messages`: messages for peers that may be away, and those that came for this one. */
import { OptionError, type SupernodeError } from '../../protocol/errors.ts';
import { MAX_MESSAGE_BYTES, MAX_MESSAGE_LIFE_MS, MESSAGE_ID_BYTES } from '../../protocol/limits.ts';
import { OP_INBOX, OP_MAIL_ACK, OP_SEND } from '../../protocol/ops.ts';
import { type PeerId, peerIdOf } from '../../protocol/peer-id.ts';
import { checkNumber, shown } from '../checks.ts';
import { type Listener, TypedEventTarget } from '../events.ts';
import { reportError } from '../report-error.ts';
import type { Access } from './access.ts';
import { hexOf, Inbox, type Mail, type Outcome } from './inbox.ts';
import { InboxErrorEvent, Message, type MessagesEvents, ReceiptEvent } from './message.ts';
import { MessageReaders } from './message-readers.ts';
import { persist } from './persist.ts';
import type { SignalOption } from './record-options.ts';
import type { Records } from './records.ts';

export interface SendOptions extends SignalOption {
  /** How long the message may wait for its receiver: 1 .. 2,592,000,000 milliseconds (30 days, the default). */
  lifeMs?: number | undefined;
  /**
   * 32 hexadecimal digits, or a UUID; default random. Choose one to be able to send again when a `connection-lost`
   * leaves open whether the message was stored: with the same id it is kept, and delivered, once.
   */
  id?: string | undefined;
}

export interface Sent {
  /** 32 hexadecimal digits: receipts name it. */
  id: string;
  /** On the relay's disk. */
  state: 'stored';
}

/** A listener's wrapper adds what became of it. */
const outcomes = new WeakMap<Event, Promise<boolean>[]>();

/**
 * Listening, by a listener of `message` or `receipt` or by an iterator, opens the inbox: what waits at the relay comes
 * in order, one message at a time, then what is sent from then on. It stays open, over reconnections too. Without
 * listening nothing comes, and nothing is lost.
 *
 * A message is acknowledged, and deleted at the relay, when its listeners have returned and the promises they returned
 * are resolved; or when the iterator asks for the next one. Until then the next message waits. A listener that throws
 * or rejects leaves it unacknowledged, with those after it: they come again after the next reconnection, and after 32
 * of them the relay sends no more. So does a loop that is left by `break`, for its last message. Delivery is at least
 * once: what this object has acknowledged it does not give out again, but another process may see it again.
 *
 * Each message goes to all listeners and to one iterator. Receipts come as they arrive and need no acknowledgement of
 * the application, but they share the window: who only listens for receipts hears of none behind 32 messages that
 * nobody takes.
 */
export class Messages extends TypedEventTarget<MessagesEvents> implements AsyncIterable<Message> {
  readonly #access: Access;
  readonly #records: Records;
  readonly #inbox: Inbox;
  readonly #readers = new MessageReaders(() => this.#listen());
  readonly #wrappers = new WeakMap<object, Listener<Message>>();
  #listening = false;

  /** @internal */
  constructor(access: Access, records: Records) {
    super();
    this.#access = access;
    this.#records = records;
    this.#inbox = new Inbox({
      deliver: (mail, settle) => this.#deliver(mail, settle),
      receipt: ({ id, from, receipt }) =>
        this.dispatchEvent(new ReceiptEvent(hexOf(id), peerIdOf(from), receipt)),
      ackDue: () => access.flushSoon(),
    });
  }

  /**
   * Stores a message in the other peer's mailbox; it gets it when it listens. Resolves when it is on the relay's disk;
   * a `receipt` event says later what became of it.
   * @param to a peer id, or a name: whose it is, is looked up and verified.
   * @param data at most 16,384 bytes; text is sent as UTF-8.
   * @throws (as rejections) OptionError; SupernodeError `bad-peer-id`, `bad-name`, `bad-record`, `not-found` when nobody
   *   has the name, `not-open` while reconnecting, `peer-closed`, `connection-lost`; RelayError `refused` when there is no
   *   such mailbox or its owner does not want mail from this peer, `mailbox-full`, `rate-limited`, ...; the signal's reason.
   */
  async send(to: PeerId | string, data: Uint8Array | string, options: SendOptions = {}): Promise<Sent> {
    const { lifeMs, signal } = options;
    const bytes = checkData(data);
    const id = options.id === undefined ? randomId() : parseId(options.id);
    if (lifeMs !== undefined) checkNumber('lifeMs', lifeMs, 1, MAX_MESSAGE_LIFE_MS);
    const key = await this.#records.keyOf(to, signal);
    await this.#access.ask(OP_SEND, { to: key, id, bytes, lifeMs }, { signal });
    return { id: hexOf(id), state: 'stored' };
  }

  /** As EventTarget's, but that a `message` listener may return a promise, and that listening opens the inbox. */
  override addEventListener<K extends keyof MessagesEvents>(
    type: K,
    listener: Listener<MessagesEvents[K]> | null,
    options?: boolean | AddEventListenerOptions,
  ): void {
    if (listener === null) return;
    super.addEventListener(type, this.#seenAs(type, listener), options);
    if (type !== 'error') this.#listen();
  }

  override removeEventListener<K extends keyof MessagesEvents>(
    type: K,
    listener: Listener<MessagesEvents[K]> | null,
    options?: boolean | EventListenerOptions,
  ): void {
    if (listener === null) return;
    super.removeEventListener(type, this.#seenAs(type, listener), options);
  }

  /**
   * The messages, one at a time. Ends when the peer is closed.
   * @throws SupernodeError, from the loop, when the peer was closed by an error or the relay refuses: `no-directory`.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Message> {
    return this.#readers.iterate();
  }

  /** @internal @throws ProtocolError when the relay may not send this. */
  mail(mail: Mail): void {
    this.#inbox.add(mail);
  }

  /** @internal The acknowledgement that is due goes with this turn's bundle. */
  beforeFlush(): void {
    const seq = this.#inbox.takeAck();
    if (seq !== undefined) this.#access.tell(OP_MAIL_ACK, { seq });
  }

  /** @internal There is a new session. */
  reconnected(): void {
    if (this.#listening) this.#open();
  }

  /** @internal */
  disconnected(): void {
    this.#inbox.restart();
  }

  /** @internal */
  closed(error: SupernodeError | undefined): void {
    this.#readers.end(error);
  }

  #listen(): void {
    if (this.#listening) this.#inbox.pump();
    else {
      this.#listening = true;
      if (this.#access.isOpen) this.#open();
    }
  }

  #open(): void {
    const session = this.#access.requireSession();
    const attempt = async (): Promise<void> => {
      await session.requests.ask(OP_INBOX, {});
    };
    persist(attempt, () => this.#access.isClosed).catch((error: SupernodeError) => {
      this.#listening = false;
      this.#readers.end(error);
      this.dispatchEvent(new InboxErrorEvent(error));
    });
  }

  #deliver(mail: Mail & { bytes: Uint8Array }, settle: (outcome: Outcome) => void): void {
    const { id, from, sentMs, bytes } = mail;
    const message = new Message(hexOf(id), peerIdOf(from), new Date(sentMs), bytes);
    const results: Promise<boolean>[] = [];
    outcomes.set(message, results);
    this.dispatchEvent(message);
    if (results.length === 0) {
      this.#offer(message, (read) => settle(read ? 'done' : 'nobody'));
      return;
    }
    void Promise.all(results).then((all) => {
      if (all.includes(false)) settle('failed');
      else this.#offer(message, () => settle('done'));
    });
  }

  #offer(message: Message, settle: (read: boolean) => void): void {
    if (this.#readers.length === 0) settle(false);
    else this.#readers.offer(message, settle);
  }

  /** What EventTarget is given: a listener of messages is wrapped, to learn what became of it. */
  #seenAs<E extends Event>(type: keyof MessagesEvents, listener: Listener<E>): Listener<E> {
    if (type !== 'message') return listener;
    return this.#wrapped(listener as unknown as Listener<Message>) as unknown as Listener<E>;
  }

  /** One wrapper for each listener, so that EventTarget knows it again. */
  #wrapped(listener: Listener<Message>): Listener<Message> {
    const known = this.#wrappers.get(listener);
    if (known !== undefined) return known;
    const wrapper = (event: Message): void => {
      outcomes.get(event)?.push(outcomeOf(listener, event));
    };
    this.#wrappers.set(listener, wrapper);
    return wrapper;
  }
}

/** Whether it succeeded; what it throws is reported, as that of every listener. */
async function outcomeOf(listener: Listener<Message>, event: Message): Promise<boolean> {
  try {
    await (typeof listener === 'function' ? listener(event) : listener.handleEvent(event));
    return true;
  } catch (error) {
    reportError(error);
    return false;
  }
}

function checkData(data: unknown): Uint8Array {
  if (typeof data !== 'string' && !(data instanceof Uint8Array)) {
    throw new OptionError(`data must be a Uint8Array or text, not ${shown(data)}.`);
  }
  // A copy: the request may wait for its turn.
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : new Uint8Array(data);
  if (bytes.length <= MAX_MESSAGE_BYTES) return bytes;
  throw new OptionError(`A message may have at most ${MAX_MESSAGE_BYTES} bytes, not ${bytes.length}.`);
}

function randomId(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(MESSAGE_ID_BYTES));
}

function parseId(id: unknown): Uint8Array {
  const digits = typeof id === 'string' ? id.replaceAll('-', '') : '';
  if (!/^[0-9a-f]{32}$/i.test(digits)) {
    throw new OptionError(`id must be 32 hexadecimal digits, or a UUID, not ${shown(id)}.`);
  }
  return Uint8Array.from(digits.match(/../g)!, (pair) => Number.parseInt(pair, 16));
}
