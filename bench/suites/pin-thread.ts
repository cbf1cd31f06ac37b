/**
 * Puts the calling thread on a core. Node pins neither processes nor threads; a process is started through `taskset`,
 * and a worker thread inherits that. On Linux a thread can look up its own number in /proc and have `taskset` move it
 * alone, so a process that is pinned to one core can have its second thread on another.
 */
import { spawnSync } from 'node:child_process';
import { readlinkSync } from 'node:fs';

/** @returns whether it was pinned: false off Linux, without taskset, and where the core is not allowed. */
export function pinThisThread(core: number): boolean {
  if (process.platform !== 'linux') return false;
  // <process>/task/<thread>; node:fs answers on the thread that asks when it is asked synchronously.
  const thread = /task\/(\d+)$/.exec(readlinkSync('/proc/thread-self'))?.[1];
  if (!thread) return false;
  return spawnSync('taskset', ['-cp', String(core), thread], { stdio: 'ignore' }).status === 0;
}
