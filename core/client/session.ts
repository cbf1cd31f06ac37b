/**
 * The channels of one logged-in connection: those that are open, those that this peer asked for, and those that it
 * was offered; and its requests to the directory. Labels and request ids mean nothing beyond the connection, so a
 * session ends with it.
 */
import { type Body, type Control, encodeControl } from '../protocol/control.ts';
import { type CloseReason, ProtocolError, SupernodeError } from '../protocol/errors.ts';
import * as op from '../protocol/ops.ts';
import { peerIdOf } from '../protocol/peer-id.ts';
import { Channel } from './channel.ts';
import { ChannelCore, type ChannelKind, type ChannelSession, channelError } from './channel-core.ts';
import { Requests } from './directory/requests.ts';
import { type Offer, offerOf } from './offer.ts';
import type { Outbox } from './outbox.ts';
import { type PendingOpen, pendingOpen } from './pending-open.ts';
import type { Platform } from './platform.ts';
import { relayErrorOf } from './relay-error.ts';
import { reportError } from './report-error.ts';
import { Windows } from './windows.ts';

/** What a session asks its peer. */
export interface SessionOwner {
  /** Whether to accept an offer. May throw: then it is rejected. */
  decide(offer: Offer): boolean | Promise<boolean>;
  /** A channel that was offered is open. Must not throw. */
  arrived(channel: Channel): void;
  /** Peers that are watched have changed. Must not throw. */
  presence(changes: Body<typeof op.OP_PRESENCE>): void;
  /** A message, or a receipt. @throws ProtocolError when the relay sends more than it may. */
  mail(mail: Body<typeof op.OP_MAIL>): void;
  /** Before each turn's bundle is sent. */
  beforeFlush(): void;
}

interface PendingOffer {
  abort: AbortController;
}

const MAX_REQUEST_ID = 0xffff_ffff;

export class Session implements ChannelSession {
  readonly sink: Outbox;
  readonly toDuplex: Platform['toDuplex'];
  readonly requests: Requests;
  readonly #owner: SessionOwner;
  readonly #windows: Windows;
  readonly #channels = new Map<number, ChannelCore>();
  readonly #opens = new Map<number, PendingOpen>();
  readonly #offers = new Map<number, PendingOffer>();
  #toGrant: ChannelCore[] = [];
  #lastRequestId = 0;
  #ended = false;

  constructor(
    outbox: Outbox,
    platform: Platform,
    owner: SessionOwner,
    limits: { channelCreditBytes: number; sessionCreditBytes: number },
  ) {
    this.sink = outbox;
    this.toDuplex = platform.toDuplex;
    this.#owner = owner;
    this.#windows = new Windows(limits);
    this.requests = new Requests({
      nextRequestId: () => this.#nextRequestId(),
      sendControl: (frame) => this.sendControl(frame),
    });
  }

  /** Asks the relay for a channel. The options were checked. Rejects with ChannelError, RelayError or the abort's reason. */
  open(toKey: Uint8Array, kind: ChannelKind, signal: AbortSignal | undefined): Promise<Channel> {
    return new Promise((resolve, reject) => {
      const requestId = this.#nextRequestId();
      const windowBytes = this.#takeWindow(kind);
      if (windowBytes === undefined) {
        reject(
          new SupernodeError(
            'credit-limit',
            'All credit that the relay allows this peer is in use; close channels.',
          ),
        );
        return;
      }
      this.#opens.set(requestId, pendingOpen(kind, windowBytes, signal, { resolve, reject }));
      const { reliable, priority, lifeMs, protocol } = kind;
      const body = { to: toKey, reliable, priority, lifeMs, credit: windowBytes, protocol };
      this.sendControl(encodeControl(op.OP_OPEN, requestId, body));
    });
  }

  /** The channels that have not ended. */
  get channels(): Iterable<ChannelCore> {
    return this.#channels.values();
  }

