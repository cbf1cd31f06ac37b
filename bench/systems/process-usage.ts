/**
 * CPU time and memory of a process and its descendants, read from outside in the same way for every system (Linux).
 *
 * CPU: /proc/PID/task/TID/schedstat has each living thread's time on a core in nanoseconds. /proc/PID/stat has that
 * of the ended threads too, but cut to ticks of 10 ms, twice (user and system). So the ended threads' share is
 *
 *   stat - living <= ended < stat - living + 20 ms
 *
 * and it is moved only as far as these bounds demand: while no thread ends, which is the case in a measurement, a
 * difference of two readings is that of nanosecond counters. The kernel brings the counter of a thread that is
 * running at the moment of the reading up to date at its scheduler tick and at every switch: such a thread may be
 * behind by up to a tick (4 ms at 250 Hz: 0.1% of a measurement of 4 s), one that sleeps is exact.
 */
import { readdir, readFile } from 'node:fs/promises';

/** USER_HZ: fixed at 100 on every architecture that Node runs on. */
const TICK_MS = 10;
/** utime and stime are each cut to whole ticks. */
const CUT_MS = 2 * TICK_MS;

interface Living {
  cpuMs: number;
  children: number[];
}

/** Undefined: the process, or the thread, has ended meanwhile. */
async function read(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'latin1');
  } catch {
    return undefined;
  }
}

async function livingThreads(pid: number): Promise<Living | undefined> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => undefined);
  if (threads === undefined) return undefined;
  const each = await Promise.all(
    threads.map(async (thread) => {
      const at = `/proc/${pid}/task/${thread}`;
      return { times: await read(`${at}/schedstat`), children: await read(`${at}/children`) };
    }),
  );
  const living: Living = { cpuMs: 0, children: [] };
  for (const { times, children } of each) {
    living.cpuMs += Number(times?.split(' ', 1)[0] ?? 0) / 1e6;
    living.children.push(...(children?.split(' ').filter(Boolean).map(Number) ?? []));
  }
  return living;
}

/** utime + stime: fields 14 and 15; the name in field 2 may hold anything, so count from its last parenthesis. */
export function statCpuMs(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** Resident memory in kibibytes, as these files name it. */
function kibibytes(
  text: string | undefined,
  name: 'VmRSS' | 'Rss' | 'RssAnon' | 'RssFile',
): number | undefined {
  const value = text && new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1];
  return value === undefined ? undefined : Number(value);
}

export class ProcessUsage {
  readonly #pid: number;
  /** Of each process: CPU time of its ended threads, as far as it is known. */
  readonly #endedMs = new Map<number, number>();

  constructor(pid: number) {
    this.#pid = pid;
  }

  /** @throws Error when the process has ended. */
  async read(): Promise<{ cpuMs: number; rssBytes: number }> {
    const sum = { cpuMs: 0, rssBytes: 0 };
    await this.#add(this.#pid, sum);
    return sum;
  }

  /** As `read().rssBytes`, but exact: the kernel walks the page tables, and may take milliseconds for it. */
  async exactRssBytes(): Promise<number> {
    return this.#exactRss(this.#pid);
  }

  /** Resident memory: what is the process's own, and pages of files. */
  async resident(): Promise<{ anonBytes: number; fileBytes: number }> {
    const status = await read(`/proc/${this.#pid}/status`);
    const anon = kibibytes(status, 'RssAnon');
    const file = kibibytes(status, 'RssFile');
    if (anon === undefined || file === undefined) {
      throw new Error(`Process ${this.#pid} has ended: its memory cannot be read.`);
    }
    return { anonBytes: anon * 1024, fileBytes: file * 1024 };
  }

  async #add(pid: number, sum: { cpuMs: number; rssBytes: number }): Promise<void> {
    const living = await livingThreads(pid);
    const stat = await read(`/proc/${pid}/stat`);
    const rss = kibibytes(await read(`/proc/${pid}/status`), 'VmRSS');
    if (living === undefined || stat === undefined || rss === undefined) {
      // A child may end between two looks; the process itself may not.
      if (pid !== this.#pid) return;
      throw new Error(`Process ${pid} has ended: its use of CPU and memory cannot be read.`);
    }
    const least = Math.max(0, statCpuMs(stat) - living.cpuMs);
    const ended = Math.min(Math.max(this.#endedMs.get(pid) ?? 0, least), least + CUT_MS);
    this.#endedMs.set(pid, ended);
    sum.cpuMs += living.cpuMs + ended;
    sum.rssBytes += rss * 1024;
    for (const child of living.children) await this.#add(child, sum);
  }

  async #exactRss(pid: number): Promise<number> {
    const rollup = kibibytes(await read(`/proc/${pid}/smaps_rollup`), 'Rss');
    const kiB = rollup ?? kibibytes(await read(`/proc/${pid}/status`), 'VmRSS');
    if (kiB === undefined) {
      if (pid !== this.#pid) return 0;
      throw new Error(`Process ${pid} has ended: its memory cannot be read.`);
    }
    let bytes = kiB * 1024;
    for (const child of (await livingThreads(pid))?.children ?? []) bytes += await this.#exactRss(child);
    return bytes;
  }
}
