/** For a load that shares its core with what is measured: whatever else wants to run there comes first, at once. */
import { execFile, spawnSync } from 'node:child_process';
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

/**
 * Whether a process can give way for a while and have its priority back: that needs Linux and CAP_SYS_NICE, which root has and a
 * container may not.
 */
export function canGiveWayForAWhile(): Promise<boolean> {
  if (process.platform !== 'linux') return Promise.resolve(false);
  return succeeds('chrt', ['--idle', '0', 'sh', '-c', 'chrt --other --pid 0 $$']);
}

/** All threads of a process give way, or no longer. @returns false when that could not be. */
export function letGiveWay(pid: number, gives: boolean): Promise<boolean> {
  return succeeds('chrt', ['--all-tasks', gives ? '--idle' : '--other', '--pid', '0', String(pid)]);
}

function succeeds(command: string, args: string[]): Promise<boolean> {
  return new Promise((resolve) => execFile(command, args, (error) => resolve(error === null)));
}
