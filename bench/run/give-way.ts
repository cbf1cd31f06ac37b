/** For a load that shares its core with what is measured: whatever else wants to run there comes first, at once. */
import { spawnSync } from 'node:child_process';
import { constants, setPriority } from 'node:os';

/**
 * A low priority alone is not enough on Linux: a thread that has its turn keeps it for up to 4 ms, however nice it is
 * (EEVDF), which then stands in the latency of who shares the core. A thread of SCHED_IDLE is interrupted at once.
 */
export function giveWay(): void {
  setPriority(constants.priority.PRIORITY_LOW);
  if (process.platform === 'linux')
    spawnSync('chrt', ['--all-tasks', '--idle', '--pid', '0', String(process.pid)]);
}
