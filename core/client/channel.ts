/** A channel as an application sees it: the shape of RTCDataChannel, an async iterable, and a Node duplex. */
import type { Duplex } from 'node:stream';
import { type CloseReason, OptionError } from '../protocol/errors.ts';
import { PRIORITIES, type Priority } from '../protocol/ops.ts';
import type { PeerId } from '../protocol/peer-id.ts';
import { type ChannelCore, channelError } from './channel-core.ts';
import {
  ChannelCloseEvent,
  ChannelErrorEvent,
  type ChannelEvents,
  ChannelMessageEvent,
  type Congestion,
  CongestionEvent,
  type Listener,
  TypedEventTarget,
} from './events.ts';
import { messagesOf } from './message-iterator.ts';
import { callHandler } from './report-error.ts';

const encoder = new TextEncoder();

/**
 * One of the two ends of a channel. Made by `peer.open` or for an offer that was accepted, never by `new`.
 *
 * Messages arrive in order, whole, as `Uint8Array`. They are read in one way at a time: `onmessage` (or a `message`
 * listener), the async iterator, or `toDuplex()`. Until there is a reader they wait: on a reliable channel the sender
 * is held back, on a realtime one the oldest are dropped and counted in `dropped`.
 */
export class Channel extends TypedEventTarget<ChannelEvents> implements AsyncIterable<Uint8Array> {
  /** Messages arrive as Uint8Array, however they were sent; text is sent as UTF-8. */
  readonly binaryType = 'arraybuffer';
  /** Frames arrive in order; a realtime channel may lose some in between. */
  readonly ordered = true;
  /** `bufferedamountlow` is dispatched when bufferedAmount falls to this. Bytes; default 0. */
  bufferedAmountLowThreshold = 0;
  /** The other end has ended its direction, and everything before that was read. */
  onend: ((event: Event) => void) | null = null;
  /** bufferedAmount fell to bufferedAmountLowThreshold. */
  onbufferedamountlow: ((event: Event) => void) | null = null;
  /**
   * The relay drops frames that this end sends, or has stopped doing so (`over`): an application that sends video sends less, or
   * none. Realtime channels only.
   */
  oncongestion: ((event: CongestionEvent) => void) | null = null;
  /** The channel was lost: it ended for another reason than `closed`. `onclose` follows. */
  onerror: ((event: ChannelErrorEvent) => void) | null = null;
  /** The channel has ended. */
  onclose: ((event: ChannelCloseEvent) => void) | null = null;
  readonly #core: ChannelCore;
  #onmessage: ((event: { readonly data: Uint8Array }) => void) | null = null;
  #hasListeners = false;
  #wasAboveThreshold = false;

  /** @internal */
  constructor(core: ChannelCore) {
    super();
    this.#core = core;
    core.face = {
      message: (payload) => this.#message(payload),
      end: () => this.#emit(this.onend, new Event('end')),
      progress: () => this.#progress(),
      closed: (reason) => this.#closed(reason),
      congested: (congestion) => this.#congested(congestion),
    };
  }

  /** The relay's number for this end of the channel: the two ends have different ones. */
  get label(): number {
    return this.#core.label;
  }

  /** The peer at the other end. */
  get peer(): PeerId {
    return this.#core.kind.peer;
  }

  /** True: nothing is lost while the channel lasts. False: realtime, under pressure the oldest frames are dropped. */
  get reliable(): boolean {
    return this.#core.kind.reliable;
  }

