/**
 * Sends what the lanes of one peer owe: one write per peer and turn where the framing allows it. PACKET PATH.
 *
 * A run of packets that lies in one piece in its lane's cycle is written from there. Runs that wrap and packets of
 * several lanes are put together in `scratch` first:
 *
 *   scratch    room for a header | packet | packet | ...      the header ends where the packets begin
 */
import type { Framing, MessageFraming, Peer } from './dialect.ts';
import type { Outgoing } from './outgoing.ts';
import { MAX_HEADER_BYTES } from './websocket-framing.ts';

/** A peer whose socket holds more than this sends nothing until the kernel has taken it all. */
const HELD_LIMIT_BYTES = 256 * 1024;
const SCRATCH_BYTES = 256 * 1024;

/** Shared by all peers: written at once, and what the kernel does not take is copied. */
const scratch = Buffer.allocUnsafeSlow(MAX_HEADER_BYTES + SCRATCH_BYTES);
/** What a header in place has overwritten. */
const spare = Buffer.allocUnsafeSlow(MAX_HEADER_BYTES);

export class Sender {
  readonly #peer: Peer;
  readonly #framing: Framing;
  /** Packets of one write share a message. */
  readonly #bundle: MessageFraming | null;
  readonly #limitBytes: number;
  #owing: Outgoing[] = [];
  #end = MAX_HEADER_BYTES;

  /** @param bundle null: the cycles carry a header per packet, or the framing knows no messages. */
  constructor(peer: Peer, framing: Framing, bundle: MessageFraming | null) {
    this.#peer = peer;
    this.#framing = framing;
    this.#bundle = bundle;
    this.#limitBytes = Math.min(SCRATCH_BYTES, bundle?.limitBytes ?? SCRATCH_BYTES);
  }

  /** The lane owes packets, and did not before. */
  list(lane: Outgoing): void {
    this.#owing.push(lane);
  }

  /** Sends what is owed, as far as the socket and the lanes' credit allow. */
  flush(): void {
    const owing = this.#owing;
    if (owing.length === 0 || this.#peer.heldBytes > HELD_LIMIT_BYTES) return;
    let kept = 0;
    for (let i = 0; i < owing.length; i++) {
      const lane = owing[i]!;
      const count = lane.sendable();
      if (count > 0) this.#send(lane, count, owing.length === 1);
      if (lane.owed > 0) owing[kept++] = lane;
    }
    owing.length = kept;
    if (this.#end > MAX_HEADER_BYTES) this.#writeScratch();
  }

  /** Forgets what is owed. */
  clear(): void {
    for (const lane of this.#owing) lane.owed = 0;
    this.#owing = [];
  }

  #send(lane: Outgoing, count: number, alone: boolean): void {
    const { starts, packets, bytes, leadBytes, turns } = lane.cycle;
    const first = lane.index;
    lane.advance(count);
    if (this.#framing === 'datagrams') {
      for (let i = 0; i < count; i++) {
        const index = (first + i) % packets;
        this.#peer.write(bytes, leadBytes + starts[index]!, leadBytes + starts[index + 1]!, true);
      }
    } else if (!alone || count > packets || (turns === 1 && first + count > packets)) {
      this.#gather(lane, first, count);
    } else {
      const from = leadBytes + starts[first]!;
      const beyond = first + count - packets;
      const to = beyond <= 0 ? starts[first + count]! : starts[packets]! + starts[beyond]!;
      this.#writeInPlace(lane, first, count, from, leadBytes + to);
    }
  }

  /** Writes a run that lies in one piece. */
  #writeInPlace(lane: Outgoing, first: number, count: number, from: number, to: number): void {
    const bundle = this.#bundle;
    const { bytes } = lane.cycle;
    if (bundle === null) {
      this.#peer.write(bytes, from, to, true);
      return;
    }
    if (to - from > this.#limitBytes) {
      this.#gather(lane, first, count);
      return;
    }
    // The header goes over the end of the packet before, which is put back: cheaper than to copy the run.
    const header = bundle.headerBytes(to - from);
    spare.set(bytes.subarray(from - header, from));
    bundle.writeHeader(bytes, from - header, to - from);
    this.#peer.write(bytes, from - header, to, false);
    bytes.set(spare.subarray(0, header), from - header);
  }

  /** Copies packets behind those that are in `scratch`; writes it each time that it is full. */
  #gather(lane: Outgoing, first: number, count: number): void {
    const { starts, packets, bytes, leadBytes } = lane.cycle;
    let index = first;
    let left = count;
    while (left > 0) {
      const room = MAX_HEADER_BYTES + this.#limitBytes - this.#end;
      const most = Math.min(left, packets - index);
      const start = starts[index]!;
      let fit = most;
      if (starts[index + most]! - start > room) {
        fit = 0;
        while (starts[index + fit + 1]! - start <= room) fit++;
      }
      if (fit === 0) {
        this.#writeScratch();
        continue;
      }
      this.#end += bytes.copy(scratch, this.#end, leadBytes + start, leadBytes + starts[index + fit]!);
      index = (index + fit) % packets;
      left -= fit;
    }
  }

  #writeScratch(): void {
    let from = MAX_HEADER_BYTES;
    if (this.#bundle !== null) {
      const packetBytes = this.#end - MAX_HEADER_BYTES;
      from -= this.#bundle.headerBytes(packetBytes);
      this.#bundle.writeHeader(scratch, from, packetBytes);
    }
    this.#peer.write(scratch, from, this.#end, false);
    this.#end = MAX_HEADER_BYTES;
  }
}
