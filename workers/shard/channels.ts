/**
 * The life of a channel (docs/protocol.md §6): open, offer, accept or reject, credit, close. Not the packet path.
 *
 *   opener's end:  OPENING --accepted--> OPEN --close, closed--> (freed)
 *   callee's end:  OFFERED --accept----> OPEN --close, closed--> (freed)
 *
 * The two ends may be in different shards, so each side only ever changes its own end, and tells the other by a
 * ShardMessage: over a ring, or by a direct call when both are here. Messages and data between two shards keep one
 * order, so `closed` comes after the data that was sent before it.
 */
import { type Body, encodeControl } from '../../core/protocol/control.ts';
import type { CloseReason, WireErrorCode } from '../../core/protocol/errors.ts';
import * as limits from '../../core/protocol/limits.ts';
import * as op from '../../core/protocol/ops.ts';
import type { Accounts } from '../../core/threads/accounts.ts';
import { C } from '../../core/threads/counters.ts';
import type { ShardMessage } from '../../core/threads/messages.ts';
import { type Place, PRESENCE_PLAIN, type PresenceTable } from '../../core/threads/presence.ts';
import type { WhyReason } from '../../core/threads/why-reasons.ts';
import type { AnswerOf } from './asks.ts';
import type { Congestion } from './congestion.ts';
import { EndOwnership, NO_QUOTA, NO_ROOM } from './end-ownership.ts';
import { type Ends, OFFERED, OPEN, OPENING } from './ends.ts';
import type { HeldCredit } from './held-credit.ts';
import type { Links } from './links.ts';
import type { Outboxes } from './outbox.ts';
import { isFailure } from './requests.ts';
import type { Session, SessionTable } from './session.ts';
import type { WhyLedger } from './why.ts';

const SIGNAL = 0;
const CLASS_OF_OP = 0x07;

export interface ChannelsHost {
  readonly index: number;
  readonly sessions: SessionTable;
  readonly ends: Ends;
  readonly outboxes: Outboxes;
  readonly links: Links;
  readonly heldCredit: HeldCredit;
  readonly accounts: Accounts;
  /** Whether peers belong to tenants. */
  readonly tenants: boolean;
  /** An account could have no more channels. */
  quotaRefused(account: number): void;
  readonly presence: PresenceTable;
  readonly counters: Float64Array;
  readonly why: WhyLedger;
  readonly congestion: Pick<Congestion, 'told'>;
  /**
   * Asks the directory whether the session's peer may reach `peer`; null on a relay without one, where every peer that is
   * here may be reached. An answer for a session that has ended does not come.
   */
  readonly reach:
    | ((session: Session, peer: Uint8Array, answered: (answer: AnswerOf<'reach'>) => void) => void)
    | null;
  /** A second login took this session's peer elsewhere. */
  replaced(session: Session): void;
  /** The peer broke a limit that costs it the session. */
  refuse(session: Session, code: 'credit-limit', message: string): void;
}

export class Channels {
  readonly #host: ChannelsHost;
  readonly #place: Place = { shard: 0, slot: 0, generation: 0, flags: 0 };
  readonly #ownership: EndOwnership;
  /** Labels of ends that wait for an answer, oldest first: all wait equally long. */
  #offers: number[] = [];

  constructor(host: ChannelsHost) {
    this.#host = host;
    this.#ownership = new EndOwnership(host);
  }

  // --- what a peer asks -------------------------------------------------------------------------------------------

