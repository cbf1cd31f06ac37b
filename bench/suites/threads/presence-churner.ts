/** The thread that disturbs the presence benchmark: peers log in and leave as fast as one shard can write it. */
import { parentPort, workerData } from 'node:worker_threads';
import { type Place, PresenceTable } from '../../../core/threads/presence.ts';
import { pinThisThread } from '../pin-thread.ts';
import { type ThreadData, whileWanted } from '../second-thread.ts';

export interface Churn {
  table: SharedArrayBuffer;
  /** Of peers that nobody looks up. */
  keys: Uint8Array[];
}

const { state, core, given } = workerData as ThreadData<Churn>;
const table = new PresenceTable(given.table);
const place: Place = { shard: 1, slot: 0, generation: 1, flags: 0 };
const former: Place = { shard: 0, slot: 0, generation: 0, flags: 0 };
let next = 0;

function comeAndGo(): boolean {
  const key = given.keys[next]!;
  next = (next + 1) % given.keys.length;
  if (table.claim(key, place, former) !== 'new') throw new Error('A peer that had left was still there.');
  if (!table.release(key, place)) throw new Error('A peer that had come was not there.');
  return true;
}

if (core !== null) pinThisThread(core);
parentPort!.on('message', () => whileWanted(state, comeAndGo));
parentPort!.postMessage('ready');
