/** A channel that another peer asks for, and that is not answered yet. */
import { PRIORITIES, type Priority } from '../protocol/ops.ts';
import type { PeerId } from '../protocol/peer-id.ts';
import type { ChannelKind } from './channel-core.ts';

export interface Offer {
  /** Who asks. The relay has checked it. */
  readonly from: PeerId;
  readonly reliable: boolean;
  readonly priority: Priority;
  /** Milliseconds; null when reliable. */
  readonly maxPacketLifeTime: number | null;
  /** What the opener says the channel is for; '' when it says nothing. Its own words: not checked by anybody. */
  readonly protocol: string;
  /** Aborted when the offer ends before it was answered: the opener gave up, or it took too long. */
  readonly signal: AbortSignal;
}

export function offerOf(kind: ChannelKind, signal: AbortSignal): Offer {
  return {
    from: kind.peer,
    reliable: kind.reliable,
    priority: PRIORITIES[kind.priority]!,
    maxPacketLifeTime: kind.reliable ? null : kind.lifeMs,
    protocol: kind.protocol,
    signal,
  };
}
