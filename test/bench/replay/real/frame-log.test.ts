import { expect, test } from 'vitest';
import { FrameLog } from '../../../../bench/replay/real/frame-log.ts';

test('a frame that arrives late is counted when it was sent', () => {
  const log = new FrameLog(100);
  log.sent(1, 5);
  log.begin(1_000);
  log.sent(1, 1_000);
  log.sent(1, 1_099.9, 2);
  log.sent(1, 1_250);
  log.got(1, 1_099.9);
  log.got(1, 1_250);
  expect(log.counts.sent[1]).toEqual([3, 0, 1]);
  expect(log.counts.got[1]).toEqual([1, 0, 1]);
  expect(log.counts.sent[0]).toEqual([]);
});
