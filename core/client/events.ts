/** EventTarget with typed events, and the events of a channel. */
import type { CloseReason, CongestionCause, SupernodeError } from '../protocol/errors.ts';
import type { Priority } from '../protocol/ops.ts';

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

/** What the relay says of a realtime channel whose frames it has to drop, to the end that sends them. */
export interface Congestion {
  /**
   * `receiver`: the other end does not keep up; `relay`: the relay itself does not; `budget`: this peer, or its tenant, sends
   * more than it may.
   */
  readonly cause: CongestionCause;
  /** The class of the channel. */
  readonly priority: Priority;
  /** What gets through on this channel now, frame headers included; 0: nothing. */
  readonly bytesPerSec: number;
  /** Frames of this channel that the relay has dropped since it last said so. */
  readonly dropped: number;
  /** True: it has ended, nothing was dropped for a second. */
  readonly over: boolean;
}

/** At most four a second for each channel, from the first dropped frame to `over`. */
export class CongestionEvent extends Event implements Congestion {
  readonly cause: CongestionCause;
  readonly priority: Priority;
  readonly bytesPerSec: number;
  readonly dropped: number;
  readonly over: boolean;
  constructor({ cause, priority, bytesPerSec, dropped, over }: Congestion) {
    super('congestion');
    this.cause = cause;
    this.priority = priority;
    this.bytesPerSec = bytesPerSec;
    this.dropped = dropped;
    this.over = over;
  }
}

export interface ChannelEvents {
  congestion: CongestionEvent;
  message: ChannelMessageEvent;
  end: Event;
  bufferedamountlow: Event;
  error: ChannelErrorEvent;
  close: ChannelCloseEvent;
}
