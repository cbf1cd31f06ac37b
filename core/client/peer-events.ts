/** The events of a peer. */

import type { PresenceState } from '../protocol/directory-ops.ts';
import type { SupernodeError } from '../protocol/errors.ts';
import type { PeerId } from '../protocol/peer-id.ts';
import type { Channel } from './channel.ts';
import type { Presence } from './directory/watches.ts';

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

/** A peer that is watched came, went, or is away or back: only its last state, when several changes came together. */
export class PresenceEvent extends Event implements Presence {
  readonly id: PeerId;
  /** `offline` also when it hides from this peer. */
  readonly state: PresenceState;
  /** When it was last here; only when offline, and only if this peer may know. */
  readonly lastSeen: Date | undefined;
  constructor({ id, state, lastSeen }: Presence) {
    super('presence');
    this.id = id;
    this.state = state;
    this.lastSeen = lastSeen;
  }
}

export interface PeerEvents {
  channel: ChannelEvent;
  disconnected: DisconnectedEvent;
  reconnected: ReconnectedEvent;
  moving: MovingEvent;
  closed: ClosedEvent;
  presence: PresenceEvent;
}
