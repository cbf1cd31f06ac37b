import { describe, expect, it } from 'vitest';
import { bytesPerSec } from '../../core/cli/rate.ts';

describe('a rate on the command line', () => {
  it.each([
    ['500000', 500_000],
    ['10MB', 10_000_000],
    ['10 MB/s', 10_000_000],
    ['80Mbit', 10_000_000],
    ['80 mbit/s', 10_000_000],
    ['1.5G', 1_500_000_000],
    ['64KiB/s', 65_536],
    ['8bit', 1],
  ])('%s', (given, bytes) => {
    expect(bytesPerSec('relay-bandwidth', given)).toBe(bytes);
  });

  it.each(['', 'fast', '-1MB', '0', '1bit', '2000GB', '10MBx', '1e6', '1.MB', '80mbps'])(
    '%j is none',
    (given) => {
      expect(() => bytesPerSec('relay-bandwidth', given)).toThrow(/--relay-bandwidth must be a rate/);
    },
  );
});
