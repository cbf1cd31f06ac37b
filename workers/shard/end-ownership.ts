/**
 * Which ends a session has: a list through the table of ends, with the session's counts and what it has granted. What an
 * end goes through is in channels.ts.
 */
import { OP_DATA } from '../../core/protocol/ops.ts';
import { KEY_BYTES } from '../../core/protocol/peer-id.ts';
import { C } from '../../core/threads/counters.ts';
import { type Ends, OFFERED, OPENING } from './ends.ts';
import type { Session, SessionTable } from './session.ts';

export interface EndOwnershipHost {
  readonly ends: Ends;
  readonly sessions: SessionTable;
  readonly counters: Float64Array;
}

export class EndOwnership {
  readonly #host: EndOwnershipHost;

  constructor(host: EndOwnershipHost) {
    this.#host = host;
  }

  /** A new end of the session to `peer`'s, with what it grants. @returns -1 when the table is full. */
  attach(
    session: Session,
    state: typeof OPENING | typeof OFFERED,
    peer: Uint8Array,
    kind: { reliable: boolean; priority: number; lifeMs: number; credit: number },
  ): number {
    const { ends, counters } = this.#host;
    const end = ends.allocate(session.slot);
    if (end < 0) return -1;
    ends.peerKeys.set(peer, end * KEY_BYTES);
    ends.state[end] = state;
    ends.op[end] = OP_DATA + kind.priority;
    ends.reliable[end] = kind.reliable ? 1 : 0;
    ends.lifeMs[end] = kind.reliable ? 0 : kind.lifeMs;
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
    const { ends, sessions, counters } = this.#host;
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
