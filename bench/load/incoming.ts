/**
 * Checks what arrives on one lane against the cycle that its partner sends. PACKET PATH: `take` is one compare for a
 * whole read, however many packets it holds, and still every byte of every packet is checked.
 *
 *   #cycle     packet 0 | ... | packet #index |<- #position ... | packet n-1
 *
 * A packet that is not the one due is looked at in `packet`: one that was sent after it means that those between are
 * lost; anything else ends the run.
 */
import type { Found, Lane } from './dialect.ts';
import { LoadFault } from './fault.ts';
import type { Outgoing } from './outgoing.ts';
import type { PacketCycle } from './packet-cycle.ts';

export interface ArrivalObserver {
  /** Packets [first, last) of the stream arrived on this lane, all of them. */
  arrived(lane: Incoming, first: number, last: number): void;
  /** Packets [first, last) are missing: a later one has come. */
  missed(lane: Incoming, first: number, last: number): void;
}

export class Incoming {
  readonly lane: Lane;
  readonly cycle: PacketCycle;
  /** The other end's; it says what can be under way. */
  readonly from: Outgoing;
  /** Such as `audio of peer 3`. */
  readonly name: string;
  /** What the receiver answers on in a closed loop. */
  answer!: Outgoing;
  readonly #observer: ArrivalObserver;
  #position = 0;
  #index = 0;
  #number = 0;
  #lost = 0;
  #lostBytes = 0;

  constructor(name: string, lane: Lane, cycle: PacketCycle, from: Outgoing, observer: ArrivalObserver) {
    this.name = name;
    this.lane = lane;
    this.cycle = cycle;
    this.from = from;
    this.#observer = observer;
  }

  /** The stream's number of the packet that is due next: those that came and those that are lost. */
  get number(): number {
    return this.#number;
  }

  get lost(): number {
    return this.#lost;
  }

  get received(): number {
    return this.#number - this.#lost;
  }

  /** Payload bytes of the packets that came. */
  get receivedBytes(): number {
    return this.cycle.payloadBytesUpTo(this.#number) - this.#lostBytes;
  }

  /** True when the last byte that came ended a packet. */
  get atBoundary(): boolean {
    return this.#position === this.cycle.starts[this.#index];
  }

  /**
   * Takes what of bytes[from, to) is as it must be.
   * @returns `to`, or the offset of the first item that is not the packet due; that is a boundary, but when the rest
   *   of a packet that began in an earlier read is wrong (`atBoundary` is false, `rewind` gives its beginning).
   */
  take(bytes: Buffer, from: number, to: number): number {
    const { bytes: cycle, packets } = this.cycle;
    const first = this.#number;
    let at = from;
    while (at < to) {
      const piece = Math.min(to - at, cycle.length - this.#position);
      const end = this.#position + piece;
      if (bytes.compare(cycle, this.#position, end, at, at + piece) !== 0) {
        at = this.#takeGood(bytes, at, at + piece);
        break;
      }
      at += piece;
      this.#position = end;
      if (end === cycle.length) {
        this.#number += packets - this.#index;
        this.#index = 0;
        this.#position = 0;
      }
    }
    this.#settle();
    if (this.#number > first) this.#arrived(first);
    return at;
  }

  /** Takes the good packets of a piece that is wrong somewhere, found by halving. @returns the offset after them. */
  #takeGood(bytes: Buffer, from: number, to: number): number {
    const { bytes: cycle, starts } = this.cycle;
    this.#settle();
    let at = from;
    if (!this.atBoundary) {
      const rest = starts[this.#index + 1]! - this.#position;
      const end = this.#position + rest;
      if (rest > to - at || bytes.compare(cycle, this.#position, end, at, at + rest) !== 0) return at;
      at += rest;
      this.#position = end;
      this.#settle();
    }
    const lastByte = this.#position + (to - at);
    let good = this.#index;
    let beyond = good;
    while (beyond < this.cycle.packets && starts[beyond + 1]! <= lastByte) beyond++;
    while (good < beyond) {
      const middle = good + Math.ceil((beyond - good) / 2);
      const offset = at + starts[good]! - this.#position;
      const bytesTo = offset + starts[middle]! - starts[good]!;
      if (bytes.compare(cycle, starts[good], starts[middle], offset, bytesTo) === 0) good = middle;
      else beyond = middle - 1;
    }
    at += starts[good]! - this.#position;
    this.#position = starts[good]!;
    return at;
  }

  /** Brings the packet's index up to the position. */
  #settle(): void {
    const { starts, packets, uniformBytes } = this.cycle;
    let index = this.#index;
    if (uniformBytes > 0) index = Math.floor(this.#position / uniformBytes);
    else while (index < packets && starts[index + 1]! <= this.#position) index++;
    this.#number += index - this.#index;
    this.#index = index;
    if (index < packets) return;
    this.#index = 0;
    this.#position = 0;
  }

  /** Gives back the bytes of the packet that has begun, which were as they must be. */
  rewind(): Buffer {
    const start = this.cycle.starts[this.#index]!;
    const begun = this.cycle.bytes.subarray(start, this.#position);
    this.#position = start;
    return begun;
  }

  /**
   * Takes one whole packet of this lane, as it was found at a boundary.
   * @throws LoadFault `corrupted`.
   */
  packet(bytes: Buffer, from: number, to: number, found: Found): void {
    const first = this.#number;
    if (!this.#is(this.#index, bytes, from, to)) this.#skipTo(bytes, from, to, found);
    const landed = this.#number;
    this.#advance(1);
    if (landed > first) this.#observer.missed(this, first, landed);
    this.#arrived(landed);
  }

  /** Counts everything that was sent and has not come as lost. @returns how many packets. */
  giveUp(): number {
    const missing = this.from.sent - this.#number;
    if (missing > 0) this.#skip(missing);
    return missing;
  }

  #arrived(first: number): void {
    const { lane, cycle } = this;
    if (lane.taken) lane.taken(cycle.bytesUpTo(this.#number) - cycle.bytesUpTo(first));
    this.#observer.arrived(this, first, this.#number);
  }

  #is(index: number, bytes: Buffer, from: number, to: number): boolean {
    const { starts, bytes: cycle } = this.cycle;
    const start = starts[index]!;
    const end = starts[index + 1]!;
    return to - from === end - start && bytes.compare(cycle, start, end, from, to) === 0;
  }

  #advance(packets: number): void {
    this.#number += packets;
    this.#index = this.#number % this.cycle.packets;
    this.#position = this.cycle.starts[this.#index]!;
  }

  #skip(packets: number): void {
    const { cycle } = this;
    const next = this.#number + packets;
    this.#lost += packets;
    this.#lostBytes += cycle.payloadBytesUpTo(next) - cycle.payloadBytesUpTo(this.#number);
    this.#advance(packets);
  }

  /** Makes the packet that came the one that is due, if it can be. */
  #skipTo(bytes: Buffer, from: number, to: number, found: Found): void {
    const { packets } = this.cycle;
    const sequence =
      found.payloadTo - found.payloadFrom < 4 ? packets : bytes.readUInt32BE(found.payloadFrom);
    if (sequence >= packets || !this.#is(sequence, bytes, from, to)) {
      throw new LoadFault(
        'corrupted',
        `After ${this.received} good packets of ${this.name} came one whose content is wrong.`,
      );
    }
    const ahead = (sequence - this.#index + packets) % packets;
    if (this.#number + ahead >= this.from.sent) {
      throw new LoadFault(
        'corrupted',
        `After ${this.received} good packets of ${this.name} packet ${sequence} of the cycle came again or out of order.`,
      );
    }
    this.#skip(ahead);
  }
}
