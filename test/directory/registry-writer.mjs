// A thread that claims and gives up names with a few peers of its own, against other threads on the same store.
import { parentPort, workerData } from 'node:worker_threads';
import { Directory } from '../../dist/core/directory/directory.js';
import { LmdbStore } from '../../dist/core/directory/lmdb-store.js';
import { encodeRecord } from '../../dist/core/directory/record.js';
import { identityFromSeed } from '../../dist/core/identity/identity.js';
import { verifySignature } from '../../dist/core/identity/verify.js';
import { createPresence, PresenceTable } from '../../dist/core/threads/presence.js';
import { Versions } from '../../dist/core/threads/versions.js';

const { path, maxBytes, versions, thread, names, rounds, seed } = workerData;
let state = seed;
const below = (limit) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return (state >>> 8) % limit;
};
const store = LmdbStore.open(path, { durable: false, maxBytes });
const directory = new Directory(store, {
  presence: new PresenceTable(createPresence(8, new Uint8Array(32))),
  versions: new Versions(versions),
  recordTtlMs: 1_000,
  maxRecords: 1_000,
  now: Date.now,
  verify: verifySignature,
});
const peers = [0, 1, 2].map((number) => identityFromSeed(new Uint8Array(32).fill(1 + thread * 3 + number)));
const acknowledged = peers.map((peer) => ({ key: peer.publicKey, seq: 0, name: undefined }));
let taken = 0;
for (let round = 1; round <= rounds; round++) {
  const tried = peers.map(() => (below(3) === 0 ? undefined : names[below(names.length)]));
  const expiresMs = Date.now() + 3_600_000;
  const answers = directory.write(
    peers.map((peer, index) => ({
      t: 'publish',
      peer: peer.publicKey,
      record: encodeRecord(peer, {
        seq: round,
        expiresMs,
        searchable: true,
        name: tried[index],
        profile: new Uint8Array(0),
      }),
      former: null,
    })),
  );
  for (const [index, answer] of answers.entries()) {
    if (answer.failed?.code === 'name-taken') taken++;
    else if (answer.failed) throw new Error(answer.failed.message);
    else Object.assign(acknowledged[index], { seq: round, name: tried[index] });
  }
  // A run of the event loop for each batch, as the pool's tasks have.
  await new Promise((resolve) => setImmediate(resolve));
}
await store.close();
parentPort.postMessage({ acknowledged, taken });
