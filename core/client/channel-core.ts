/**
 * A channel's state and its two halves, without the face that applications see (channel.ts). PACKET PATH: `receive`.
 *
 *   open --close()--> closing --queue empty: `close` frame--> (waits) --`closed` frame--> closed
 *     '------------------------ `closed` frame, or the connection is lost ---------------------^
 *
 * Messages go to one reader. A push reader (onmessage) gets them as they arrive; a pull reader (iterator, duplex)
 * takes them; with neither they wait, bounded by the credit (reliable) or by dropping the oldest (realtime).
 */
import type { Duplex } from 'node:stream';
import { encodeControl } from '../protocol/control.ts';
import { ChannelError, type CloseReason, OptionError, SupernodeError } from '../protocol/errors.ts';
import { dataFrameBytes, isEndOp } from '../protocol/frame.ts';
import { MAX_PAYLOAD_BYTES } from '../protocol/limits.ts';
import { OP_CLOSE, OP_CREDIT } from '../protocol/ops.ts';
import type { PeerId } from '../protocol/peer-id.ts';
import type { Congestion } from './events.ts';
import { ReceiveHalf } from './receive-half.ts';
import { type DataSink, SendHalf } from './send-half.ts';

const END_FRAME_BYTES = dataFrameBytes(0);

export interface ChannelKind {
  /** The other end. */
  peer: PeerId;
  reliable: boolean;
  /** Class, 0..4. */
  priority: number;
  /** Milliseconds; 0 when reliable. */
  lifeMs: number;
  protocol: string;
}

/** What a channel needs of its session. */
export interface ChannelSession {
  readonly sink: DataSink;
  /** The channel as a Node stream. @throws SupernodeError where there are none. */
  toDuplex(core: ChannelCore): Duplex;
  sendControl(frame: Uint8Array): void;
  /** Asks for a call of `grant` before this turn's bundle is sent. */
  grantSoon(core: ChannelCore): void;
}

/** What the face hears. None of these may throw. */
export interface ChannelFace {
  message(payload: Uint8Array): void;
  end(): void;
  /** bufferedAmount fell. */
  progress(): void;
  closed(reason: CloseReason): void;
  congested(congestion: Omit<Congestion, 'priority'>): void;
}

/** A reader that takes messages itself; `ready` says that there may be one, or the end, or the close. */
export interface PullReader {
  ready(): void;
}

export class ChannelCore {
  readonly label: number;
  readonly kind: ChannelKind;
  readonly session: ChannelSession;
  readonly sending: SendHalf;
  readonly receiving: ReceiveHalf;
  readonly closed: Promise<CloseReason>;
  face: ChannelFace | undefined;
  /** Called when some of what waited to be sent has moved, or cannot any more. */
  onSendProgress: (() => void) | undefined;
  state: 'open' | 'closing' | 'closed' = 'open';
  /** Set once closed. */
  reason: CloseReason | undefined;
  /** The reader has had END. */
  endRead = false;
  /** The channel, or the whole peer, was closed at this end: no reader expects more. */
  closedHere = false;
  /** Owned by the session: `grant` will be called this turn. */
  grantQueued = false;
  #resolveClosed!: (reason: CloseReason) => void;
  #closeSent = false;
  #push = false;
  #pull: PullReader | undefined;
  #progressWaiters: (() => void)[] = [];

