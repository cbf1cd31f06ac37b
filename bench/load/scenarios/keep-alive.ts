/** Keep-alive of many peers: each pings once per interval, spread evenly; every ping must be answered. */

import { LoadFault } from '../fault.ts';
import type { ControlPeer } from './control-peer.ts';
import type { Operation, Span } from './operation.ts';
import type { Paced } from './pacer.ts';
import { PingFrame } from './ping-frame.ts';

interface Waiting {
  requestId: number;
  span: Span;
}

export class KeepAlive implements Paced {
  readonly #peers: readonly (ControlPeer | null)[];
  readonly #operation: Operation;
  readonly #gapMs: number;
  readonly #frame = new PingFrame();
  readonly #waiting = new Map<ControlPeer, Waiting>();
  #next = 0;
  #nextDueAtMs: number;
  #requestId = 0;

  /** @param peers may change while it runs; null is nobody. */
  constructor(
    peers: readonly (ControlPeer | null)[],
    intervalMs: number,
    operation: Operation,
    startMs: number,
  ) {
    this.#peers = peers;
    this.#operation = operation;
    this.#gapMs = intervalMs / peers.length;
    this.#nextDueAtMs = startMs;
  }

  get nextDueAtMs(): number {
    return this.#nextDueAtMs;
  }

  /** @throws LoadFault `broken` when a peer's last ping has had no answer for a whole interval. */
  sendDue(nowMs: number): void {
    while (this.#nextDueAtMs <= nowMs) {
      const peer = this.#peers[this.#next];
      if (peer && !peer.hasLeft) this.#ping(peer, this.#nextDueAtMs);
      this.#next = (this.#next + 1) % this.#peers.length;
      this.#nextDueAtMs += this.#gapMs;
    }
  }

  /** The peer leaves: nobody answers its ping any more. */
  forget(peer: ControlPeer): void {
    const waiting = this.#waiting.get(peer);
    if (!waiting) return;
    this.#waiting.delete(peer);
    this.#operation.drop(waiting.span);
  }

  #ping(peer: ControlPeer, dueAtMs: number): void {
    if (this.#waiting.has(peer))
      throw new LoadFault('broken', 'A ping was not answered before the next was due.');
    const requestId = this.#requestId;
    this.#requestId = (requestId + 1) >>> 0;
    this.#waiting.set(peer, { requestId, span: this.#operation.beginDue(dueAtMs) });
    peer.onpong = (answered) => this.#answered(peer, answered);
    peer.sendPing(this.#frame, requestId);
  }

  #answered(peer: ControlPeer, requestId: number): void {
    const waiting = this.#waiting.get(peer);
    if (waiting?.requestId !== requestId)
      throw new LoadFault('corrupted', `A pong came for request ${requestId}.`);
    this.#waiting.delete(peer);
    this.#operation.end(waiting.span, performance.now());
  }
}
