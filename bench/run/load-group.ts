/** The load processes of a round as one: each has its part of the pairs, and a core of its own where there are enough. */
import { Child } from '../load/child.ts';
import type { FromLoad, LoadPlan, Measured, Phase, ToLoad } from '../load/plan.ts';
import { shareOut } from './placement.ts';

/** Setting up a call costs both sides a few round trips; logins cost signatures. */
const CONNECT_MS_PER_PEER = 10;
/** What is under way at the end of a phase may take this long to arrive. */
const SETTLE_MS = 30_000;

/** Of all processes together. */
export interface GroupMeasured {
  packets: number;
  packetsPerSec: number;
  due: number | null;
  lost: number;
  histograms: string[];
  /** CPU time over wall time of each process. */
  cpuShares: number[];
}

export class LoadGroup {
  readonly #loads: Child<ToLoad, FromLoad>[];
  readonly cores: readonly (number | null)[];

  private constructor(loads: Child<ToLoad, FromLoad>[], cores: readonly (number | null)[]) {
    this.#loads = loads;
    this.cores = cores;
  }

  /** @throws Error with one sentence when somebody cannot connect. */
  static async connect(plan: LoadPlan, cores: readonly (number | null)[]): Promise<LoadGroup> {
    // A hot spot is one peer: it is not split.
    const parts = plan.shape === 'fan-in' ? [plan.peers] : shareOut(plan.peers, cores.length);
    const used = cores.slice(0, parts.length);
    const loads = used.map((core) => new Child<ToLoad, FromLoad>('load-process', { name: 'load', core }));
    const group = new LoadGroup(loads, used);
    try {
      loads.forEach((load, i) => {
        load.tell({ kind: 'connect', plan: { ...plan, peers: parts[i]! } });
      });
      await group.#all('connected', plan.peers * CONNECT_MS_PER_PEER);
      return group;
    } catch (error) {
      await group.end();
      throw error;
    }
  }

  /** @param measuring awaited when the measured time begins. */
  async run(phase: Phase, measuring: () => Promise<void>): Promise<GroupMeasured> {
    for (const load of this.#loads) load.tell({ kind: 'run', phase });
    await this.#all('measuring', phase.warmupMs);
    await measuring();
    return combine(await this.#all('measured', phase.measureMs + SETTLE_MS));
  }

  /** @returns packets known to be lost, in all. @throws Error when the load has found a fault. */
  async stop(): Promise<number> {
    for (const load of this.#loads) load.tell({ kind: 'stop' });
    const stopped = await this.#all('stopped', SETTLE_MS);
    return stopped.reduce((sum, { lost }) => sum + lost, 0);
  }

  /** Ends the processes, whatever they are doing. */
  async end(): Promise<void> {
    await Promise.all(this.#loads.map((load) => load.stop()));
  }

  #all<K extends FromLoad['kind']>(kind: K, busyMs: number): Promise<Extract<FromLoad, { kind: K }>[]> {
    return Promise.all(this.#loads.map((load) => load.next(kind, busyMs)));
  }
}

export function combine(parts: readonly Measured[]): GroupMeasured {
  const sum = (of: (part: Measured) => number) => parts.reduce((total, part) => total + of(part), 0);
  return {
    packets: sum(({ packets }) => packets),
    packetsPerSec: sum(({ packets, elapsedMs }) => (packets / elapsedMs) * 1000),
    due: parts.some(({ due }) => due === null) ? null : sum(({ due }) => due ?? 0),
    lost: sum(({ lost }) => lost),
    histograms: parts.map(({ histogram }) => histogram),
    cpuShares: parts.map(({ cpuMs, elapsedMs }) => cpuMs / elapsedMs),
  };
}
