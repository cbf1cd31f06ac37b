import { describe, expect, it } from 'vitest';
import type { RawSocket } from '../../../bench/load/raw-socket.ts';
import { BundleWriter } from '../../../bench/load/scenarios/bundle-writer.ts';
import { ChannelEnd } from '../../../bench/load/scenarios/channel-end.ts';
import { NumberedFlow } from '../../../bench/load/scenarios/numbered-flow.ts';
import { Operation } from '../../../bench/load/scenarios/operation.ts';
import { dataFrameEnd, payloadStart } from '../../../core/protocol/frame.ts';
import { latencies } from './run-scenario.ts';

const HEADER_BYTES = 6;

/** Packets of a flow, as they lie in the bytes that its sender wrote. */
function packets(flow: NumberedFlow, sizes: number[]): Buffer[] {
  const kind = { reliable: false, priority: 1, lifeMs: 0, protocol: '' };
  const reader = { data: () => {}, closed: () => {}, credited: () => {} };
  const end = new ChannelEnd(0x10_000, kind, 0, reader);
  return sizes.map((bytes) => {
    const writer = new BundleWriter();
    let written = Buffer.alloc(0);
    const socket = {
      write: (message: Uint8Array) => {
        written = Buffer.from(message);
        return true;
      },
    };
    writer.begin(socket as unknown as RawSocket);
    flow.append(writer, end, bytes, performance.now());
    writer.send();
    const frame = written.subarray(bytes + 9 < 126 ? HEADER_BYTES : HEADER_BYTES + 2);
    expect(dataFrameEnd(frame, 0, frame.length)).toBe(frame.length);
    return Buffer.from(frame.subarray(payloadStart(frame, 0)));
  });
}

const take = (flow: NumberedFlow, packet: Buffer): void =>
  flow.take(packet, 0, packet.length, performance.now());

describe('a numbered flow', () => {
  it('counts what is due, done and under way', () => {
    const operation = new Operation();
    operation.reset(performance.now());
    const flow = new NumberedFlow(3, operation, true);
    const [first, second] = packets(flow, [10, 160, 400]);
    take(flow, first!);
    take(flow, second!);
    const result = operation.result(performance.now(), true);
    expect(result).toMatchObject({ due: 3, done: 2, underWay: 1, lost: 0 });
    expect(latencies(result).totalCount).toBe(2);
  });

  it('counts a gap as lost on a realtime channel, and fails on a reliable one', () => {
    const operation = new Operation();
    const flow = new NumberedFlow(1, operation, false);
    const sent = packets(flow, [20, 20, 20, 20]);
    take(flow, sent[0]!);
    take(flow, sent[3]!);
    expect(flow).toMatchObject({ sent: 4, arrived: 2, lost: 2, packetsUnderWay: 0 });

    const reliable = new NumberedFlow(1, operation, true);
    const later = packets(reliable, [20, 20])[1]!;
    expect(() => take(reliable, later)).toThrow(expect.objectContaining({ fault: 'lost' }));
  });

  it('takes a packet that comes after it was given up for lost, and still calls a wrong one corrupted', () => {
    const flow = new NumberedFlow(1, new Operation(), false);
    const sent = packets(flow, [20, 20]);
    flow.giveUp();
    take(flow, sent[1]!);
    expect(flow).toMatchObject({ sent: 2, arrived: 0, lost: 2, packetsUnderWay: 0 });
    expect(() => take(flow, flipped(sent[1]!, 19))).toThrow(expect.objectContaining({ fault: 'corrupted' }));
  });

  it.each([
    ['repeated', (sent: Buffer[]) => sent[0]!],
    ['of another flow', () => packets(new NumberedFlow(2, new Operation(), false), [20, 20])[1]!],
    ['never sent', () => packets(new NumberedFlow(1, new Operation(), false), [20, 20, 20, 20])[3]!],
    ['shorter than it was', (sent: Buffer[]) => sent[1]!.subarray(0, 19)],
    ['shorter than any', (sent: Buffer[]) => sent[1]!.subarray(0, 9)],
    ['changed in one bit', (sent: Buffer[]) => flipped(sent[1]!, 19)],
    ['changed in its length', (sent: Buffer[]) => flipped(sent[1]!, 9)],
  ])('calls a packet corrupted that is %s', (_, wrong) => {
    const flow = new NumberedFlow(1, new Operation(), false);
    const sent = packets(flow, [20, 20]);
    take(flow, sent[0]!);
    expect(() => take(flow, wrong(sent))).toThrow(expect.objectContaining({ fault: 'corrupted' }));
  });
});

function flipped(packet: Buffer, at: number): Buffer {
  const changed = Buffer.from(packet);
  changed[at]! ^= 1;
  return changed;
}
