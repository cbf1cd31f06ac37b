import { expect, test } from 'vitest';
import { loginsPerSec, paceOf } from '../../../bench/replay/pace.ts';

test('everything of the pace is divided by the scale, down to what can be followed', () => {
  expect(paceOf(1)).toEqual({
    reportMs: 60_000,
    moveSpreadMs: 5_000,
    noAnswerMs: 5_000,
    exitAfterMs: 10_000,
  });
  expect(paceOf(60)).toEqual({ reportMs: 1_000, moveSpreadMs: 500, noAnswerMs: 83, exitAfterMs: 1_000 });
});

test('every wait is of whole milliseconds, at least one, at every scale that is allowed', () => {
  for (let scale = 1; scale <= 600; scale++) {
    for (const ms of Object.values(paceOf(scale))) {
      expect(Number.isInteger(ms) && ms >= 1).toBe(true);
    }
    expect(loginsPerSec(100, scale)).toBeGreaterThanOrEqual(10);
  }
});
