import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClientThrottle } from '../../core/overload/client-throttle.ts';

describe('a client throttle', () => {
  it('rejects nothing while half of the requests are accepted', () => {
    fc.assert(
      fc.property(fc.nat(200), (n) => {
        const throttle = new ClientThrottle();
        for (let k = 0; k < n; k++) {
          throttle.requested(k);
          if (k % 2 === 0) throttle.accepted(k);
          expect(throttle.rejects(k, () => 0)).toBe(false);
        }
      }),
    );
  });

  it('rejects with p = (requests - 2 x accepts) / (requests + 1)', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(200), fc.double({ min: 0, max: 0.999, noNaN: true }), (a, b, lot) => {
        const [requests, accepts] = [Math.max(a, b), Math.min(a, b)];
        const throttle = new ClientThrottle();
        for (let k = 0; k < requests; k++) throttle.requested(0);
        for (let k = 0; k < accepts; k++) throttle.accepted(0);
        const p = Math.max(0, (requests - 2 * accepts) / (requests + 1));
        expect(throttle.rejects(0, () => lot)).toBe(lot < p);
      }),
    );
  });

  it('asks again when what was refused is older than its window', () => {
    const throttle = new ClientThrottle({ windowMs: 1_200 });
    for (let k = 0; k < 100; k++) throttle.requested(0);
    expect(throttle.rejects(1_100, () => 0.5)).toBe(true);
    expect(throttle.rejects(1_200, () => 0)).toBe(false);
  });
});