  /**
   * Of a peer that is open to all, or on a relay without a directory, at once. Otherwise the directory says whether it may
   * be reached: of one that hides and of one that is not there alike, so that the two cannot be told apart.
   */
  open(session: Session, requestId: number, body: Body<typeof op.OP_OPEN>): void {
    const { presence, reach } = this.#host;
    if (!this.#mayOpen(session, requestId, body)) return;
    const here = presence.find(body.to, this.#place);
    if (reach === null || (here && (this.#place.flags & PRESENCE_PLAIN) !== 0)) {
      if (here) this.#open(session, requestId, body);
      else this.#notReachable(session, requestId, body.to);
      return;
    }
    session.opensPending++;
    reach(session, body.to, (answer) => {
      session.opensPending--;
      if (isFailure(answer) && answer.failed.code !== 'not-found') {
        this.#send(session, op.OP_ERROR, requestId, { ...answer.failed, fatal: false }, SIGNAL);
      } else if (isFailure(answer) || !answer.may || !presence.find(body.to, this.#place)) {
        this.#notReachable(session, requestId, body.to);
      } else if (this.#mayOpen(session, requestId, body)) this.#open(session, requestId, body);
    });
  }

  /** Whether the session's own limits allow the open; if not, it is told. */
  #mayOpen(session: Session, requestId: number, body: Body<typeof op.OP_OPEN>): boolean {
    if (session.channels + session.opensPending >= limits.MAX_CHANNELS_PER_SESSION) {
      const message = `A session may have at most ${limits.MAX_CHANNELS_PER_SESSION} channels.`;
      this.#host.why.note(session.key!, body.to, 'too-many-channels');
      this.#tooMany(session, requestId, message);
      return false;
    }
    return this.#creditFits(session, 0, body.reliable ? body.credit : 0);
  }

  /** Offers a channel to the peer at `#place`. */
  #open(session: Session, requestId: number, body: Body<typeof op.OP_OPEN>): void {
    const { ends, index } = this.#host;
    const end = this.#ownership.attach(session, OPENING, body.to, body);
    if (end < 0) {
      this.#host.why.note(session.key!, body.to, this.#whyNot(session, end));
      const noQuota = end === NO_QUOTA && this.#host.tenants;
      if (noQuota)
        this.#tooMany(session, requestId, 'This tenant has as many channels as it may.', 'tenant-full');
      else this.#tooMany(session, requestId, 'This relay has no room for another channel.');
      return;
    }
    ends.requestId[end] = requestId;
    ends.peerShard[end] = this.#place.shard;
    this.#tell(this.#place.shard, {
      t: 'offer',
      toSlot: this.#place.slot,
      toGeneration: this.#place.generation,
      from: session.key!,
      fromShard: index,
      fromLabel: ends.label[end]!,
      priority: body.priority,
      reliable: body.reliable,
      lifeMs: body.lifeMs,
      credit: body.reliable ? body.credit : 0,
      protocol: body.protocol,
    });
  }

  accept(session: Session, body: Body<typeof op.OP_ACCEPT>): void {
    const { ends } = this.#host;
    const end = this.#ownership.own(session, body.label, OFFERED);
    if (end < 0) return;
    const credit = ends.reliable[end] === 1 ? body.credit : 0;
    if (!this.#creditFits(session, ends.owed[end]!, credit)) return;
    ends.state[end] = OPEN;
    session.offersPending--;
    this.#ownership.grant(session, end, credit);
    this.#host.heldCredit.release(session);
    this.#tell(ends.peerShard[end]!, {
      t: 'accepted',
      label: ends.peerLabel[end]!,
      peerLabel: body.label,
      credit,
    });
  }

  reject(session: Session, body: Body<typeof op.OP_REJECT>): void {
    const end = this.#ownership.own(session, body.label, OFFERED);
    if (end < 0) return;
    this.#finish(end, 'rejected');
  }

  credit(session: Session, body: Body<typeof op.OP_CREDIT>): void {
    const { ends, counters } = this.#host;
    const end = this.#ownership.own(session, body.label, OPEN);
    if (end < 0) return;
    if (ends.reliable[end] === 0) {
      counters[C.dropControl]!++;
      return;
    }
    if (body.bytes === 0 || !this.#creditFits(session, ends.owed[end]!, body.bytes)) return;
    this.#ownership.grant(session, end, body.bytes);
    this.#tell(ends.peerShard[end]!, { t: 'credit', label: ends.peerLabel[end]!, bytes: body.bytes });
  }

  close(session: Session, requestId: number, body: Body<typeof op.OP_CLOSE>): void {
    const { ends, counters } = this.#host;
    const end = ends.indexOf(body.label);
    // An opener has no label before `opened`: one that guesses it could offer and take back without end.
    if (end < 0 || ends.owner[end] !== session.slot || ends.state[end] === OPENING) {
      counters[C.dropControl]!++;
      return;
    }
    const opOfEnd = ends.op[end]!;
    const reliable = ends.reliable[end] === 1;
    this.#finish(end, 'closed');
    this.#answerClosed(session, requestId, body.label, 'closed', opOfEnd, reliable);
  }

  // --- what happens by itself -------------------------------------------------------------------------------------

  /** The session is over: every channel of it ends, and the other ends learn why. */
  abandon(session: Session, reason: CloseReason): void {
    while (session.firstEnd !== 0) this.#finish(session.firstEnd - 1, reason);
  }

  /** A reliable channel's sender has sent more than it was granted: both ends lose it. */
  overrun(end: number): void {
    const { ends, sessions } = this.#host;
    const session = sessions.at(ends.owner[end]!);
    const label = ends.label[end]!;
    const opOfEnd = ends.op[end]!;
    this.#host.counters[C.overruns]!++;
    this.#host.why.noteSent(end, 'overrun', 1);
    this.#finish(end, 'overrun');
    if (session) this.#answerClosed(session, 0, label, 'overrun', opOfEnd, true);
  }

  /** Ends the offers that nobody answered in time. */
  expireOffers(now: number): void {
    const { ends, sessions } = this.#host;
    let expired = 0;
    for (const label of this.#offers) {
      const end = ends.indexOf(label);
      if (end >= 0 && ends.state[end] === OFFERED) {
        if (ends.deadline[end]! > now) break;
        const session = sessions.at(ends.owner[end]!);
        const opOfEnd = ends.op[end]!;
        this.#host.counters[C.offersUnanswered]!++;
        this.#host.why.noteWaited(label, 'offer-timeout', 1);
        this.#finish(end, 'timeout');
        if (session) this.#answerClosed(session, 0, label, 'timeout', opOfEnd, true);
      }
      expired++;
    }
    if (expired > 0) this.#offers.splice(0, expired);
  }

  // --- what another shard (or this one) tells ------------------------------------------------------------------------

  message(from: number, message: ShardMessage): void {
    const { ends, sessions } = this.#host;
    switch (message.t) {
      case 'offer':
        this.#offer(message);
        return;
      case 'replace': {
        const session = sessions.find(message.slot, message.generation);
        if (session) this.#host.replaced(session);
        return;
      }
      case 'offered': {
        const end = ends.indexOf(message.label);
        if (end >= 0) ends.peerLabel[end] = message.peerLabel;
        else this.#tell(from, { t: 'closed', label: message.peerLabel, reason: 'peer-gone' });
        return;
      }
      case 'accepted':
        this.#accepted(from, message);
        return;
      case 'credit': {
        const end = ends.indexOf(message.label);
        const session = end < 0 ? null : sessions.at(ends.owner[end]!);
        if (!session) return;
        const bytes = this.#host.heldCredit.grant(session, end, message.bytes, false);
        if (bytes > 0) this.passCredit(session, end, bytes, false);
        return;
      }
      case 'congestion':
        this.#host.congestion.told(message);
        return;
      case 'closed': {
        const end = ends.indexOf(message.label);
        if (end < 0) return;
        const session = sessions.at(ends.owner[end]!);
        const opening = ends.state[end] === OPENING;
        const requestId = opening ? ends.requestId[end]! : 0;
        const opOfEnd = ends.op[end]!;
        const reliable = ends.reliable[end] === 1;
        const label = opening ? 0 : message.label;
        this.#ownership.detach(end);
        if (session) this.#answerClosed(session, requestId, label, message.reason, opOfEnd, reliable);
      }
    }
  }

  /** Tells the session that it may send so much more on its end. `initial`: see docs/protocol.md §6.4. */
  passCredit(session: Session, end: number, bytes: number, initial: boolean): void {
    const { ends } = this.#host;
    if (session.queue === null) {
      const label = ends.label[end]!;
      const body = initial ? { label, bytes, initial } : { label, bytes };
      this.#send(session, op.OP_CREDIT, 0, body, ends.op[end]! & CLASS_OF_OP);
    } else {
      // One frame for all of it when the pressure lets go, or many small credits would make a slow reader of it.
      (initial ? ends.creditDueInitial : ends.creditDue)[end]! += bytes;
      session.creditDue = true;
    }
  }

  #offer(offer: Extract<ShardMessage, { t: 'offer' }>): void {
    const { sessions, ends, counters } = this.#host;
    const session = sessions.find(offer.toSlot, offer.toGeneration);
    const full = session === null ? null : offerLimit(session);
    const end = session === null || full ? -1 : this.#ownership.attach(session, OFFERED, offer.from, offer);
    if (session === null || end < 0) {
      const reason = session === null ? 'not-found' : 'busy';
      counters[C.offersRefused]!++;
      if (session) this.#host.why.note(offer.from, session.key, full ?? this.#whyNot(session, end));
      this.#tell(offer.fromShard, { t: 'closed', label: offer.fromLabel, reason });
      return;
    }
    const label = ends.label[end]!;
    ends.peerShard[end] = offer.fromShard;
    ends.peerLabel[end] = offer.fromLabel;
    const credit = this.#host.heldCredit.grant(session, end, offer.credit, true);
    ends.deadline[end] = performance.now() + limits.OFFER_TIMEOUT_MS;
    session.offersPending++;
    this.#offers.push(label);
    this.#tell(offer.fromShard, { t: 'offered', label: offer.fromLabel, peerLabel: label });
    const { from, priority, reliable, lifeMs, protocol } = offer;
    this.#send(
      session,
      op.OP_OFFER,
      0,
      { label, from, reliable, priority, lifeMs, credit, protocol },
      priority,
    );
  }

