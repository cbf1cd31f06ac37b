/** What can be measured: supernode and those that it is compared with. Each system is an adapter in a file beside this one. */
import type { Dialect } from '../load/plan.ts';

export const SYSTEM_IDS = [
  'supernode',
  'ws',
  'uws-relay',
  'uws-echo',
  'nats',
  'coturn-tcp',
  'coturn-tcp-udp',
  'coturn-udp',
] as const;
export type SystemId = (typeof SYSTEM_IDS)[number];

export interface StartOptions {
  /** Core that every thread of the system is pinned to; null: not pinned. */
  core: number | null;
  /** Shards, of a system that has them. */
  shards: number;
  /** Where the store of a system that has one is kept; without, it keeps nothing. */
  directory?: string;
}

/** Of the whole system: every thread of its process, and of its children. */
export interface Usage {
  atMs: number;
  cpuMs: number;
  rssBytes: number;
  /** Packets that it says it dropped, in all; null when it does not say. */
  drops: number | null;
}

export interface RunningSystem extends AsyncDisposable {
  /** As `LoadPlan.address`. */
  address: string;
  usage(): Promise<Usage>;
  /** Memory after a forced collection in every thread; the plain figure where there is nothing to collect. */
  collectedRssBytes(): Promise<number>;
  /** Ends the process, at the latest by SIGKILL. */
  stop(): Promise<void>;
}

export interface System {
  id: SystemId;
  /** Such as `nats-server, one core`. */
  title: string;
  dialect: Dialect;
  /** Null when it can be run here; else why not, and the command that installs it. */
  missing(): Promise<{ why: string; install: string } | null>;
  /** Such as `2.9.10`. */
  version(): Promise<string>;
  /** @throws Error with one sentence when it does not come up. */
  start(options: StartOptions): Promise<RunningSystem>;
}
