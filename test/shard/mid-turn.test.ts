import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MidTurn } from '../../workers/shard/mid-turn.ts';

describe('sending before a turn ends', () => {
  it('is not due when the turn has only begun, and every half a millisecond after that', () => {
    const turn = new MidTurn();
    expect([10, 10.2, 10.49, 10.5, 10.7, 11, 11.4].map((now) => turn.isDue(now))).toEqual([
      false,
      false,
      false,
      true,
      false,
      true,
      false,
    ]);
  });

  it('begins anew with each turn, however late it comes', () => {
    const turn = new MidTurn();
    turn.isDue(0);
    turn.ended();
    expect(turn.isDue(100)).toBe(false);
    expect(turn.isDue(100.5)).toBe(true);
    turn.ended();
    expect(turn.isDue(100.6)).toBe(false);
    expect(turn.isDue(101.05)).toBe(false);
    expect(turn.isDue(101.1)).toBe(true);
  });

  it('comes no more often than every half a millisecond, and leaves no packet longer than that and one step', () => {
    const steps = fc.array(fc.double({ min: 0, max: 2, noNaN: true }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(steps, (gaps) => {
        const turn = new MidTurn();
        let now = 0;
        let sentAt = 0;
        turn.isDue(now);
        for (const gap of gaps) {
          now += gap;
          const waited = now - sentAt;
          expect(turn.isDue(now)).toBe(waited >= 0.5);
          if (waited >= 0.5) sentAt = now;
        }
      }),
    );
  });
});
