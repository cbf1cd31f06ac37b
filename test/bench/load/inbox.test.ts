import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { websocketFraming } from '../../../bench/load/websocket-framing.ts';
import { CONTROL, type Line, plainLine, send, unwrapped } from './plain-packets.ts';

const sizes = fc.oneof(
  fc.record({ bytes: fc.integer({ min: 4, max: 300 }) }),
  fc.record({ oneOf: fc.array(fc.integer({ min: 4, max: 300 }), { minLength: 1, maxLength: 5 }) }),
);
const sends = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 12 });
/** Lengths of reads, over and over. */
const reads = fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 8 });

/** Hands the bytes over in pieces of these lengths, all in one buffer that is overwritten, as a socket does. */
function deliver({ inbox }: Line, bytes: Buffer, lengths: readonly number[]): void {
  const shared = Buffer.alloc(1_000);
  let turn = 0;
  for (let at = 0; at < bytes.length; ) {
    const length = Math.min(lengths[turn++ % lengths.length]!, bytes.length - at);
    shared.fill(0xee);
    bytes.copy(shared, 50, at, at + length);
    inbox.bytes(shared, 50, 50 + length);
    inbox.readEnded();
    at += length;
  }
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);

describe('what one lane sends', () => {
  it('arrives whole, in order and counted, however the stream is split', () => {
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 50 }), sends, reads, (size, cycle, counts, lengths) => {
        const line = plainLine([size], cycle, 'stream');
        for (const count of counts) send(line, count);
        deliver(line, Buffer.concat(line.writes), lengths);
        const total = sum(counts);
        expect(line.faults).toEqual([]);
        expect(line.arrived[0]).toEqual(upTo(total));
        expect(line.incoming[0]!.received).toBe(total);
        expect(line.incoming[0]!.atBoundary).toBe(true);
        const packetBytes = Buffer.concat(line.writes).length - 4 * total;
        expect(line.incoming[0]!.receivedBytes).toBe(packetBytes);
      }),
    );
  });

  it('is one message a packet, or one a write, as the phase says', () => {
    fc.assert(
      fc.property(
        sizes,
        fc.integer({ min: 1, max: 50 }),
        sends,
        fc.boolean(),
        (size, cycle, counts, single) => {
          const line = plainLine([size], cycle, websocketFraming, single);
          for (const count of counts) send(line, count);
          const messages = unwrapped(line.writes);
          expect(messages.length).toBe(single ? sum(counts) : counts.length);
          for (const message of messages) {
            line.inbox.bytes(message, 0, message.length);
            line.inbox.messageEnded();
          }
          expect(line.faults).toEqual([]);
          expect(line.arrived[0]).toEqual(upTo(sum(counts)));
        },
      ),
    );
  });

  it('is a datagram a packet where the framing is that', () => {
    const line = plainLine([{ oneOf: [10, 20] }], 7, 'datagrams');
    send(line, 30);
    expect(line.writes.length).toBe(30);
    for (const datagram of line.writes) line.inbox.bytes(datagram, 0, datagram.length);
    expect(line.faults).toEqual([]);
    expect(line.arrived[0]).toEqual(upTo(30));
  });

  it('fills several messages where it is more than one may hold', () => {
    const line = plainLine([{ bytes: 50_000 }], 9, websocketFraming);
    send(line, 7);
    const messages = unwrapped(line.writes);
    expect(messages.map((message) => Math.round(message.length / 50_000))).toEqual([2, 2, 2, 1]);
  });

  it('arrives with control items between its packets', () => {
    fc.assert(
      fc.property(sends, reads, fc.integer({ min: 0, max: 3 }), (counts, lengths, controls) => {
        const line = plainLine([{ bytes: 30 }], 11, 'stream');
        const bytes: Buffer[] = [];
        for (const count of counts) {
          send(line, count);
          bytes.push(...line.writes.splice(0), Buffer.alloc(controls, CONTROL));
        }
        deliver(line, Buffer.concat(bytes), lengths);
        expect(line.faults).toEqual([]);
        expect(line.reader.controls).toBe(controls * counts.length);
        expect(line.arrived[0]).toEqual(upTo(sum(counts)));
      }),
    );
  });
});

