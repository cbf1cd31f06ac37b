/**
 * Leaving in good order, in one shard. Logins are refused at once. The peers that are here are told when their sockets
 * will be closed and where to go (`moving`), as the main thread has planned it for all shards (core/overload/drain-plan.ts),
 * and are sent away then, whether they listened or not.
 */

import { channelNumber, type LeaveOrders, type LeavingSessions } from '../../core/overload/drain-plan.ts';
import { encodeControl } from '../../core/protocol/control.ts';
import type { WireErrorCode } from '../../core/protocol/errors.ts';
import * as op from '../../core/protocol/ops.ts';
import { type Ends, OFFERED, OPEN } from './ends.ts';
import type { Outboxes } from './outbox.ts';
import { LIVE, type Session, type SessionTable } from './session.ts';

const SIGNAL = 0;
const TICK_MS = 20;
const CLOSING = 'This relay is closing; come back later, or go to a successor.';

export interface DrainHost {
  readonly index: number;
  readonly sessions: SessionTable;
  readonly ends: Ends;
  readonly outboxes: Outboxes;
  refuse(session: Session, code: WireErrorCode, message: string, retryAfterMs?: number): void;
}

interface Leaving {
  session: Session;
  at: number;
  retryAfterMs: number;
}

export class Drain {
  readonly #host: DrainHost;
  #draining = false;
  #sessions: Session[] = [];
  /** The first to leave last. */
  #leaving: Leaving[] = [];
  #retryAfterMs = 0;
  #successors: readonly string[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(host: DrainHost) {
    this.#host = host;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** Where those go who are refused now; empty: nowhere else. */
  get successors(): readonly string[] {
    return this.#successors;
  }

  /** @param retryAfterMs for newcomers. @returns who is here, for the plan; null when it has begun before. */
  begin(retryAfterMs: number, successors: readonly string[]): LeavingSessions | null {
    if (this.#draining) return null;
    this.#draining = true;
    this.#retryAfterMs = retryAfterMs;
    this.#successors = successors;
    for (const session of this.#host.sessions.all()) {
      if (session.state === LIVE) this.#sessions.push(session);
      else this.refuse(session);
    }
    return this.#whoIsHere();
  }

  /** A socket that is not logged in: that it has come, or had a login under way. */
  refuse(session: Session): void {
    this.#host.refuse(session, 'drained', CLOSING, this.#retryAfterMs);
  }

  #whoIsHere(): LeavingSessions {
    const { ends, index } = this.#host;
    const channels: number[] = [];
    const owners: number[] = [];
    this.#sessions.forEach((session, order) => {
      for (let next = session.firstEnd; next !== 0; next = ends.next[next - 1]!) {
        const end = next - 1;
        const state = ends.state[end];
        if (state !== OPEN && state !== OFFERED) continue;
        channels.push(channelNumber(index, ends.label[end]!, ends.peerShard[end]!, ends.peerLabel[end]!));
        owners.push(order);
      }
    });
    return {
      count: this.#sessions.length,
      channels: Float64Array.from(channels),
      owners: Uint32Array.from(owners),
    };
  }

  /** In the order of what `begin` returned. */
  leave(orders: LeaveOrders): void {
    const now = performance.now();
    this.#sessions.forEach((session, order) => {
      if (session.state !== LIVE) return;
      const leaveInMs = orders.inMs[order]!;
      const retryAfterMs = orders.retryAfterMs[order]!;
      this.#tell(session, leaveInMs, retryAfterMs, orders.successor[order]!);
      this.#leaving.push({ session, at: now + leaveInMs, retryAfterMs });
    });
    this.#sessions = [];
    this.#leaving.sort((a, b) => b.at - a.at);
    this.#timer ??= setInterval(() => this.#tick(performance.now()), TICK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tell(session: Session, leaveInMs: number, retryAfterMs: number, first: number): void {
    const successors = [...this.#successors.slice(first), ...this.#successors.slice(0, first)];
    const moving = { leaveInMs, retryAfterMs, ...(successors.length === 0 ? {} : { successors }) };
    this.#host.outboxes.appendControl(session, encodeControl(op.OP_MOVING, 0, moving), SIGNAL);
  }

  #tick(now: number): void {
    while (this.#leaving.length > 0 && this.#leaving.at(-1)!.at <= now) {
      const { session, retryAfterMs } = this.#leaving.pop()!;
      this.#host.refuse(session, 'drained', CLOSING, retryAfterMs);
    }
  }
}
