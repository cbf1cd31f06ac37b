/**
 * The receiving side of one peer: hands what comes to its lanes. PACKET PATH: with one lane under way a read is one
 * compare (Incoming.take). With several, or where something else comes, the dialect's reader finds each item.
 */
import { type Found, INCOMPLETE, NO_PACKET, type PacketReader, type Receiver } from './dialect.ts';
import { LoadFault } from './fault.ts';
import type { Incoming } from './incoming.ts';

/** Larger than every packet and control item of a dialect. */
const CARRY_LIMIT_BYTES = 128 * 1024;

export interface InboxOwner {
  /** A read was handed over; something may have to be answered. */
  readEnded(inbox: Inbox): void;
  drained(inbox: Inbox): void;
  failed(fault: LoadFault): void;
}

const found: Found = { key: NO_PACKET, payloadFrom: 0, payloadTo: 0 };

export class Inbox implements Receiver {
  /** Index of the peer, for messages. */
  readonly index: number;
  readonly #reader: PacketReader;
  readonly #owner: InboxOwner;
  readonly #datagrams: boolean;
  readonly #lanes = new Map<number, Incoming>();
  #only: Incoming | null = null;
  /** Bytes of an item whose rest has not come yet. */
  #carry: Buffer | null = null;

  constructor(index: number, reader: PacketReader, owner: InboxOwner, datagrams: boolean) {
    this.index = index;
    this.#reader = reader;
    this.#owner = owner;
    this.#datagrams = datagrams;
  }

  /** The lanes of a phase; nothing may be under way. */
  setLanes(lanes: readonly Incoming[]): void {
    this.#lanes.clear();
    for (const lane of lanes) {
      if (this.#lanes.has(lane.lane.key)) {
        throw new Error(`Two lanes of peer ${this.index} have the key ${lane.lane.key}.`);
      }
      this.#lanes.set(lane.lane.key, lane);
    }
    this.#only = lanes.length === 1 ? lanes[0]! : null;
  }

  bytes(bytes: Buffer, from: number, to: number): void {
    try {
      let at = from;
      const only = this.#only;
      if (only !== null && this.#carry === null) {
        at = only.take(bytes, from, to);
        if (at < to) this.#slow(bytes, at, to, only.atBoundary ? null : only.rewind());
      } else {
        this.#slow(bytes, from, to, this.#carry);
      }
      if (this.#datagrams && !this.#atBoundary) throw this.#corrupted('A datagram ended within a packet.');
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  messageEnded(): void {
    if (!this.#atBoundary) this.#fail(this.#corrupted('A message ended within a packet.'));
  }

  readEnded(): void {
    this.#owner.readEnded(this);
  }

  drained(): void {
    this.#owner.drained(this);
  }

  broken(error: Error): void {
    this.#fail(new LoadFault('broken', `Peer ${this.index}: ${error.message}`));
  }

  get #atBoundary(): boolean {
    return this.#carry === null && (this.#only === null || this.#only.atBoundary);
  }

  #corrupted(message: string): LoadFault {
    return new LoadFault('corrupted', `Peer ${this.index}: ${message}`);
  }

  #fail(error: Error): void {
    this.#owner.failed(error instanceof LoadFault ? error : this.#corrupted(error.message));
  }

  /** @param begun bytes of an item that began before `from`, or null. */
  #slow(bytes: Buffer, from: number, to: number, begun: Buffer | null): void {
    this.#carry = null;
    if (begun === null) this.#items(bytes, from, to);
    else {
      const whole = Buffer.concat([begun, bytes.subarray(from, to)]);
      this.#items(whole, 0, whole.length);
    }
  }

  /** Takes item after item, from a boundary on. */
  #items(bytes: Buffer, from: number, to: number): void {
    let at = from;
    while (at < to) {
      const end = this.#reader.read(bytes, at, to, found);
      if (end === INCOMPLETE) {
        if (to - at > CARRY_LIMIT_BYTES) throw this.#corrupted(`${to - at} bytes came without an end.`);
        this.#carry = Buffer.from(bytes.subarray(at, to));
        return;
      }
      if (found.key !== NO_PACKET) {
        const lane = this.#lanes.get(found.key);
        if (lane === undefined)
          throw this.#corrupted(`A packet came for lane ${found.key}, which it has not.`);
        lane.packet(bytes, at, end, found);
      }
      at = end;
      if (this.#only !== null && at < to) at = this.#only.take(bytes, at, to);
    }
  }
}
