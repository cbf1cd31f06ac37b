/**
 * The directory, as the peers of this shard meet it (docs/protocol.md §12): each request goes to the part that knows what
 * to do, or to the directory pool (asks.ts). Nothing here waits, and nothing of it is on the packet path
 * but the look-up in lookups.ts.
 */
import type { Body, Control } from '../../core/protocol/control.ts';
import { ProtocolError } from '../../core/protocol/errors.ts';
import {
  MAX_MESSAGE_LIFE_MS,
  MAX_SEARCH_RESULTS,
  SEARCH_BURST,
  SEARCHES_PER_SEC,
  WRITE_BURST,
  WRITES_PER_SEC,
} from '../../core/protocol/limits.ts';
import * as op from '../../core/protocol/ops.ts';
import { C } from '../../core/threads/counters.ts';
import type { DirectoryNews } from '../../core/threads/directory-messages.ts';
import type { PresenceTable } from '../../core/threads/presence.ts';
import type { Versions } from '../../core/threads/versions.ts';
import { Arrivals, type ArrivalsHost } from './arrivals.ts';
import type { AnswerOf, Asks } from './asks.ts';
import { Lookups } from './lookups.ts';
import { MailRooms } from './mail.ts';
import type { Outboxes } from './outbox.ts';
import { Budgets } from './rate.ts';
import { Requests } from './requests.ts';
import { LIVE, type Session, type SessionTable } from './session.ts';
import { Watches } from './watches.ts';
import type { WhyLedger } from './why.ts';

/** Behind signals and voice: what is large and nobody waits on the line for. */
const MESSAGE = 2;

export interface DirectoryHost extends ArrivalsHost {
  /** False: this relay keeps none. */
  readonly hasDirectory: boolean;
  readonly sessions: SessionTable;
  readonly outboxes: Outboxes;
  readonly presence: PresenceTable;
  readonly versions: Versions;
  readonly counters: Float64Array;
  readonly why: WhyLedger;
  readonly asks: Asks;
}

export class Directory {
  readonly arrivals: Arrivals;
  readonly lookups: Lookups;
  readonly watches: Watches;
  readonly mail: MailRooms;
  readonly budgets = new Budgets();
  readonly #host: DirectoryHost;
  readonly #requests: Requests;

  constructor(host: DirectoryHost) {
    const { asks, outboxes, counters, presence, versions, why } = host;
    const requests = new Requests(asks, outboxes, counters, why);
    this.#host = host;
    this.#requests = requests;
    this.arrivals = new Arrivals(host);
    this.lookups = new Lookups({ outboxes, presence, versions, counters, requests });
    this.watches = new Watches({ presence, counters, requests, schedule: () => host.schedule() });
    this.mail = new MailRooms(requests, counters);
  }

  /** See ForwardHost. PACKET PATH. */
  lookup(session: Session, bytes: Uint8Array, at: number, end: number): number {
    return this.#host.hasDirectory ? this.lookups.here(session, bytes, at, end) : 0;
  }

  /** A control frame of a logged-in peer whose op is none of the connection's or a channel's. @throws ProtocolError */
  request(session: Session, frame: Control): void {
    const { requestId } = frame;
    if (!isRequest(frame.op)) {
      throw new ProtocolError('unknown-op', `Op 0x${frame.op.toString(16)} is the relay's to send.`);
    }
    if (requestId === 0 && !MAY_HAVE_NO_ID.has(frame.op)) {
      throw new ProtocolError('bad-control', `Op 0x${frame.op.toString(16)} needs a requestId.`);
    }
    if (!this.#host.hasDirectory) {
      const message = 'This relay keeps no directory.';
      if (requestId !== 0) this.#requests.fail(session, requestId, 'no-directory', message);
      return;
    }
    switch (frame.op) {
      case op.OP_LOOKUP:
        this.lookups.lookup(session, requestId, frame.body);
        return;
      case op.OP_WATCH:
        this.watches.watch(session, requestId, frame.body.peers);
        return;
      case op.OP_UNWATCH:
        this.watches.unwatch(session, frame.body.peers);
        return;
      case op.OP_STATUS:
        this.arrivals.away(session, frame.body.away);
        return;
      case op.OP_INBOX:
        this.mail.open(session, requestId);
        return;
      case op.OP_MAIL_ACK:
        this.mail.ack(session, requestId, frame.body.seq);
        return;
      case op.OP_SEARCH:
        this.#search(session, requestId, frame.body);
        return;
      case op.OP_VAULT_GET:
      case op.OP_POLICY_GET:
        this.#read(session, frame);
        return;
      default:
        this.#write(session, frame);
    }
  }

  /** Asks whether the session's peer may open a channel to `peer`. */
  reach(session: Session, peer: Uint8Array, answered: (answer: AnswerOf<'reach'>) => void): void {
    this.#host.asks.ask<'reach'>(session, { t: 'reach', asker: session.key!, peer }, answered);
  }

  news(news: DirectoryNews): void {
    if (news.kind === 'presence') {
      this.watches.news(news.changes);
      return;
    }
    const session = this.#host.sessions.find(news.slot, news.generation);
    if (session === null || session.state !== LIVE) return;
    if (news.kind === 'plain') this.arrivals.plain(session, news.plain);
    else this.mail.news(session);
  }

