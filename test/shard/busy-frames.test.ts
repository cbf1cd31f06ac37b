import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeControl } from '../../core/protocol/control.ts';
import * as op from '../../core/protocol/ops.ts';
import { BusyFrames } from '../../workers/shard/busy-frames.ts';

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });

test('a frame says what an encoded one would, however many sentences there are', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string({ maxLength: 60 }), u32), { maxLength: 60 }), (refusals) => {
      const frames = new BusyFrames();
      const encoded = refusals.map(([message, retryAfterMs]) => frames.encode(message, retryAfterMs));
      // Read when all are written: each is a frame of its own.
      encoded.forEach((frame, index) => {
        const [message, retryAfterMs] = refusals[index]!;
        expect(decodeControl(frame, 0, frame.length)).toEqual({
          op: op.OP_ERROR,
          requestId: 0,
          body: { code: 'busy', message, fatal: true, retryAfterMs },
        });
      });
    }),
  );
});
