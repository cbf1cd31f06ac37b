/** EventTarget with typed events, and the events that peers and channels dispatch. */
import type { CloseReason, SupernodeError } from '../protocol/errors.ts';
import type { Channel } from './channel.ts';

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

/** Another peer has opened a channel to this one. */
export class ChannelEvent extends Event {
  readonly channel: Channel;
  constructor(channel: Channel) {
    super('channel');
    this.channel = channel;
  }
}

/** The connection to the relay was lost; the peer tries to come back, unless `closed` follows. */
export class DisconnectedEvent extends Event {
  readonly error: SupernodeError;
  constructor(error: SupernodeError) {
    super('disconnected');
    this.error = error;
  }
}

/** The peer is logged in again. Its channels of before are gone. */
export class ReconnectedEvent extends Event {
  /** True when a ticket was enough, false when the relay asked for a signature. */
  readonly resumed: boolean;
  constructor(resumed: boolean) {
    super('reconnected');
    this.resumed = resumed;
  }
}

/** The relay is about to go. The peer comes back by itself, to a successor if the relay named one. */
export class MovingEvent extends Event {
  /** When the relay closes the connection, in milliseconds from now. */
  readonly leaveInMs: number;
  /** URLs of other relays to go to; empty: the same one. */
  readonly successors: readonly string[];
  constructor(leaveInMs: number, successors: readonly string[]) {
    super('moving');
    this.leaveInMs = leaveInMs;
    this.successors = successors;
  }
}

/** The peer is closed for good. */
export class ClosedEvent extends Event {
  /** Why, unless the application closed it. */
  readonly error: SupernodeError | undefined;
  constructor(error: SupernodeError | undefined) {
    super('closed');
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

export interface PeerEvents {
  channel: ChannelEvent;
  disconnected: DisconnectedEvent;
  reconnected: ReconnectedEvent;
  moving: MovingEvent;
  closed: ClosedEvent;
}
