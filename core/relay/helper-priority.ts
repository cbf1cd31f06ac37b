/**
 * V8 has helper threads, four in Node, which collect garbage and compile for every thread of the process. They have its
 * priority: on a busy core they take turns of 4 ms (Linux, EEVDF) from a shard that packets wait for.
 */
import { readdirSync } from 'node:fs';
import { setPriority } from 'node:os';

/** As the directory pool has (directory-threads.ts). */
const NICE = 10;

/**
 * Lowers the priority of the threads that this process has now, but for its main one: at the start of a program those
 * are V8's helpers and libuv's. Packets then wait less where all cores are busy; elsewhere nothing changes. `supernode start`
 * does it; a program that embeds a relay may, before it makes threads of its own. Linux only: does nothing elsewhere.
 *
 * @returns how many threads there were.
 */
export function letHelpersGiveWay(): number {
  if (process.platform !== 'linux') return 0;
  let lowered = 0;
  for (const thread of threads()) {
    // On Linux a thread's id is as good as a process's; the main thread has that of its process.
    if (Number(thread) === process.pid) continue;
    try {
      setPriority(Number(thread), NICE);
      lowered++;
    } catch {
      // It has ended meanwhile.
    }
  }
  return lowered;
}

function threads(): string[] {
  try {
    return readdirSync('/proc/self/task');
  } catch {
    // A system without /proc: they keep their priority.
    return [];
  }
}
