// Fills the store at argv[2] until its file may not grow, again and again; then makes room. Says what it met.
import { LmdbStore } from '../../dist/core/directory/lmdb-store.js';

const store = LmdbStore.open(process.argv[2], { durable: true, maxBytes: 2 ** 30 });
const { vaults } = store.tables;
const key = (n) => new TextEncoder().encode(`key-${String(n).padStart(6, '0')}`);
const codes = new Set();
let stored = 0;

const attempt = (work) => {
  try {
    store.transaction(work);
    return true;
  } catch (error) {
    codes.add(error.code ?? String(error));
    return false;
  }
};
const put = (bytes) => {
  if (!attempt(() => vaults.put(key(stored), new Uint8Array(bytes).fill(stored)))) return false;
  stored++;
  return true;
};

for (const bytes of [60_000, 20_000, 3_000, 60_000, 100]) {
  while (put(bytes));
}
const full = vaults.count();
let afterRemoval = 'never';
for (let n = 0; n < full && afterRemoval === 'never'; n++) {
  attempt(() => vaults.remove(key(n)));
  if (n > 10 && put(3_000)) afterRemoval = 'stored';
}
const rows = vaults.count();
const rowsAgree = [...vaults.range({})].length === rows;
await store.close();
process.stdout.write(JSON.stringify({ codes: [...codes], full, rows, rowsAgree, afterRemoval }));
