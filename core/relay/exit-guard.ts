/**
 * `process.exit()` while shards hold sockets would abort the process (uWebSockets.js), and so it would while a directory
 * worker is inside LMDB: so the last thing that the main thread does is to tell every shard to close its sockets, and
 * every directory worker to begin with no more tasks, and to wait, a bounded time, until they have.
 */
import type { TaskGate } from '../threads/task-gate.ts';
import { EXIT_WAIT_MS } from './limits.ts';

export interface Guarded {
  shards: number;
  /** Word 0 counts the shards that have closed their sockets. */
  closedShards: Int32Array;
  directoryTasks: TaskGate;
  tellClose(): void;
}

const guarded = new Set<Guarded>();

export function guardExit(relay: Guarded): () => void {
  if (guarded.size === 0) process.on('exit', closeAll);
  guarded.add(relay);
  return () => {
    guarded.delete(relay);
    if (guarded.size === 0) process.off('exit', closeAll);
  };
}

function closeAll(): void {
  for (const relay of guarded) {
    relay.tellClose();
    relay.directoryTasks.close();
  }
  const deadline = performance.now() + EXIT_WAIT_MS;
  for (const { shards, closedShards, directoryTasks } of guarded) {
    for (;;) {
      const closed = Atomics.load(closedShards, 0);
      const left = deadline - performance.now();
      if (closed >= shards || left <= 0) break;
      // The main thread may block here: nothing else of the process is going to run on it.
      Atomics.wait(closedShards, 0, closed, left);
    }
    directoryTasks.waitUntilIdle(deadline - performance.now());
  }
}
