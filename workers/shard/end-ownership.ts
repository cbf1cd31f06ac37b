/**
 * Which ends a session has: a list through the table of ends, with the session's counts and what it has granted. What an
 * end goes through is in channels.ts.
 */
import { OP_DATA } from '../../core/protocol/ops.ts';
import { KEY_BYTES } from '../../core/protocol/peer-id.ts';
import type { Accounts } from '../../core/threads/accounts.ts';
import { C } from '../../core/threads/counters.ts';
import { type Ends, OFFERED, OPENING } from './ends.ts';
import type { Session, SessionTable } from './session.ts';

/** The shard's table of ends is full. */
export const NO_ROOM = -1;
/** The session's tenant, or the relay, has as many as it may. */
export const NO_QUOTA = -2;

export interface EndOwnershipHost {
  readonly ends: Ends;
  readonly sessions: SessionTable;
  readonly counters: Float64Array;
  readonly accounts: Pick<Accounts, 'channels'>;
}

export class EndOwnership {
  readonly #host: EndOwnershipHost;

  constructor(host: EndOwnershipHost) {
    this.#host = host;
  }

  /** A new end of the session to `peer`'s, with what it grants. @returns NO_ROOM or NO_QUOTA, below 0, when it cannot have one. */
  attach(
    session: Session,
    state: typeof OPENING | typeof OFFERED,
    peer: Uint8Array,
    kind: { reliable: boolean; priority: number; lifeMs: number; credit: number },
  ): number {
    const { ends, counters, accounts } = this.#host;
    if (!accounts.channels.take(session.account)) return NO_QUOTA;
    const end = ends.allocate(session.slot);
    if (end < 0) {
      accounts.channels.give(session.account);
      return NO_ROOM;
    }
    ends.peerKeys.set(peer, end * KEY_BYTES);
    ends.account[end] = session.account;
    ends.state[end] = state;
    ends.op[end] = OP_DATA + kind.priority;
    ends.reliable[end] = kind.reliable ? 1 : 0;
    ends.lifeMs[end] = kind.reliable ? 0 : kind.lifeMs;
    if (!kind.reliable && session.flight === null) session.flightMark = 1;
    if (state === OPENING && kind.reliable) this.grant(session, end, kind.credit);
    ends.next[end] = session.firstEnd;
    if (session.firstEnd !== 0) ends.prev[session.firstEnd - 1] = end + 1;
    session.firstEnd = end + 1;
    session.channels++;
    counters[C.channels] = ends.count;
    return end;
  }

  /** Frees an end; its session forgets it. */
  detach(end: number): void {
    const { ends, sessions, counters, accounts } = this.#host;
    const session = sessions.at(ends.owner[end]!);
    const next = ends.next[end]!;
    const prev = ends.prev[end]!;
    if (next !== 0) ends.prev[next - 1] = prev;
    if (prev !== 0) ends.next[prev - 1] = next;
    if (session) {
      if (prev === 0) session.firstEnd = next;
      session.channels--;
      session.liabilityBytes -= ends.owed[end]!;
      if (ends.state[end] === OFFERED) session.offersPending--;
    }
    counters[C.creditHeldBytes]! -= ends.held[end]!;
    accounts.channels.give(ends.account[end]!);
    ends.free(end);
    counters[C.channels] = ends.count;
  }

  /** The session's end with this label in this state; a race with `closed` is normal, so a miss is only counted. */
  own(session: Session, label: number, state: number): number {
    const { ends, counters } = this.#host;
    const end = ends.indexOf(label);
    if (end >= 0 && ends.owner[end] === session.slot && ends.state[end] === state) return end;
    counters[C.dropControl]!++;
    return -1;
  }

  grant(session: Session, end: number, bytes: number): void {
    this.#host.ends.owed[end]! += bytes;
    session.liabilityBytes += bytes;
  }
}
