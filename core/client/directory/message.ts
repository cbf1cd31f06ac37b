/** What comes to a peer's mailbox, as an application sees it. */
import type { SupernodeError } from '../../protocol/errors.ts';
import type { PeerId } from '../../protocol/peer-id.ts';

/** A message of another peer, which may have waited while this one was away: the event, and what the iterator yields. */
export class Message extends Event {
  /** Chosen by the sender: 32 hexadecimal digits. */
  readonly id: string;
  /** The sender. The relay has checked it. */
  readonly from: PeerId;
  /** When the relay got it, by its clock. */
  readonly sentAt: Date;
  /** At most 16,384 bytes: the application's to keep and to change. */
  readonly data: Uint8Array;
  constructor(id: string, from: PeerId, sentAt: Date, data: Uint8Array) {
    super('message');
    this.id = id;
    this.from = from;
    this.sentAt = sentAt;
    this.data = data;
  }

  /** The data as UTF-8 text; what is no UTF-8 shows as U+FFFD. */
  text(): string {
    return new TextDecoder().decode(this.data);
  }
}

/** What became of a message that this peer sent. */
export class ReceiptEvent extends Event {
  /** The message's id: 32 hexadecimal digits. */
  readonly id: string;
  /** Whom it was sent to. */
  readonly to: PeerId;
  /** `delivered`: the receiver has acknowledged it. `expired`: it waited longer than its life, and was deleted. */
  readonly state: 'delivered' | 'expired';
  constructor(id: string, to: PeerId, state: 'delivered' | 'expired') {
    super('receipt');
    this.id = id;
    this.to = to;
    this.state = state;
  }
}

/** The relay does not open the inbox, for a reason that does not pass; iterators throw the same error. */
export class InboxErrorEvent extends Event {
  readonly error: SupernodeError;
  constructor(error: SupernodeError) {
    super('error');
    this.error = error;
  }
}

export interface MessagesEvents {
  message: Message;
  receipt: ReceiptEvent;
  error: InboxErrorEvent;
}
