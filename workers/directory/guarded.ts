/** Tasks that touch the store: none begins once the process is ending, which waits for those that have (task-gate.ts). */
import { workerData } from 'node:worker_threads';
import type { DirectorySettings } from '../../core/threads/directory-messages.ts';
import { createTaskGate, TaskGate } from '../../core/threads/task-gate.ts';

/** Outside the pool, in a test, there is no process to wait for it. */
const gate = new TaskGate((workerData as DirectorySettings | null)?.gate ?? createTaskGate());

/** The main thread has counted this thread in while it started. */
export function started(): void {
  gate.leave();
}

/** @throws Error when the process is ending. */
export function guarded<A extends unknown[], R>(task: (...given: A) => R): (...given: A) => R {
  return (...given) => {
    if (!gate.enter()) throw new Error('The directory is closed.');
    try {
      return task(...given);
    } finally {
      gate.leave();
    }
  };
}