  #accepted(from: number, accepted: Extract<ShardMessage, { t: 'accepted' }>): void {
    const { ends, sessions, counters } = this.#host;
    const end = ends.indexOf(accepted.label);
    const session = end < 0 ? null : sessions.at(ends.owner[end]!);
    if (!session || ends.state[end] !== OPENING) {
      this.#tell(from, { t: 'closed', label: accepted.peerLabel, reason: 'peer-gone' });
      return;
    }
    ends.state[end] = OPEN;
    ends.peerLabel[end] = accepted.peerLabel;
    const credit = this.#host.heldCredit.grant(session, end, accepted.credit, true);
    counters[C.channelsOpened]!++;
    this.#send(
      session,
      op.OP_OPENED,
      ends.requestId[end]!,
      { label: accepted.label, credit },
      ends.op[end]! & CLASS_OF_OP,
    );
  }

  // --- ends --------------------------------------------------------------------------------------------------------------

  /** Frees an end and tells the other one why. */
  #finish(end: number, reason: CloseReason): void {
    const { ends } = this.#host;
    const shard = ends.peerShard[end]!;
    const peerLabel = ends.peerLabel[end]!;
    this.#ownership.detach(end);
    // Without a peer's label the offer is still under way: its `offered` will find this end gone.
    if (peerLabel !== 0) this.#tell(shard, { t: 'closed', label: peerLabel, reason });
  }

  /** Whether the session may grant this much more; if not, it loses the session. */
  #creditFits(session: Session, owedBytes: number, bytes: number): boolean {
    const channel = owedBytes + bytes;
    const whole = session.liabilityBytes + (session.queue?.bytes ?? 0) + bytes;
    if (channel <= limits.MAX_CHANNEL_CREDIT_BYTES && whole <= limits.MAX_SESSION_CREDIT_BYTES) return true;
    this.#host.refuse(
      session,
      'credit-limit',
      `A channel may have ${limits.MAX_CHANNEL_CREDIT_BYTES} and a session ${limits.MAX_SESSION_CREDIT_BYTES} bytes of credit outstanding.`,
    );
    return false;
  }

  // --- frames ----------------------------------------------------------------------------------------------------------

  #tell(shard: number, message: ShardMessage): void {
    if (shard === this.#host.index) this.message(shard, message);
    else this.#host.links.sendMessage(shard, message);
  }

  #notReachable(session: Session, requestId: number, peer: Uint8Array): void {
    this.#host.why.note(session.key!, peer, 'not-reachable');
    this.#answerClosed(session, requestId, 0, 'not-found', SIGNAL, true);
  }

  /** The limit because of which the session has no other end. */
  #whyNot(session: Session, end: number): WhyReason {
    if (end === NO_ROOM) {
      this.#host.counters[C.endsFull]!++;
      return 'no-room-for-channels';
    }
    this.#host.quotaRefused(session.account);
    return this.#host.tenants ? 'tenant-channels' : 'relay-channels';
  }

  #tooMany(
    session: Session,
    requestId: number,
    message: string,
    code: WireErrorCode = 'too-many-channels',
  ): void {
    this.#host.counters[C.opensRefused]!++;
    const body = { code, message, fatal: false };
    this.#send(session, op.OP_ERROR, requestId, body, SIGNAL);
  }

  /** `closed` comes after the channel's data; under pressure that of a realtime channel waits in a queue of its own. */
  #answerClosed(
    session: Session,
    requestId: number,
    label: number,
    reason: CloseReason,
    opOfEnd: number,
    reliable: boolean,
  ): void {
    const frame = encodeControl(op.OP_CLOSED, requestId, { label, reason });
    this.#host.outboxes.appendControl(session, frame, opOfEnd & CLASS_OF_OP, !reliable);
  }

  #send<O extends Parameters<typeof encodeControl>[0]>(
    session: Session,
    code: O,
    requestId: number,
    body: Body<O>,
    priority: number,
  ): void {
    this.#host.outboxes.appendControl(session, encodeControl(code, requestId, body), priority);
  }
}

/** The limit because of which the session gets no more offers; null: it may. */
function offerLimit({ offersPending, channels }: Session): WhyReason | null {
  if (offersPending >= limits.MAX_OFFERS_PENDING) return 'offers-pending';
  return channels >= limits.MAX_CHANNELS_PER_SESSION ? 'other-too-many-channels' : null;
}
