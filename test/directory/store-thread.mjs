// A thread that opens the store of `workerData.path` and does what it is told.
import { parentPort, workerData } from 'node:worker_threads';
import { LmdbStore } from '../../dist/core/directory/lmdb-store.js';

const store = LmdbStore.open(workerData.path, workerData);
const { records } = store.tables;
const keyOf = (text) => new TextEncoder().encode(text);
const read = (key) => {
  const found = records.get(keyOf(key));
  return found && new TextDecoder().decode(found);
};
const write = (key, value) => store.transaction(() => records.put(keyOf(key), keyOf(value)));

const orders = {
  get: ({ key }) => read(key),
  put: ({ key, value }) => write(key, value),
  add({ key, value }) {
    for (let round = 0; round < value; round++) {
      store.transaction(() => records.put(keyOf(key), keyOf(String(Number(read(key) ?? 0) + 1))));
    }
  },
  close: () => store.close(),
};

parentPort.on('message', async (order) => {
  const value = await orders[order.do](order);
  parentPort.postMessage({ id: order.id, value });
  if (order.do === 'close') parentPort.close();
});
