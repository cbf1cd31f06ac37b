/** The first and the last task of every thread of the directory pool: its store is opened, and closed. */
import { SupernodeError } from '../../core/protocol/errors.ts';
import type { Trouble } from '../../core/threads/directory-messages.ts';
import { guarded, started } from './guarded.ts';
import { closeDirectory, theDirectory } from './store.ts';

export interface EveryThreadTask {
  /** Word 0 counts the threads that have done it. */
  done: SharedArrayBuffer;
  threads: number;
  waitMs: number;
}

const openGuarded = guarded(theDirectory);
const closeGuarded = guarded(closeDirectory);

/** Opening takes the writer's lock: later it would make a read or a login wait for a disk. @returns why it could not. */
export function openStore(task: EveryThreadTask): Trouble | null {
  try {
    openGuarded();
    return null;
  } catch (error) {
    if (!(error instanceof SupernodeError)) throw error;
    // Not thrown: between threads an error loses its code.
    return { code: error.code, message: error.message };
  } finally {
    started();
    waitForOthers(task);
  }
}

export async function closeStore(task: EveryThreadTask): Promise<void> {
  await closeGuarded();
  waitForOthers(task);
}

/** So the pool gives each thread one of these tasks. */
function waitForOthers({ done, threads, waitMs }: EveryThreadTask): void {
  const counted = new Int32Array(done);
  Atomics.add(counted, 0, 1);
  Atomics.notify(counted, 0);
  const deadline = performance.now() + waitMs;
  for (;;) {
    const count = Atomics.load(counted, 0);
    const leftMs = deadline - performance.now();
    if (count >= threads || leftMs <= 0) return;
    Atomics.wait(counted, 0, count, leftMs);
  }
}