  /** Ends every channel, open and offer: the connection is gone, and with it what they were waiting for. */
  end(reason: CloseReason): void {
    if (this.#ended) return;
    this.#ended = true;
    this.requests.end(requestLost(reason));
    for (const [, pending] of this.#opens) pending.reject(channelError(reason, 'before it was open'));
    for (const [, pending] of this.#offers)
      pending.abort.abort(channelError(reason, 'before it was answered'));
    for (const [, core] of this.#channels) {
      core.closedHere ||= reason === 'closed';
      core.ended(reason);
    }
    this.#opens.clear();
    this.#offers.clear();
    this.#channels.clear();
    this.#toGrant = [];
  }

  // --- For channels ---------------------------------------------------------------------------------------------------

  sendControl(frame: Uint8Array): void {
    this.sink.addControl(frame);
  }

  grantSoon(core: ChannelCore): void {
    if (this.#ended || core.grantQueued) return;
    core.grantQueued = true;
    this.#toGrant.push(core);
    this.sink.flushSoon();
  }

  beforeFlush(): void {
    this.#owner.beforeFlush();
    if (this.#toGrant.length === 0) return;
    const due = this.#toGrant;
    this.#toGrant = [];
    for (const core of due) {
      core.grantQueued = false;
      core.grant();
    }
  }

  // --- From the relay -------------------------------------------------------------------------------------------------

  /** PACKET PATH. A label that is not in use is not an error: a channel may have ended with frames under way. */
  data(code: number, label: number, payload: Uint8Array, frameBytes: number): void {
    const core = this.#channels.get(label);
    if (core === undefined) return;
    try {
      core.receive(code, payload, frameBytes);
    } catch (error) {
      if (error instanceof RangeError)
        throw new ProtocolError('bad-frame', `A channel was sent ${error.message}`);
      throw error;
    }
  }

  /** @throws ProtocolError when the frame has no place here. */
  control(frame: Control): void {
    switch (frame.op) {
      case op.OP_OPENED:
        this.#opened(frame.requestId, frame.body);
        break;
      case op.OP_OFFER:
        this.#offered(frame.body);
        break;
      case op.OP_CREDIT:
        this.#channels.get(frame.body.label)?.creditReceived(frame.body.bytes, frame.body.initial === true);
        break;
      case op.OP_CONGESTION:
        this.#channels.get(frame.body.label)?.congested(frame.body);
        break;
      case op.OP_CLOSED:
        this.#closed(frame.requestId, frame.body);
        break;
      case op.OP_ERROR:
        this.#failed(frame.requestId, relayErrorOf(frame.body));
        break;
      case op.OP_PRESENCE:
        if (frame.requestId === 0) this.#owner.presence(frame.body);
        else this.requests.answer(frame);
        break;
      case op.OP_MAIL:
        this.#owner.mail(frame.body);
        break;
      case op.OP_FOUND:
      case op.OP_RESULTS:
      case op.OP_STORED:
      case op.OP_VAULT:
      case op.OP_POLICY:
      case op.OP_RECEIPT:
        this.requests.answer(frame);
        break;
      default:
        throw new ProtocolError(
          'bad-control',
          `Op 0x${frame.op.toString(16)} is not for a client that is logged in.`,
        );
    }
  }

  #opened(requestId: number, { label, credit }: Body<typeof op.OP_OPENED>): void {
    const pending = this.#takeOpen(requestId);
    if (pending === undefined)
      throw new ProtocolError('bad-control', `There is no open ${requestId} to answer.`);
    const core = this.#add(label, pending.kind, { received: credit, granted: pending.windowBytes });
    const channel = new Channel(core);
    if (pending.abandoned) core.abort();
    else pending.resolve(channel);
  }

  #closed(requestId: number, { label, reason }: Body<typeof op.OP_CLOSED>): void {
    if (label === 0) {
      this.#openFailed(requestId, channelError(reason, 'before it was open'));
      return;
    }
    const offer = this.#offers.get(label);
    if (offer !== undefined) {
      this.#offers.delete(label);
      offer.abort.abort(channelError(reason, 'before it was answered'));
      return;
    }
    const core = this.#channels.get(label);
    if (core === undefined) return;
    this.#channels.delete(label);
    this.#windows.release(core.receiving.windowBytes);
    core.ended(reason);
  }

  #failed(requestId: number, error: SupernodeError): void {
    if (!this.requests.fail(requestId, error)) this.#openFailed(requestId, error);
  }

  #openFailed(requestId: number, error: SupernodeError): void {
    const pending = this.#takeOpen(requestId);
    if (pending === undefined) return;
    this.#windows.release(pending.windowBytes);
    pending.reject(error);
  }

  #takeOpen(requestId: number): PendingOpen | undefined {
    const pending = this.#opens.get(requestId);
    this.#opens.delete(requestId);
    return pending;
  }

  #offered(body: Body<typeof op.OP_OFFER>): void {
    const { label, from, reliable, priority, lifeMs, credit, protocol } = body;
    if (this.#offers.has(label)) throw new ProtocolError('bad-control', `Label ${label} is offered already.`);
    const kind: ChannelKind = { peer: peerIdOf(from), reliable, priority, lifeMs, protocol };
    const pending: PendingOffer = { abort: new AbortController() };
    this.#offers.set(label, pending);
    const answer = (accept: boolean): void => {
      if (this.#offers.get(label) !== pending) return;
      this.#offers.delete(label);
      if (accept) this.#accept(label, kind, credit);
      else this.sendControl(encodeControl(op.OP_REJECT, 0, { label }));
    };
    const refuse = (error: unknown): void => {
      reportError(error);
      answer(false);
    };
    try {
      const decision = this.#owner.decide(offerOf(kind, pending.abort.signal));
      if (typeof decision === 'boolean') answer(decision);
      else Promise.resolve(decision).then((accept) => answer(accept === true), refuse);
    } catch (error) {
      refuse(error);
    }
  }

  #accept(label: number, kind: ChannelKind, credit: number): void {
    const windowBytes = this.#takeWindow(kind);
    if (windowBytes === undefined) {
      this.sendControl(encodeControl(op.OP_REJECT, 0, { label }));
      return;
    }
    this.sendControl(encodeControl(op.OP_ACCEPT, 0, { label, credit: windowBytes }));
    this.#owner.arrived(new Channel(this.#add(label, kind, { received: credit, granted: windowBytes })));
  }

  #add(label: number, kind: ChannelKind, credit: { received: number; granted: number }): ChannelCore {
    if (label === 0 || this.#channels.has(label)) {
      throw new ProtocolError('bad-control', `Label ${label} is not free.`);
    }
    const core = new ChannelCore(this, label, kind, credit);
    this.#channels.set(label, core);
    return core;
  }

  /** undefined: there is no credit left for one more. */
  #takeWindow(kind: ChannelKind): number | undefined {
    return kind.reliable ? this.#windows.take() || undefined : 0;
  }

  #nextRequestId(): number {
    do {
      this.#lastRequestId = this.#lastRequestId === MAX_REQUEST_ID ? 1 : this.#lastRequestId + 1;
    } while (this.#opens.has(this.#lastRequestId) || this.requests.has(this.#lastRequestId));
    return this.#lastRequestId;
  }
}

function requestLost(reason: CloseReason): SupernodeError {
  if (reason === 'closed')
    return new SupernodeError('peer-closed', 'The peer was closed before the relay answered.');
  return new SupernodeError('connection-lost', `The connection ended (${reason}) before the relay answered.`);
}
