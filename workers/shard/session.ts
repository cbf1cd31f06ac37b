/**
 * A session is one WebSocket, from its upgrade to its end. It is owned by its shard; no other thread sees it.
 * An idle logged-in session owns no buffer and no queue: 10,000 of them must cost little.
 */
import { MAX_SEND_BYTES } from '../../core/protocol/limits.ts';
import { DEFAULT_ACCOUNT } from '../../core/threads/accounts.ts';
import type { ShardSocket } from '../../core/transport/uws.ts';
import type { Flight } from './flight.ts';
import type { Inbox } from './mail.ts';
import type { SessionMeter } from './meters.ts';
import type { OutBuffer } from './outbox.ts';
import type { PressureQueue } from './pressure.ts';
import type { Budget } from './rate.ts';
import type { WatchList } from './watches.ts';

/** Upgraded; waiting for a login. */
export const GREETED = 0;
/** A login is being checked by the main thread. */
export const CHECKING = 1;
/** Logged in. */
export const LIVE = 2;
/** Over; its socket must not be touched. */
export const ENDED = 3;

/** A small integer, like all that is compared with it: the packet path boxes no number. */
export const NO_MARK = 0x3fff_ffff;

export class Session {
  readonly slot: number;
  readonly generation: number;
  readonly socket: ShardSocket<Session>;
  state = GREETED;
  /** True once the socket is closed: nothing may be called on it. */
  socketGone = false;
  /** The peer's key once it is claimed; null before. */
  key: Uint8Array | null = null;
  /** What the login must sign; null once it has been used. */
  nonce: Uint8Array | null = null;
  client = '';
  /** True from the upgrade until it is logged in or its socket is gone: it is one of `maxUnauthenticated` (gate.ts). */
  loggingIn = false;
  /** Bundles that came before the login was done and wait to be read (see logins.ts). */
  early = 0;
  /** True while the login that is being checked is a resume. */
  resuming = false;
  /** When the login must be done, and when its proof came, in performance.now() milliseconds. */
  deadline = 0;
  provedAt = 0;

  /** What will be sent at the end of this turn: outbox[outStart, outEnd). Null while there is nothing. */
  outbox: OutBuffer | null = null;
  outStart = 0;
  outEnd = 0;
  outFrames = 0;
  /** True while it stands in the shard's list of sessions to flush. */
  dirty = false;
  /** Not null while the socket has not taken everything it was given, or one message cannot carry all of this turn. */
  queue: PressureQueue | null = null;

  /** Bytes sent since the last ping, and after which the next is due; NO_MARK without a realtime channel. See flight.ts. */
  flightBytes = 0;
  flightMark = NO_MARK;
  flight: Flight | null = null;
  /** What one turn may send to it: beyond it the rest waits. Never more than MAX_SEND_BYTES. */
  mostSendBytes = MAX_SEND_BYTES;
  /** Not null while it is logged in and has a budget, its own or one that it shares (see meters.ts). */
  meter: SessionMeter | null = null;
  /** Whose quotas and budgets it counts for (see threads/accounts.ts). */
  account = DEFAULT_ACCOUNT;
  /** True once it was counted among its account's sessions. */
  accounted = false;

  /** True while one of its ends has credit due (see ends.ts). */
  creditDue = false;
  /** First of its channel ends, as index + 1; 0: none (see ends.ts). */
  firstEnd = 0;
  channels = 0;
  offersPending = 0;
  /** Reliable bytes that it has granted and not yet taken: what its channels can still make the relay hold. */
  liabilityBytes = 0;

  /** Its flags in the presence table. */
  presenceFlags = 0;
  /** Opens that wait for the directory to say whether their peer may be reached. */
  opensPending = 0;
  /** Requests of the directory that wait for their answers. */
  requestsPending = 0;
  /** What it may still search and write; null until it first does. */
  budget: Budget | null = null;
  /** Null until it first watches somebody. */
  watches: WatchList | null = null;
  /** Null until it asks for its mail. */
  inbox: Inbox | null = null;

  constructor(slot: number, generation: number, socket: ShardSocket<Session>) {
    this.slot = slot;
    this.generation = generation;
    this.socket = socket;
  }
}

/** The shard's sessions by slot. A slot is used again with the next generation. */
export class SessionTable {
  readonly #sessions: (Session | null)[] = [];
  readonly #free: number[] = [];
  #generation = 0;

  add(socket: ShardSocket<Session>): Session {
    const slot = this.#free.pop() ?? this.#sessions.length;
    this.#generation = (this.#generation + 1) & 0x7fff_ffff;
    const session = new Session(slot, this.#generation, socket);
    this.#sessions[slot] = session;
    return session;
  }

  at(slot: number): Session | null {
    return this.#sessions[slot] ?? null;
  }

  /** The session, unless the slot has another by now. */
  find(slot: number, generation: number): Session | null {
    const session = this.#sessions[slot];
    return session && session.generation === generation ? session : null;
  }

  remove(session: Session): void {
    if (this.#sessions[session.slot] !== session) return;
    this.#sessions[session.slot] = null;
    this.#free.push(session.slot);
  }

  *all(): Generator<Session> {
    for (const session of this.#sessions) if (session) yield session;
  }
}
