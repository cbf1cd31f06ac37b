/** Starts and ends a relay's shards, with all that they share. */
import { randomBytes } from 'node:crypto';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { createAccounts, MAX_TENANTS, type SharedAccounts } from '../threads/accounts.ts';
import { createCounters } from '../threads/counters.ts';
import { createEarlyProofs } from '../threads/early-proofs.ts';
import type { FromShard, ShardTask, ToShard } from '../threads/messages.ts';
import { createPrefixCounts } from '../threads/prefix-counts.ts';
import { createPresence } from '../threads/presence.ts';
import { processMs } from '../threads/process-clock.ts';
import { createRing } from '../threads/ring.ts';
import { createTaskGate } from '../threads/task-gate.ts';
import { createVersions } from '../threads/versions.ts';
import { inTime } from './in-time.ts';
import { CLOSE_WAIT_MS, ringBytes, SHARD_YOUNG_GENERATION_MB } from './limits.ts';
import { workerExecArgv, workerFile } from './worker-file.ts';

export interface Shared {
  presence: SharedArrayBuffer;
  counters: SharedArrayBuffer;
  versions: SharedArrayBuffer;
  directoryTasks: SharedArrayBuffer;
  closedShards: SharedArrayBuffer;
  prefixCounts: SharedArrayBuffer;
  earlyProofs: SharedArrayBuffer;
  accounts: SharedAccounts;
}

export function createShared(
  shards: number,
  maxPeers: number,
  { maxChannels, tenants }: { maxChannels: number; tenants: unknown },
): Shared {
  return {
    presence: createPresence(maxPeers, randomBytes(32)),
    counters: createCounters(shards),
    versions: createVersions(),
    directoryTasks: createTaskGate(),
    closedShards: new SharedArrayBuffer(4),
    prefixCounts: createPrefixCounts(),
    earlyProofs: createEarlyProofs(processMs()),
    accounts: createAccounts(shards, tenants === null ? 0 : MAX_TENANTS, {
      sessions: maxPeers,
      channels: maxChannels,
    }),
  };
}

type ShardSettings = Pick<
  ShardTask,
  | 'relayKey'
  | 'ticketKey'
  | 'run'
  | 'loginTimeoutMs'
  | 'idleTimeoutSeconds'
  | 'authorize'
  | 'refuseVersions'
  | 'admission'
  | 'budgets'
  | 'tenants'
  | 'directory'
  | 'tls'
  | Exclude<keyof Shared, 'directoryTasks'>
>;

export class ShardThreads {
  readonly count: number;
  readonly #pool: Piscina;
  readonly #ports: MessagePort[] = [];
  #running: Promise<unknown>[] = [];

  constructor(count: number) {
    this.count = count;
    this.#pool = new Piscina({
      filename: workerFile('shard'),
      execArgv: workerExecArgv,
      minThreads: count,
      maxThreads: count,
      concurrentTasksPerWorker: 1,
      atomics: 'disabled',
      // Its histograms take 10 ms to make, and nobody reads them.
      recordTiming: false,
      resourceLimits: { maxYoungGenerationSizeMb: SHARD_YOUNG_GENERATION_MB },
      idleTimeout: Number.POSITIVE_INFINITY,
    });
  }

  /** Starts every shard. `failed` hears of a shard that ended without being told to. */
  start(
    settings: ShardSettings,
    heard: (shard: number, message: FromShard) => void,
    failed: (shard: number, error: unknown) => void,
  ): void {
    const pairs = Array.from({ length: this.count }, () =>
      new Array<SharedArrayBuffer | null>(this.count).fill(null),
    );
    const wakes = Array.from({ length: this.count }, () =>
      new Array<MessagePort | null>(this.count).fill(null),
    );
    const bytes = ringBytes(this.count);
    for (let a = 0; a < this.count; a++) {
      for (let b = a + 1; b < this.count; b++) {
        pairs[a]![b] = createRing(bytes);
        pairs[b]![a] = createRing(bytes);
        const { port1, port2 } = new MessageChannel();
        wakes[a]![b] = port1;
        wakes[b]![a] = port2;
      }
    }
    const awake = new SharedArrayBuffer(this.count * 4);
    this.#running = pairs.map((ringsOut, index) => {
      const { port1, port2 } = new MessageChannel();
      this.#ports.push(port1);
      port1.on('message', (message: FromShard) => heard(index, message));
      const task: ShardTask = {
        ...settings,
        index,
        shards: this.count,
        control: port2,
        wakePorts: wakes[index]!,
        ringsIn: pairs.map((row) => row[index]!),
        ringsOut,
        awake,
      };
      const transferList = [port2, ...wakes[index]!.filter((port) => port !== null)];
      return this.#pool.run(task, { transferList }).catch((error: unknown) => failed(index, error));
    });
  }

  tell(shard: number, message: ToShard, transferList: MessagePort[] = []): void {
    this.#ports[shard]!.postMessage(message, transferList);
  }

  tellAll(message: ToShard): void {
    for (const port of this.#ports) port.postMessage(message);
  }

  /** Closes every socket, then ends the threads. */
  async close(): Promise<void> {
    this.tellAll({ kind: 'close' });
    await inTime(Promise.all(this.#running), CLOSE_WAIT_MS);
    await this.#pool.destroy();
    for (const port of this.#ports) port.close();
  }
}
