/** Who used the measured cores: what was neither idle nor ours went to other programs. */
import { cpus } from 'node:os';

export interface IdleTimes {
  atMs: number;
  idleMs: number[];
}

export function idleTimes(): IdleTimes {
  return { atMs: performance.now(), idleMs: cpus().map((cpu) => cpu.times.idle) };
}

/**
 * @param ours CPU time over wall time that the run itself used of each measured core.
 * @returns the share of the more disturbed core that went to others; null where nothing is pinned.
 */
export function othersCpuShare(
  before: IdleTimes,
  after: IdleTimes,
  ours: readonly { core: number | null; share: number }[],
): number | null {
  const elapsedMs = after.atMs - before.atMs;
  const used = new Map<number, number>();
  for (const { core, share } of ours) {
    if (core === null || after.idleMs[core] === undefined || before.idleMs[core] === undefined) return null;
    used.set(core, (used.get(core) ?? 0) + share);
  }
  if (used.size === 0 || elapsedMs <= 0) return null;
  const shares = [...used].map(
    ([core, share]) => 1 - (after.idleMs[core]! - before.idleMs[core]!) / elapsedMs - share,
  );
  return Math.max(0, ...shares);
}