  /** The class in which the relay queues this channel's frames. */
  get priority(): Priority {
    return PRIORITIES[this.#core.kind.priority]!;
  }

  /** How long a frame may wait before it is dropped, in milliseconds; null on a reliable channel. */
  get maxPacketLifeTime(): number | null {
    return this.reliable ? null : this.#core.kind.lifeMs;
  }

  /** What the opener named the channel's content; '' when it named nothing. */
  get protocol(): string {
    return this.#core.kind.protocol;
  }

  /** `closing`: close() was called, and what was sent before is on its way. */
  get readyState(): 'open' | 'closing' | 'closed' {
    return this.#core.state;
  }

  /** Payload bytes that wait at this end, for credit of the receiver or for the connection. */
  get bufferedAmount(): number {
    return this.#core.sending.bufferedBytes;
  }

  /** Realtime frames dropped at this end, because the connection (sent) or the application (received) was too slow. */
  get dropped(): number {
    return this.#core.sending.dropped + this.#core.receiving.dropped;
  }

  /** Resolves with the reason once the channel has ended; never rejects. */
  get closed(): Promise<CloseReason> {
    return this.#core.closed;
  }

  /**
   * Called with each message as it arrives. It counts as consumed when the handler returns. What it throws is thrown
   * again from a microtask (`uncaughtException`, `window.onerror`); the channel goes on.
   */
  get onmessage(): ((event: { readonly data: Uint8Array }) => void) | null {
    return this.#onmessage;
  }

  /** @throws OptionError when an iterator or a duplex reads the channel. */
  set onmessage(handler: ((event: { readonly data: Uint8Array }) => void) | null) {
    if (handler !== null) this.#core.startPush();
    else if (!this.#hasListeners) this.#core.stopPush();
    this.#onmessage = handler;
  }

  /** As EventTarget's. The first `message` listener makes messages arrive as events from then on. */
  override addEventListener<K extends keyof ChannelEvents>(
    type: K,
    listener: Listener<ChannelEvents[K]> | null,
    options?: boolean | AddEventListenerOptions,
  ): void {
    if (type === 'message' && listener !== null) {
      this.#core.startPush();
      this.#hasListeners = true;
    }
    super.addEventListener(type, listener, options);
  }

  /**
   * Sends one message of at most 65,526 bytes; text goes as UTF-8. The bytes may be changed after the call.
   * @throws SupernodeError `not-open` after close(), end() or the channel's end; `frame-too-large`; `buffer-full` when
   *   16 MiB wait on a reliable channel. OptionError when `data` is none of the types.
   */
  send(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#core.send(bytesOf(data), typeof data === 'string');
    if (this.bufferedAmount > this.bufferedAmountLowThreshold) this.#wasAboveThreshold = true;
  }

  /**
   * Ends this direction; the other goes on. Resolves, on a reliable channel, when the other application has consumed
   * every message and has come to the end; on a realtime one when the end has been sent.
   * @throws ChannelError (as a rejection) when the channel ended first.
   */
  end(): Promise<void> {
    return this.#core.end();
  }

  /**
   * Resolves when bufferedAmount is at most bufferedAmountLowThreshold: await it to send no faster than it is taken.
   * @throws ChannelError (as a rejection) when the channel ends first.
   */
  drained(): Promise<void> {
    return this.#core.until(() => this.bufferedAmount <= this.bufferedAmountLowThreshold);
  }

  /**
   * Closes both directions: sends what send() accepted, drops what arrived unread and what is under way from the
   * other end. To lose nothing, `end()` first and let the other end close. Does nothing when closing or closed.
   */
  close(): void {
    this.#core.close();
  }

  /**
   * The messages, to the other end's end() or an orderly close. A message counts as consumed when the next is asked
   * for. Leaving the loop early leaves the channel open and the rest of the messages unread.
   * @throws OptionError when the channel is being read already; ChannelError, from the loop, when a reliable channel
   *   was lost before its end.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array> {
    return messagesOf(this.#core);
  }

  /**
   * The channel as a byte stream (Node only). Writes are cut into messages, and wait when the receiver does; its
   * `finish` means that the other application has consumed everything. `end` is the other end's end(). It is destroyed
   * with a ChannelError when the channel ends before that, and without one when this end closed it. Destroying it
   * closes the channel; for-await destroys a duplex at its end, so end() it before.
   * @throws SupernodeError in a browser; OptionError when the channel is being read already.
   */
  toDuplex(): Duplex {
    return this.#core.session.toDuplex(this.#core);
  }

  #message(payload: Uint8Array): void {
    if (!this.#hasListeners) {
      callHandler(this.#onmessage, { data: payload });
      return;
    }
    this.#emit(this.#onmessage, new ChannelMessageEvent(payload));
  }

  #progress(): void {
    if (!this.#wasAboveThreshold || this.bufferedAmount > this.bufferedAmountLowThreshold) return;
    this.#wasAboveThreshold = false;
    this.#emit(this.onbufferedamountlow, new Event('bufferedamountlow'));
  }

  #congested(congestion: Omit<Congestion, 'priority'>): void {
    const event = new CongestionEvent({ ...congestion, priority: this.priority });
    this.#emit(this.oncongestion, event);
  }

  #closed(reason: CloseReason): void {
    if (reason !== 'closed') {
      this.#emit(this.onerror, new ChannelErrorEvent(channelError(reason, 'unexpectedly')));
    }
    this.#emit(this.onclose, new ChannelCloseEvent(reason));
  }

  #emit<E extends Event>(handler: ((event: E) => void) | null, event: E): void {
    callHandler(handler, event);
    this.dispatchEvent(event);
  }
}

function bytesOf(data: unknown): Uint8Array {
  if (typeof data === 'string') return encoder.encode(data);
  if (data instanceof Uint8Array) return data;
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  throw new OptionError(`A message must be text, an ArrayBuffer or a view of one, not ${typeof data}.`);
}