  constructor(
    session: ChannelSession,
    label: number,
    kind: ChannelKind,
    credit: { received: number; granted: number },
  ) {
    this.session = session;
    this.label = label;
    this.kind = kind;
    this.sending = new SendHalf({
      sink: session.sink,
      label,
      reliable: kind.reliable,
      priority: kind.priority,
      lifeMs: kind.lifeMs,
      creditBytes: credit.received,
      onprogress: () => this.#progress(),
    });
    this.receiving = new ReceiveHalf(kind.reliable, credit.granted);
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  // --- Sending ----------------------------------------------------------------------------------------------------

  /** @throws SupernodeError `not-open`, `frame-too-large` or `buffer-full`. */
  send(payload: Uint8Array, owned: boolean): void {
    if (this.state !== 'open') throw new SupernodeError('not-open', `The channel is ${this.state}.`);
    if (this.sending.ending) throw new SupernodeError('not-open', 'The channel cannot send after end().');
    if (payload.length > MAX_PAYLOAD_BYTES) {
      throw new SupernodeError(
        'frame-too-large',
        `A message may have at most ${MAX_PAYLOAD_BYTES} bytes, not ${payload.length}.`,
      );
    }
    if (!this.sending.fits(payload.length)) {
      throw new SupernodeError(
        'buffer-full',
        `${this.sending.bufferedBytes} bytes wait to be sent; await drained() before sending more.`,
      );
    }
    this.sending.send(payload, owned);
  }

  /** Ends this direction. Resolves when `sending.finished`, rejects when the channel ends first. */
  end(): Promise<void> {
    if (!this.sending.ending && this.state === 'open') this.sending.end();
    return this.until(() => this.sending.finished);
  }

  /**
   * Resolves once `met` holds, looking again whenever the sending half moves; rejects with ChannelError when the
   * channel ends first. A caller that does not care need not handle the rejection.
   */
  until(met: () => boolean): Promise<void> {
    const result = new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (met()) resolve();
        else if (this.reason !== undefined)
          reject(channelError(this.reason, 'before all was sent and taken'));
        else this.#progressWaiters.push(look);
      };
      look();
    });
    result.catch(() => {});
    return result;
  }

  creditReceived(bytes: number, initial: boolean): void {
    if (this.state !== 'closed') this.sending.credit(bytes, initial);
  }

  /** What becomes of this end's frames at the relay. */
  congested(congestion: Omit<Congestion, 'priority'>): void {
    if (this.state !== 'closed') this.face?.congested(congestion);
  }

  #progress(): void {
    if (this.state === 'closing') this.#sendCloseWhenIdle();
    if (this.#progressWaiters.length > 0) this.#wakeWaiters();
    this.onSendProgress?.();
    this.face?.progress();
  }

  #wakeWaiters(): void {
    const waiters = this.#progressWaiters;
    this.#progressWaiters = [];
    for (const look of waiters) look();
  }

  // --- Closing ----------------------------------------------------------------------------------------------------

  /** Closes once what send() accepted has left; what arrives from now on is discarded. */
  close(): void {
    if (this.state !== 'open') return;
    this.state = 'closing';
    this.closedHere = true;
    // Credit for what is thrown away lets the other end's queue move too, should it be closing as well; but not for
    // END, so its end() does not take what nobody read for read.
    this.receiving.discard();
    this.session.grantSoon(this);
    this.#sendCloseWhenIdle();
    this.#pull?.ready();
  }

  /** Closes at once: what waits to be sent is dropped. */
  abort(): void {
    if (this.state === 'closed') return;
    this.sending.stop();
    if (this.state === 'closing') this.#sendCloseWhenIdle();
    else this.close();
  }

  /** The channel has ended: the relay said so, or the connection is gone. */
  ended(reason: CloseReason): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    this.reason = reason;
    this.sending.stop();
    this.#resolveClosed(reason);
    this.#wakeWaiters();
    this.face?.closed(reason);
    this.#pull?.ready();
  }

  #sendCloseWhenIdle(): void {
    if (this.#closeSent || !this.sending.idle) return;
    this.grant();
    this.#closeSent = true;
    this.session.sendControl(encodeControl(OP_CLOSE, 0, { label: this.label }));
  }

  // --- Receiving --------------------------------------------------------------------------------------------------

  /** A data frame of the relay's. @throws RangeError when it is beyond the credit. */
  receive(op: number, payload: Uint8Array, frameBytes: number): void {
    if (this.state === 'closed') return;
    const isEnd = isEndOp(op);
    if (!this.receiving.admit(isEnd, frameBytes)) return;
    if (this.state === 'closing') {
      if (!isEnd) this.consumed(frameBytes, false);
    } else if (this.#push && this.receiving.length === 0) {
      this.#deliver(isEnd ? null : payload, frameBytes);
    } else {
      this.receiving.keep({ payload: isEnd ? null : payload, frameBytes });
      if (this.#pull !== undefined) this.#pull.ready();
    }
  }

  /** The application is done with a frame: it may earn the other end credit. */
  consumed(frameBytes: number, isEnd: boolean): void {
    if (this.receiving.consumed(frameBytes, isEnd)) this.session.grantSoon(this);
  }

  /** The reader has come to END, and is done with all before it. */
  readEnd(): void {
    this.endRead = true;
    this.consumed(END_FRAME_BYTES, true);
    this.face?.end();
  }

  /** Adds the credit that is due to this turn's bundle. */
  grant(): void {
    if (this.state === 'closed' || this.#closeSent) return;
    const bytes = this.receiving.takeGrant();
    if (bytes > 0) this.session.sendControl(encodeControl(OP_CREDIT, 0, { label: this.label, bytes }));
  }

  /** From now on messages go to the face as they arrive; what waits goes in a microtask. */
  startPush(): void {
    if (this.#push) return;
    this.#refuseSecondReader();
    this.#push = true;
    queueMicrotask(() => this.#deliverWaiting());
  }

  /** Messages wait again. */
  stopPush(): void {
    this.#push = false;
  }

  /** @throws OptionError when another reader has the messages. */
  startPull(reader: PullReader): void {
    this.#refuseSecondReader();
    this.#pull = reader;
  }

  stopPull(reader: PullReader): void {
    if (this.#pull === reader) this.#pull = undefined;
  }

  #refuseSecondReader(): void {
    if (!this.#push && this.#pull === undefined) return;
    throw new OptionError('A channel is read in one way at a time: onmessage, an iterator or a duplex.');
  }

  #deliverWaiting(): void {
    // A handler that takes onmessage away in the middle stops the delivery.
    while (this.#push && this.receiving.length > 0) {
      const frame = this.receiving.take()!;
      this.#deliver(frame.payload, frame.frameBytes);
    }
  }

  #deliver(payload: Uint8Array | null, frameBytes: number): void {
    if (payload === null) {
      this.readEnd();
    } else {
      this.face?.message(payload);
      this.consumed(frameBytes, false);
    }
  }
}

export function channelError(reason: CloseReason, when: string): ChannelError {
  return new ChannelError(reason, `The channel ended (${reason}) ${when}.`);
}
