/** EventTarget with typed events, and the events of a channel. */
import type { CloseReason, SupernodeError } from '../protocol/errors.ts';

export type Listener<E extends Event> = ((event: E) => void) | { handleEvent(event: E): void };

/** The face of an EventTarget whose events are known: `M` maps their names to their types. */
export interface TypedEventTarget<M extends { [K in keyof M]: Event }> {
  addEventListener<K extends keyof M>(
    type: K,
    listener: Listener<M[K]> | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<K extends keyof M>(
    type: K,
    listener: Listener<M[K]> | null,
    options?: boolean | EventListenerOptions,
  ): void;
  dispatchEvent(event: Event): boolean;
}

/** The global EventTarget as a base class of typed events. */
export const TypedEventTarget = EventTarget as unknown as new <
  M extends { [K in keyof M]: Event },
>() => TypedEventTarget<M>;

/** A message of a channel. */
export class ChannelMessageEvent extends Event {
  /** The payload, 0..65,526 bytes: the application's to keep and to change. Its `buffer` may hold more than it. */
  readonly data: Uint8Array;
  constructor(data: Uint8Array) {
    super('message');
    this.data = data;
  }
}

/** A channel has ended. */
export class ChannelCloseEvent extends Event {
  readonly reason: CloseReason;
  constructor(reason: CloseReason) {
    super('close');
    this.reason = reason;
  }
}

/** A channel has ended for another reason than a close by either end; `close` follows. */
export class ChannelErrorEvent extends Event {
  readonly error: SupernodeError;
  constructor(error: SupernodeError) {
    super('error');
    this.error = error;
  }
}

export interface ChannelEvents {
  message: ChannelMessageEvent;
  end: Event;
  bufferedamountlow: Event;
  error: ChannelErrorEvent;
  close: ChannelCloseEvent;
}
