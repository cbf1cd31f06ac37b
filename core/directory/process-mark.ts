/**
 * Who a process is, so that another can tell later whether it still runs. A number alone is not enough: it is used
 * again, and in a container the next relay has the same one as the last. On Linux the time of its start is added.
 */
import { readFileSync } from 'node:fs';

export interface ProcessMark {
  pid: number;
  /** Boot and clock ticks at the start, as letters that a file name may have; empty where the system does not tell. */
  started: string;
}

const own: ProcessMark = { pid: process.pid, started: startOf(process.pid) ?? '' };

export function ownMark(): ProcessMark {
  return own;
}

export function isAlive(mark: ProcessMark): boolean {
  try {
    process.kill(mark.pid, 0);
  } catch (error) {
    // EPERM: it runs, as somebody else.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const started = startOf(mark.pid);
  return mark.started === '' || started === undefined || started === mark.started;
}

function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name, in brackets, may hold anything; field 22 is the 20th after it.
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').slice(0, 8);
    return `${boot}.${ticks}`;
  } catch {
    return undefined;
  }
}
