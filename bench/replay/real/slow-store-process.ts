/**
 * Makes the stores of all relays slow, as a disk that is held up does: holds the writer's lock of every one for a while,
 * lets go for a moment, and again. Every write of a relay waits for it; nothing else does.
 */
import { LmdbStore } from '../../../core/directory/lmdb-store.ts';
import { childOf } from './child.ts';
import type { FromStore, ToStore } from './messages.ts';

/** For what waits to be written. */
const GAP_MS = 15;

const bed = new Int32Array(new SharedArrayBuffer(4));
const folders = JSON.parse(process.argv[2]!) as string[];
let holdMs = 0;
let stores: LmdbStore[] = [];
const run = childOf<ToStore, FromStore>((message) => {
  const wasQuick = holdMs === 0;
  holdMs = message.kind === 'slow' ? message.holdMs : 0;
  if (wasQuick && holdMs > 0) turn();
});

try {
  stores = folders.map((path) => LmdbStore.open(path, { durable: false, maxBytes: 64 * 1024 * 1024 }));
  run.tell({ kind: 'opened' });
} catch (error) {
  run.tell({ kind: 'failed', message: (error as Error).message }, () => process.exit(1));
}

function turn(): void {
  if (holdMs === 0) return;
  holdFrom(0);
  setTimeout(turn, GAP_MS);
}

/** One lock inside the other; a relay that was killed with its lock leaves it to the next. */
function holdFrom(index: number): void {
  const store = stores[index];
  if (store === undefined) Atomics.wait(bed, 0, 0, holdMs);
  else store.transaction(() => holdFrom(index + 1));
}
