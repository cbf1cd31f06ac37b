import { expect, it } from 'vitest';
import { PING_BYTES, PingFrame } from '../../../bench/load/scenarios/ping-frame.ts';
import { decodeControl } from '../../../core/protocol/control.ts';
import { OP_PING } from '../../../core/protocol/ops.ts';

it('a keep-alive is a ping of 40 bytes that a relay reads', () => {
  const message = new PingFrame().message(0xfedc_ba98);
  const frame = message.subarray(message.length - PING_BYTES);
  expect(decodeControl(frame, 0, PING_BYTES)).toEqual({ op: OP_PING, requestId: 0xfedc_ba98, body: {} });
});