  /** Once per turn, before the outboxes are sent. */
  flush(): void {
    this.watches.flush();
    this.arrivals.flush();
  }

  /** Now and then: what had to wait is tried again, what is old forgotten. */
  sweep(now: number): void {
    this.watches.retry();
    this.mail.retry();
    this.arrivals.retry();
    this.budgets.sweep(now);
  }

  /** Frees all that the session holds. */
  forget(session: Session): void {
    this.watches.forget(session);
    this.mail.forget(session);
    this.arrivals.forget(session);
  }

  #search(session: Session, requestId: number, body: Body<typeof op.OP_SEARCH>): void {
    const waitMs = this.budgets.search(session, performance.now());
    if (waitMs > 0) {
      this.#host.counters[C.searchesLimited]!++;
      this.#host.why.note(session.key!, null, 'search-rate');
      const message = `A peer may search ${SEARCH_BURST} times at once, then ${SEARCHES_PER_SEC} a second.`;
      this.#requests.fail(session, requestId, 'rate-limited', message, waitMs);
      return;
    }
    const { prefix, most = MAX_SEARCH_RESULTS } = body;
    const ask = { t: 'search' as const, asker: session.key!, prefix, most };
    this.#requests.ask<'search'>(session, requestId, ask, ({ found, more }) =>
      this.#requests.answer(session, op.OP_RESULTS, requestId, { found, more }),
    );
  }

  #read(
    session: Session,
    { op: code, requestId, body }: Extract<Control, { op: typeof op.OP_VAULT_GET | typeof op.OP_POLICY_GET }>,
  ): void {
    const peer = session.key!;
    if (code === op.OP_VAULT_GET) {
      this.#requests.ask<'vault'>(session, requestId, { t: 'vault', peer }, ({ revision, vault }) => {
        const answer = { revision, vault: vault ?? undefined };
        this.#requests.answer(session, op.OP_VAULT, requestId, answer, MESSAGE);
      });
      return;
    }
    const ask = { t: 'policy' as const, peer, list: body.list ?? null, after: body.after ?? null };
    this.#requests.ask<'policy'>(session, requestId, ask, ({ visibility, reach, keys, more }) =>
      this.#requests.answer(session, op.OP_POLICY, requestId, { visibility, reach, keys, more }, MESSAGE),
    );
  }

  #write(session: Session, frame: Control): void {
    const { requestId } = frame;
    const waitMs = this.budgets.write(session, performance.now());
    if (waitMs > 0) {
      this.#host.counters[C.writesLimited]!++;
      this.#host.why.note(session.key!, null, 'write-rate');
      const message = `A peer may write ${WRITE_BURST} times at once, then ${WRITES_PER_SEC} times a second.`;
      this.#requests.fail(session, requestId, 'rate-limited', message, waitMs);
      return;
    }
    const peer = session.key!;
    const stored = (revision: number): void =>
      this.#requests.answer(session, op.OP_STORED, requestId, { revision });
    switch (frame.op) {
      case op.OP_PUBLISH: {
        const { record, former = null } = frame.body;
        const ask = { t: 'publish' as const, peer, record, former };
        this.#requests.ask<'publish'>(session, requestId, ask, ({ revision }) => stored(revision));
        return;
      }
      case op.OP_VAULT_PUT: {
        const ask = { t: 'vault-put' as const, peer, vault: frame.body.vault };
        this.#requests.ask<'vault-put'>(session, requestId, ask, ({ revision }) => stored(revision));
        return;
      }
      case op.OP_POLICY_SET: {
        const { allow = [], disallow = [], block = [], unblock = [], ...audiences } = frame.body;
        const ask = { t: 'policy-set' as const, peer, ...audiences, allow, disallow, block, unblock };
        this.#requests.ask<'policy-set'>(session, requestId, ask, () => stored(0));
        return;
      }
      case op.OP_SEND: {
        const { to, id, bytes, lifeMs = MAX_MESSAGE_LIFE_MS } = frame.body;
        const ask = { t: 'send' as const, from: peer, to, id, bytes, sentMs: Date.now(), lifeMs };
        this.#requests.ask<'send'>(session, requestId, ask, () =>
          this.#requests.answer(session, op.OP_RECEIPT, requestId, { id, state: 'stored' }),
        );
      }
    }
  }
}

const REQUESTS: ReadonlySet<number> = new Set([
  op.OP_LOOKUP,
  op.OP_SEARCH,
  op.OP_PUBLISH,
  op.OP_WATCH,
  op.OP_UNWATCH,
  op.OP_STATUS,
  op.OP_VAULT_GET,
  op.OP_VAULT_PUT,
  op.OP_POLICY_GET,
  op.OP_POLICY_SET,
  op.OP_SEND,
  op.OP_INBOX,
  op.OP_MAIL_ACK,
]);
/** They are not answered, or only if they have one. */
const MAY_HAVE_NO_ID: ReadonlySet<number> = new Set([op.OP_UNWATCH, op.OP_STATUS, op.OP_MAIL_ACK]);

function isRequest(code: number): boolean {
  return REQUESTS.has(code);
}