describe('what several lanes of a peer send', () => {
  it('arrives on the lane that it was sent on', () => {
    const turns = fc.array(fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 1, max: 20 })), {
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(fc.tuple(sizes, sizes, sizes), turns, reads, (three, order, lengths) => {
        const line = plainLine(three, 9, 'stream');
        const counts = [0, 0, 0];
        for (const [lane, count] of order) {
          line.outgoing[lane]!.owe(count);
          counts[lane]! += count;
          if (count % 2 === 0) line.sender.flush();
        }
        line.sender.flush();
        deliver(line, Buffer.concat(line.writes), lengths);
        expect(line.faults).toEqual([]);
        expect(line.arrived).toEqual(counts.map(upTo));
      }),
    );
  });
});

describe('a stream that is not what was sent', () => {
  const CYCLE = 41;
  const SENT = 20;

  /** The packets of a line that has sent SENT of them, one buffer each. */
  function packets(): { line: Line; packets: Buffer[] } {
    const line = plainLine([{ oneOf: [12, 60, 61] }], CYCLE, 'stream');
    for (let i = 0; i < SENT; i++) send(line, 1);
    return { line, packets: line.writes };
  }
  const place = fc.integer({ min: 0, max: SENT - 2 });

  it('counts the packets that are missing where later ones come', () => {
    fc.assert(
      fc.property(place, fc.integer({ min: 1, max: 5 }), reads, (at, count, lengths) => {
        const { line, packets: sent } = packets();
        const dropped = sent.splice(at, Math.min(count, SENT - 1 - at)).length;
        deliver(line, Buffer.concat(sent), lengths);
        expect(line.faults).toEqual([]);
        expect([line.missed, line.incoming[0]!.lost]).toEqual([dropped, dropped]);
        expect(line.incoming[0]!.number).toBe(SENT);
        expect(line.arrived[0]).toEqual(upTo(SENT).filter((n) => n < at || n >= at + dropped));
      }),
    );
  });

  it('counts as lost what is given up at the end', () => {
    const { line, packets: sent } = packets();
    deliver(line, Buffer.concat(sent.slice(0, -3)), [100]);
    expect(line.incoming[0]!.giveUp()).toBe(3);
    expect(line.incoming[0]!.received).toBe(SENT - 3);
  });

  const corruptions: [string, (sent: Buffer[], at: number) => void][] = [
    ['repeats a packet', (sent, at) => void sent.splice(at, 0, sent[at]!)],
    ['repeats an older packet', (sent, at) => void sent.splice(at + 1, 0, sent[Math.floor(at / 2)]!)],
    ['swaps two packets', (sent, at) => void sent.splice(at, 2, sent[at + 1]!, sent[at]!)],
    ['ends with a packet that nobody sent', (sent) => void sent.push(sent[0]!)],
    ['says it is for another lane', (sent, at) => void sent[at]!.writeUInt8(1, 1)],
  ];
  it.each(corruptions)('is corrupted when it %s', (_, change) => {
    fc.assert(
      fc.property(place, reads, (at, lengths) => {
        const { line, packets: sent } = packets();
        change(sent, at);
        deliver(line, Buffer.concat(sent), lengths);
        expect(line.faults[0]?.fault).toBe('corrupted');
      }),
    );
  });

  it('is corrupted when one bit of a payload is not as it was', () => {
    fc.assert(
      fc.property(place, fc.nat(), fc.integer({ min: 0, max: 7 }), reads, (at, byte, bit, lengths) => {
        const { line, packets: sent } = packets();
        const packet = sent[at]!;
        packet[4 + (byte % (packet.length - 4))]! ^= 1 << bit;
        deliver(line, Buffer.concat(sent), lengths);
        expect(line.faults[0]?.fault).toBe('corrupted');
      }),
    );
  });

  it('is corrupted when a message or datagram ends within a packet', () => {
    const inMessages = plainLine([{ bytes: 100 }], 5, websocketFraming);
    send(inMessages, 1);
    const messages = unwrapped(inMessages.writes);
    inMessages.inbox.bytes(messages[0]!, 0, 50);
    inMessages.inbox.messageEnded();
    expect(inMessages.faults[0]?.fault).toBe('corrupted');
    const datagrams = plainLine([{ bytes: 100 }], 5, 'datagrams');
    send(datagrams, 1);
    datagrams.inbox.bytes(datagrams.writes[0]!, 0, 50);
    expect(datagrams.faults[0]?.fault).toBe('corrupted');
  });
});
