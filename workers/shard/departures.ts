/**
 * How a session ends, whatever ends it: what it held is freed, its peer is told why in an error frame at the end of the turn
 * (farewells.ts), and the main thread hears of it. An exception that was contained costs the one session that raised it.
 */
import { encodeControl } from '../../core/protocol/control.ts';
import { BREACHES, type CloseReason, type WireErrorCode } from '../../core/protocol/errors.ts';
import * as op from '../../core/protocol/ops.ts';
import type { Accounts } from '../../core/threads/accounts.ts';
import { C } from '../../core/threads/counters.ts';
import type { DepartureReason, FromShard, PresenceChange } from '../../core/threads/messages.ts';
import { PRESENCE_PLAIN, type PresenceTable } from '../../core/threads/presence.ts';
import type { WhyReason } from '../../core/threads/why-reasons.ts';
import { BusyFrames } from './busy-frames.ts';
import type { Channels } from './channels.ts';
import type { Directory } from './directory.ts';
import type { Drain } from './drain.ts';
import { Farewells } from './farewells.ts';
import type { HeldCredit } from './held-credit.ts';
import type { Logins } from './logins.ts';
import type { Meters } from './meters.ts';
import type { Outboxes } from './outbox.ts';
import { noteRefusal } from './refusals.ts';
import { ENDED, LIVE, type Session, type SessionTable } from './session.ts';
import type { WhyLedger } from './why.ts';

/** What of a shard a session may hold something of. */
export interface DeparturesHost {
  readonly index: number;
  readonly counters: Float64Array;
  readonly sessions: SessionTable;
  readonly presence: PresenceTable;
  readonly outboxes: Outboxes;
  readonly meters: Meters;
  readonly heldCredit: HeldCredit;
  readonly accounts: Accounts;
  readonly why: WhyLedger;
  /** Who left: for the main thread (change-posts.ts). */
  changed(change: PresenceChange): void;
  /** Asks for a turn: `say` will be called. */
  schedule(): void;
}

interface Parts {
  logins: Pick<Logins, 'forget'>;
  channels: Pick<Channels, 'abandon'>;
  directory: Pick<Directory, 'forget'>;
  drain: Pick<Drain, 'successors'>;
  tell(message: FromShard): void;
}

export class Departures {
  readonly #host: DeparturesHost;
  readonly #parts: Parts;
  readonly #busy = new BusyFrames();
  readonly #farewells = new Farewells((session, error) => this.fault('farewell', error, session));

  constructor(host: DeparturesHost, parts: Parts) {
    this.#host = host;
    this.#parts = parts;
  }

  /** Ends a session; at the end of the turn its peer is told why in an error frame and its socket is closed. */
  refuse(
    session: Session,
    code: WireErrorCode,
    message: string,
    retryAfterMs?: number,
    why?: WhyReason,
  ): void {
    if (session.state === ENDED) return;
    const { counters, outboxes } = this.#host;
    noteRefusal(this.#host.why, session, code, why);
    const wasLive = session.state === LIVE;
    const frame = this.#frameOf(code, message, wasLive, retryAfterMs);
    if (!wasLive) this.#loginRefused(code);
    else if (BREACHES.has(code)) counters[C.protocolErrors]!++;
    else if (code === 'slow-reader') counters[C.endedSlow]!++;
    else if (code === 'overloaded') counters[C.endedOverloaded]!++;
    // What it was to be sent before (a `closed`, say) goes out first.
    const pending = outboxes.takePending(session);
    this.finish(session, closeReasonOf(code), code);
    this.#farewells.add({ session, code, messages: pending ? [pending, frame] : [frame] });
    this.#host.schedule();
  }

  #frameOf(code: WireErrorCode, message: string, wasLive: boolean, retryAfterMs?: number): Uint8Array {
    if (code === 'busy' && retryAfterMs !== undefined) return this.#busy.encode(message, retryAfterMs);
    const { successors } = this.#parts.drain;
    return encodeControl(op.OP_ERROR, 0, {
      code,
      message,
      fatal: true,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      // Who is logged in was told by `moving`.
      ...(code === 'drained' && !wasLive && successors.length > 0 ? { successors: [...successors] } : {}),
    });
  }

  #loginRefused(code: WireErrorCode): void {
    const { counters } = this.#host;
    counters[C.loginsRefused]!++;
    if (code === 'busy') counters[C.loginsBusy]!++;
    else if (code === 'login-timeout') counters[C.loginsLate]!++;
    else if (code === 'relay-full') counters[C.loginsNoRoom]!++;
    else if (code === 'version-refused') counters[C.loginsVersion]!++;
  }

  /** Frees all that the session holds. Its socket is not touched. */
  finish(session: Session, reason: CloseReason, departure: DepartureReason): void {
    if (session.state === ENDED) return;
    const { index, counters, presence, meters, heldCredit, accounts, outboxes, sessions } = this.#host;
    const { logins, channels, directory } = this.#parts;
    const wasLive = session.state === LIVE;
    session.state = ENDED;
    logins.forget(session);
    channels.abandon(session, reason);
    heldCredit.forget(session);
    meters.close(session);
    if (session.accounted) accounts.sessions.give(session.account);
    session.accounted = false;
    directory.forget(session);
    outboxes.discard(session);
    sessions.remove(session);
    // Last: who sees the socket gone must not see anything of it that is left.
    counters[C.sockets]!--;
    if (!wasLive) return;
    counters[C.sessions]!--;
    const { slot, generation, presenceFlags: flags } = session;
    presence.release(session.key!, { shard: index, slot, generation, flags });
    const plain = (flags & PRESENCE_PLAIN) !== 0;
    this.#host.changed({ peer: session.key!, came: null, client: session.client, reason: departure, plain });
  }

  /** An exception was contained: it costs the one session, if it has one, and is told to the main thread. */
  fault(where: string, error: unknown, session: Session | undefined): void {
    this.#host.counters[C.faults]!++;
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#parts.tell({
      kind: 'warning',
      code: 'contained-fault',
      message: `shard ${this.#host.index}, ${where}: ${text}`,
    });
    if (session && session.state !== ENDED) {
      this.finish(session, 'peer-gone', 'internal');
      try {
        session.socket.close();
      } catch {
        // It was closed already: that is what was wanted.
      }
    }
  }

  /** Once per turn, after the flush. */
  say(): void {
    if (this.#farewells.say()) this.#host.schedule();
  }

  /** Before the thread ends. */
  sayAll(): void {
    this.#farewells.sayAll();
  }
}

function closeReasonOf(code: WireErrorCode): CloseReason {
  return code === 'replaced' || code === 'drained' ? code : 'peer-gone';
}
