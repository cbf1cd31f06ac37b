/** A rate as people write it: 10MB, 80Mbit, 1.5GB/s, 500000. Read as bytes per second. */
import { UsageError } from './exit-codes.ts';

const PREFIX: Record<string, number> = {
  '': 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  ki: 1024,
  mi: 1024 ** 2,
  gi: 1024 ** 3,
};
const RATE = /^(\d+(?:\.\d+)?)\s*([kmg]i?)?(b|bytes?|bits?)?(?:\/s)?$/i;
const MOST = 1e12;

/** @throws UsageError that names the flag. */
export function bytesPerSec(flag: string, given: string): number {
  const parts = RATE.exec(given.trim());
  const isBits = /^bits?$/i.test(parts?.[3] ?? '');
  const rate = parts ? (Number(parts[1]) * PREFIX[(parts[2] ?? '').toLowerCase()]!) / (isBits ? 8 : 1) : 0;
  if (rate >= 1 && rate <= MOST) return rate;
  throw new UsageError(
    `--${flag} must be a rate from 1 to 1e12 bytes per second, such as 10MB or 80Mbit (per second), not "${given.slice(0, 60)}".`,
  );
}
