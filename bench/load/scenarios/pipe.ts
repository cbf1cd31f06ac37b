/**
 * An open channel with both its ends, and a numbered flow each way.
 *
 *   opener  ---- there ---->  callee
 *           <---- back -----
 */
import type { CloseReason } from '../../../core/protocol/errors.ts';
import { MAX_PACKET_LIFE_MS } from '../../../core/protocol/limits.ts';
import { PRIORITIES, type Priority } from '../../../core/protocol/ops.ts';
import { LoadFault } from '../fault.ts';
import { bundleWriter } from './bundle-writer.ts';
import type { ChannelEnd, ChannelReader } from './channel-end.ts';
import type { ControlPeer } from './control-peer.ts';
import { within } from './deadline.ts';
import { NumberedFlow } from './numbered-flow.ts';
import type { Operation } from './operation.ts';
import type { Switchboard } from './switchboard.ts';

/** A packet that has not come this long after both ends stopped is lost. A load that does more than its core can is late by seconds. */
const SETTLE_DEADLINE_MS = 20_000;
const CLOSE_DEADLINE_MS = 15_000;

export interface PipeKind {
  priority: Priority;
  reliable: boolean;
}

/** What a packet is to those who await it. */
export type Arrived = (direction: PipeDirection) => void;

/** One direction: a sender, and what must arrive at the other end. */
export class PipeDirection {
  readonly flow: NumberedFlow;
  readonly sender: ControlPeer;
  /** Set once the channel is open. */
  end!: ChannelEnd;
  /** Reliable packets that wait for credit. */
  readonly #waiting: { bytes: number; dueAtMs: number }[] = [];

  constructor(sender: ControlPeer, flow: NumberedFlow) {
    this.sender = sender;
    this.flow = flow;
  }

  get isSettled(): boolean {
    return this.#waiting.length === 0 && this.flow.packetsUnderWay === 0;
  }

  /** Sends one packet in a message of its own, as soon as there is credit for it. */
  send(payloadBytes: number, dueAtMs: number): void {
    if (this.#waiting.length > 0 || !this.end.maySend(payloadBytes)) {
      this.#waiting.push({ bytes: payloadBytes, dueAtMs });
      return;
    }
    if (this.sender.hasLeft) return;
    bundleWriter.begin(this.sender.socket);
    this.flow.append(bundleWriter, this.end, payloadBytes, dueAtMs);
    bundleWriter.send();
  }

  sendWaiting(): void {
    while (this.#waiting.length > 0 && this.end.maySend(this.#waiting[0]!.bytes)) {
      const [{ bytes, dueAtMs }] = this.#waiting.splice(0, 1) as [{ bytes: number; dueAtMs: number }];
      bundleWriter.begin(this.sender.socket);
      this.flow.append(bundleWriter, this.end, bytes, dueAtMs);
      bundleWriter.send();
    }
  }
}

let nextFlow = 0;

export class Pipe {
  readonly there: PipeDirection;
  readonly back: PipeDirection;
  readonly #arrived: Arrived;
  #closing = false;
  #endsOpen = 2;
  #settled: (() => void) | null = null;
  #bothClosed: (() => void) | null = null;

  private constructor(
    opener: ControlPeer,
    callee: ControlPeer,
    reliable: boolean,
    operation: Operation,
    arrived: Arrived,
  ) {
    this.there = new PipeDirection(opener, new NumberedFlow(nextFlow++, operation, reliable));
    this.back = new PipeDirection(callee, new NumberedFlow(nextFlow++, operation, reliable));
    this.#arrived = arrived;
  }

  /**
   * @param arrived is called after every packet that came as it was sent.
   * @throws LoadFault `broken`, ChannelRefusal or RelayRefusal.
   */
  static async open(
    switchboard: Switchboard,
    opener: ControlPeer,
    callee: ControlPeer,
    kind: PipeKind,
    operation: Operation,
    arrived: Arrived = () => {},
  ): Promise<Pipe> {
    const pipe = new Pipe(opener, callee, kind.reliable, operation, arrived);
    const name = switchboard.expect((peer, offer) => {
      if (peer !== callee)
        throw new LoadFault('corrupted', `The offer "${offer.protocol}" came to another peer.`);
      pipe.back.end = peer.accept(offer, pipe.#reader(pipe.there, pipe.back));
    });
    const { reliable, priority } = kind;
    const lifeMs = reliable ? 0 : MAX_PACKET_LIFE_MS;
    const asked = { reliable, priority: PRIORITIES.indexOf(priority), lifeMs, protocol: name };
    try {
      pipe.there.end = await opener.open(
        callee.identity.publicKey,
        asked,
        pipe.#reader(pipe.back, pipe.there),
      );
    } catch (error) {
      switchboard.forget(name);
      pipe.#endFlows();
      throw error;
    }
    return pipe;
  }

  get sent(): number {
    return this.there.flow.sent + this.back.flow.sent;
  }

  get lost(): number {
    return this.there.flow.lost + this.back.flow.lost;
  }

  /** Nobody sends any more: waits for what is under way, then closes the channel. */
  async close(): Promise<void> {
    await this.#settle();
    const closed = new Promise<void>((resolve) => {
      this.#bothClosed = resolve;
    });
    this.#closing = true;
    this.there.sender.close(this.there.end);
    await within(CLOSE_DEADLINE_MS, 'broken', 'The closed of a channel', closed);
    this.#endFlows();
  }

  async #settle(): Promise<void> {
    if (this.#isSettled) return;
    const settled = new Promise<void>((resolve) => {
      this.#settled = resolve;
    });
    try {
      await within(SETTLE_DEADLINE_MS, 'lost', 'The last packet of a channel', settled);
    } catch {
      // On a reliable channel this throws; on a realtime one it counts.
      this.there.flow.giveUp();
      this.back.flow.giveUp();
    }
  }

  get #isSettled(): boolean {
    return this.there.isSettled && this.back.isSettled;
  }

  /** Reads what arrives by one direction; the same end sends by the other. */
  #reader(incoming: PipeDirection, outgoing: PipeDirection): ChannelReader {
    return {
      data: (bytes, from, to) => {
        incoming.flow.take(bytes, from, to, performance.now());
        this.#arrived(incoming);
        if (this.#settled && this.#isSettled) this.#settled();
      },
      credited: () => outgoing.sendWaiting(),
      closed: (reason) => this.#closed(reason),
    };
  }

  #closed(reason: CloseReason): void {
    if (!this.#closing) throw new LoadFault('broken', `The relay closed a channel in use, reason ${reason}.`);
    if (--this.#endsOpen === 0) this.#bothClosed?.();
  }

  #endFlows(): void {
    this.there.flow.end();
    this.back.flow.end();
  }
}
