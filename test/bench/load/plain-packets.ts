/**
 * The smallest packets that a dialect can have, and both ends of two lanes without a socket between them.
 *
 *   packet     P | key | length u16 BE | payload           control item     C
 */
import type { Found, Lane, PacketReader, Peer } from '../../../bench/load/dialect.ts';
import { type Framing, INCOMPLETE, NO_PACKET } from '../../../bench/load/dialect.ts';
import type { LoadFault } from '../../../bench/load/fault.ts';
import { Inbox } from '../../../bench/load/inbox.ts';
import { type ArrivalObserver, Incoming } from '../../../bench/load/incoming.ts';
import { Outgoing } from '../../../bench/load/outgoing.ts';
import { PacketCycle, payloadsOf } from '../../../bench/load/packet-cycle.ts';
import type { Sizes } from '../../../bench/load/plan.ts';
import { Sender } from '../../../bench/load/sender.ts';

const PACKET = 0x50;
export const CONTROL = 0x43;
const HEADER_BYTES = 4;
const HEADER_ROOM_BYTES = 14;
const MASK_BYTES = 4;

function plainLane(key: number): Lane {
  const encode = (payload: Uint8Array): Uint8Array =>
    Buffer.concat([Buffer.of(PACKET, key, payload.length >> 8, payload.length & 255), payload]);
  return { key, encode, expect: encode };
}

function plainReader(): PacketReader & { controls: number } {
  return {
    controls: 0,
    read(bytes: Buffer, from: number, to: number, found: Found): number {
      if (bytes[from] === CONTROL) {
        this.controls++;
        found.key = NO_PACKET;
        return from + 1;
      }
      if (bytes[from] !== PACKET) throw new Error('Neither a packet nor a control item.');
      if (to - from < HEADER_BYTES) return INCOMPLETE;
      const end = from + HEADER_BYTES + bytes.readUInt16BE(from + 2);
      if (end > to) return INCOMPLETE;
      found.key = bytes[from + 1]!;
      found.payloadFrom = from + HEADER_BYTES;
      found.payloadTo = end;
      return end;
    },
  };
}

export interface Line {
  /** Everything that was written, write by write. */
  writes: Buffer[];
  outgoing: Outgoing[];
  incoming: Incoming[];
  sender: Sender;
  inbox: Inbox;
  reader: { controls: number };
  faults: LoadFault[];
  /** Numbers of packets, in order of arrival, by lane. */
  arrived: number[][];
  missed: number;
}

/** Lanes of these sizes from one peer to another; `writes` is what would go over the wire. */
export function plainLine(sizes: readonly Sizes[], packets: number, framing: Framing, single = false): Line {
  const writes: Buffer[] = [];
  const peer: Peer = {
    heldBytes: 0,
    write: (bytes, from, to) => void writes.push(Buffer.from(bytes.subarray(from, to))),
    destroy: () => {},
  };
  const messages = typeof framing === 'object' ? framing : null;
  const sender = new Sender(peer, framing, single ? null : messages);
  const reader = plainReader();
  const line: Omit<Line, 'inbox' | 'outgoing' | 'incoming'> = {
    writes,
    sender,
    reader,
    faults: [],
    arrived: sizes.map(() => []),
    missed: 0,
  };
  const observer: ArrivalObserver = {
    arrived(lane, first, last) {
      for (let number = first; number < last; number++) line.arrived[lane.lane.key]!.push(number);
    },
    missed(_lane, first, last) {
      line.missed += last - first;
    },
  };
  const inbox = new Inbox(
    0,
    reader,
    { readEnded: () => {}, drained: () => {}, failed: (fault) => line.faults.push(fault) },
    framing === 'datagrams',
  );
  const outgoing: Outgoing[] = [];
  const incoming = sizes.map((size, key) => {
    const lane = plainLane(key);
    const payloads = payloadsOf(size, packets, key);
    const bare = new PacketCycle(payloads, lane.encode);
    const layout = { message: single ? messages : null, leadBytes: HEADER_ROOM_BYTES, turns: 2 } as const;
    const cycle = new PacketCycle(payloads, lane.encode, layout);
    outgoing.push(new Outgoing(sender, cycle, bare, null, null));
    return new Incoming(`lane ${key}`, lane, bare, outgoing[key]!, observer);
  });
  inbox.setLanes(incoming);
  return Object.assign(line, { inbox, outgoing, incoming });
}

/** Sends so many packets on a lane, in one write where that can be. */
export function send({ outgoing, sender }: Line, packets: number, lane = 0): void {
  outgoing[lane]!.owe(packets);
  sender.flush();
}

/** The writes as a reader gets them: without the headers of messages. */
export function unwrapped(writes: readonly Buffer[]): Buffer[] {
  const messages: Buffer[] = [];
  const whole = Buffer.concat(writes);
  let at = 0;
  while (at < whole.length) {
    const short = whole[at + 1]! & 0x7f;
    const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
    const length =
      extended === 0 ? short : extended === 2 ? whole.readUInt16BE(at + 2) : whole.readUInt32BE(at + 6);
    at += 2 + extended + MASK_BYTES;
    messages.push(whole.subarray(at, at + length));
    at += length;
  }
  return messages;
}
