/**
 * Every test file's set-up: bytes are compared at once. Vitest compares typed arrays item by item through iterators, which
 * is a thousand times slower, and most of what some property tests did.
 */
import { expect } from 'vitest';

expect.addEqualityTesters([
  (a: unknown, b: unknown): boolean | undefined => {
    if (!(a instanceof Uint8Array) || !(b instanceof Uint8Array)) return undefined;
    // A Buffer and plain bytes: as Vitest does, by the rules of the matcher.
    if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return undefined;
    return Buffer.compare(a, b) === 0;
  },
]);
