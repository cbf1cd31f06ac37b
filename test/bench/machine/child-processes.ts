import { readdirSync, readFileSync } from 'node:fs';

/** Ids of the processes that this one has started and that still run; none off Linux. */
export function childProcesses(): number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => parentOf(pid) === process.pid)
    .sort((a, b) => a - b);
}

function parentOf(pid: number): number | null {
  try {
    // The name, in parentheses, may hold anything: <pid> (<name>) <state> <parent> ...
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return null;
  }
}
