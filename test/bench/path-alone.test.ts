import { expect, test } from 'vitest';
import { PathAlone } from '../../bench/path-alone.ts';

test.each([1, 64])('the packet path alone forwards what it is given, %i frames a message', async (frames) => {
  const path = await PathAlone.load(new URL('../../dist/', import.meta.url));
  // It throws when a byte is missing, a frame dropped or a session ended.
  expect(path.slice(frames)).toBeGreaterThan(0);
  expect(path.slice(frames)).toBeGreaterThan(0);
});
