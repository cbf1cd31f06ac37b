/**
 * Mail on its way from the store to its receiver (docs/protocol.md §12.10). A session that asked for its inbox is sent what
 * is there, oldest first, at most a window of it unacknowledged; acknowledgements make room, and news of more mail starts
 * the reading again. A session has one read and one acknowledgement under way at most.
 */
import { MAIL_WINDOW_BYTES, MAIL_WINDOW_MESSAGES, MAX_REQUESTS_PENDING } from '../../core/protocol/limits.ts';
import { OP_MAIL, OP_STORED } from '../../core/protocol/ops.ts';
import { C } from '../../core/threads/counters.ts';
import type { Failure, Mail } from '../../core/threads/directory-messages.ts';
import { isFailure, type Requests } from './requests.ts';
import type { Session } from './session.ts';

const MESSAGE = 2;

export class Inbox {
  /** True once the session asked for its mail. */
  open = false;
  /** The last seq that it was sent. */
  sentSeq = 0;
  /** What it was sent and has not acknowledged, oldest first. */
  unacked: { seq: number; bytes: number }[] = [];
  unackedBytes = 0;
  /** There may be mail in the store beyond `sentSeq`. */
  more = false;
  reading = false;
  /** The acknowledgement that is under way, and those that wait for it: the highest seq, and whom to answer. */
  acking = false;
  ackSeq = 0;
  ackRequests: number[] = [];
}

export class MailRooms {
  readonly #requests: Requests;
  readonly #counters: Float64Array;
  /** Sessions whose mail could not be read: tried again by `retry`. */
  readonly #failed = new Set<Session>();

  constructor(requests: Requests, counters: Float64Array) {
    this.#requests = requests;
    this.#counters = counters;
  }

  open(session: Session, requestId: number): void {
    this.#requests.answer(session, OP_STORED, requestId, { revision: 0 });
    session.inbox ??= new Inbox();
    if (session.inbox.open) return;
    session.inbox.open = true;
    session.inbox.more = true;
    this.#read(session, session.inbox);
  }

  /** There is new mail for the session. */
  news(session: Session): void {
    const { inbox } = session;
    if (inbox === null || !inbox.open) return;
    inbox.more = true;
    this.#read(session, inbox);
  }

  ack(session: Session, requestId: number, seq: number): void {
    session.inbox ??= new Inbox();
    const { inbox } = session;
    if (requestId !== 0 && inbox.ackRequests.length >= MAX_REQUESTS_PENDING) {
      const message = `A session may have ${MAX_REQUESTS_PENDING} acknowledgements under way.`;
      this.#requests.fail(session, requestId, 'too-many-requests', message);
      return;
    }
    // Nobody acknowledges what was not sent: it would be deleted unread.
    const upTo = inbox.open ? Math.min(seq, inbox.sentSeq) : seq;
    const known = inbox.unacked.findIndex((item) => item.seq > upTo);
    const taken = inbox.unacked.splice(0, known < 0 ? inbox.unacked.length : known);
    for (const { bytes } of taken) inbox.unackedBytes -= bytes;
    inbox.ackSeq = Math.max(inbox.ackSeq, upTo);
    if (requestId !== 0) inbox.ackRequests.push(requestId);
    this.#writeAck(session, inbox);
    if (inbox.open && taken.length > 0) this.#read(session, inbox);
  }

  /** The session is over. */
  forget(session: Session): void {
    session.inbox = null;
    this.#failed.delete(session);
  }

  /** Reads again where the directory failed. Now and then. */
  retry(): void {
    const sessions = [...this.#failed];
    this.#failed.clear();
    for (const session of sessions) this.#read(session, session.inbox!);
  }

  #writeAck(session: Session, inbox: Inbox): void {
    if (inbox.acking || (inbox.ackSeq === 0 && inbox.ackRequests.length === 0)) return;
    const seq = inbox.ackSeq;
    const requestIds = inbox.ackRequests;
    inbox.ackSeq = 0;
    inbox.ackRequests = [];
    const answered = (answer: Failure | object): void => {
      for (const requestId of requestIds) {
        if (isFailure(answer)) {
          const { code, message, retryAfterMs } = answer.failed;
          this.#requests.fail(session, requestId, code, message, retryAfterMs);
        } else this.#requests.answer(session, OP_STORED, requestId, { revision: 0 });
      }
    };
    if (seq === 0) {
      answered({});
      return;
    }
    inbox.acking = true;
    this.#requests.asks.ask<'mail-ack'>(session, { t: 'mail-ack', peer: session.key!, seq }, (answer) => {
      inbox.acking = false;
      answered(answer);
      this.#writeAck(session, inbox);
    });
  }

  #read(session: Session, inbox: Inbox): void {
    if (inbox.reading || !inbox.more || !hasRoom(inbox)) return;
    inbox.reading = true;
    inbox.more = false;
    const ask = { t: 'mail' as const, peer: session.key!, after: inbox.sentSeq };
    this.#requests.asks.ask<'mail'>(session, ask, (answer) => {
      inbox.reading = false;
      if (isFailure(answer)) {
        inbox.more = true;
        this.#failed.add(session);
        return;
      }
      const sent = this.#send(session, inbox, answer.mail);
      if (answer.more || sent < answer.mail.length) inbox.more = true;
      this.#read(session, inbox);
    });
  }

  /** Sends what the window has room for. @returns how many. */
  #send(session: Session, inbox: Inbox, mail: Mail[]): number {
    let sent = 0;
    for (const { seq, from, id, sentMs, bytes, receipt } of mail) {
      const size = bytes?.length ?? 0;
      const { unacked } = inbox;
      if (unacked.length >= MAIL_WINDOW_MESSAGES) break;
      if (unacked.length > 0 && inbox.unackedBytes + size > MAIL_WINDOW_BYTES) break;
      unacked.push({ seq, bytes: size });
      inbox.unackedBytes += size;
      inbox.sentSeq = seq;
      sent++;
      this.#requests.answer(session, OP_MAIL, 0, { seq, from, id, sentMs, bytes, receipt }, MESSAGE);
    }
    this.#counters[C.mailPushed]! += sent;
    return sent;
  }
}

/** Half of the window: with less, a receiver that acknowledges one by one would have all of it read for each. */
function hasRoom({ unacked, unackedBytes }: Inbox): boolean {
  return unacked.length <= MAIL_WINDOW_MESSAGES / 2 && unackedBytes <= MAIL_WINDOW_BYTES / 2;
}
