/**
 * A relay with a million durable records: how long its store takes to open, what memory that holds, and how long a look-up
 * takes of a record that nobody has asked for before: `cold`, not in the relay's caches, and `evicted`, when the system keeps no page of the store either and
 * the disk has its say. Each look-up goes from socket to socket, alone: from the shard to the thread of the directory that reads, to the store, and back.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { DATA_FILE, LmdbStore } from '../../core/directory/lmdb-store.ts';
import { DEFAULT_MAX_BYTES } from '../../core/directory/place.ts';
import { recordSignatureHolds } from '../../core/directory/record.ts';
import { verifySignature } from '../../core/identity/verify.ts';
import { controlFrameEnd, decodeControl, encodeControl } from '../../core/protocol/control.ts';
import { OP_FOUND, OP_LOOKUP } from '../../core/protocol/ops.ts';
import { KEY_BYTES } from '../../core/protocol/peer-id.ts';
import { LatencyRecorder } from '../load/latency.ts';
import { latencyFigures, merge } from '../run/histograms.ts';
import { type ManyRecords, manyRecords } from '../store/many-records.ts';
import { supernode } from '../systems/supernode.ts';
import { clearProgress, showProgress } from '../terminal.ts';
import { consume } from './blackhole.ts';
import { Caller } from './caller.ts';
import { numbersFrom } from './numbers.ts';
import { defineSuite, type Work } from './task.ts';

/** Tests have no time to sign a million: they set fewer, and the result's parameters say so. */
const RECORDS = Number(process.env['SUPERNODE_BENCH_RECORDS'] ?? 1_000_000);
const COUNT = RECORDS.toLocaleString('en-US');
/** In an iteration: enough that 99% of them are not the first after the pages changed, and those still count. */
const LOOK_UPS = 1024;
const WARM_UP_LOOK_UPS = Math.min(10_000, RECORDS);
const LATENCIES_AND_MEMORY = [
  'latencyP50',
  'latencyP99',
  'latencyMax',
  'residentAnon',
  'residentFile',
] as const;
const parameters = { records: RECORDS, shards: 1 };
/** The first time, and every second day: a million keys and signatures, on a slow day of a slow machine. */
const MAKE_STORE_MS = 900_000;

export const directoryMillionSuite = defineSuite({
  suite: 'directory-million',
  tasks: {
    open: {
      title: `Open a store with ${COUNT} records, read one, and close it`,
      operations: 1,
      parameters: { records: RECORDS },
    },
    cold: {
      title: `Look up a record among ${COUNT} that nobody has asked for, alone`,
      operations: LOOK_UPS,
      parameters,
      alsoMeasured: LATENCIES_AND_MEMORY,
    },
    evicted: {
      title: 'The same, from the disk: every page of the store was dropped from memory',
      operations: LOOK_UPS,
      parameters,
      alsoMeasured: LATENCIES_AND_MEMORY,
    },
  },
  opensWithinMs: MAKE_STORE_MS,
  async open({ core }) {
    const records = await manyRecords(RECORDS, (done) => {
      if (done < RECORDS) showProgress(`making a store of ${COUNT} records: ${done.toLocaleString('en-US')}`);
      else clearProgress();
    });
    const readOnce = opener(records);
    await readOnce();
    const relay = await supernode.start({ core, shards: 1, directory: records.path });
    const caller = await Caller.connect(relay.address);
    const lookUp = coldLookUp(caller, records);
    // Each of another key: the code is compiled then, and no record is in a cache.
    for (let i = 0; i < WARM_UP_LOOK_UPS; i++) await lookUp();
    const lookUps = (begin: () => void): Work => {
      const latency = new LatencyRecorder();
      return {
        async: true,
        begin,
        iterate: async () => {
          for (let i = 0; i < LOOK_UPS; i++) {
            const startedAtMs = performance.now();
            await lookUp();
            latency.record(performance.now() - startedAtMs);
          }
        },
        figures: async () => {
          const { anonBytes, fileBytes } = await relay.resident();
          return {
            ...latencyFigures(merge([latency.encode()])),
            residentAnon: anonBytes,
            residentFile: fileBytes,
          };
        },
      };
    };
    return {
      work: {
        // The relay has it open too: any number of processes may read.
        open: { async: true as const, iterate: readOnce },
        cold: lookUps(() => readThrough(records.path)),
        evicted: lookUps(() => evict(records.path)),
      },
      close: async () => {
        caller.end();
        await relay.stop();
      },
    };
  },
});

function opener({ path, keys }: ManyRecords): () => Promise<void> {
  let next = 0;
  return async () => {
    const store = LmdbStore.open(path, { durable: true, maxBytes: DEFAULT_MAX_BYTES, readOnly: true });
    const key = keys.subarray(next, next + KEY_BYTES);
    next = (next + KEY_BYTES * 7_919) % keys.length;
    consume(store.tables.records.get(key)!.length);
    await store.close();
  };
}

/** Each key once, in no order. @throws Error when the answer is not the record that its key signed. */
function coldLookUp(caller: Caller, { keys }: ManyRecords): () => Promise<void> {
  const numbers = numbersFrom(Date.now() & 0xffff_ffff);
  let requestId = 1;
  return () =>
    new Promise((resolve, reject) => {
      const at = (numbers.next() % (keys.length / KEY_BYTES)) * KEY_BYTES;
      const peer = new Uint8Array(keys.subarray(at, at + KEY_BYTES));
      caller.onfailure = reject;
      caller.onbundle = (bytes) => {
        const found = decodeControl(bytes, 0, controlFrameEnd(bytes, 0, bytes.length));
        if (found.op !== OP_FOUND || !found.body.record) {
          throw new Error(`The relay answered a look-up with ${JSON.stringify(found.body)}.`);
        }
        // One in so many: a check takes as long as a look-up.
        if (requestId % 64 === 0 && !recordSignatureHolds(found.body.record, verifySignature)) {
          throw new Error('The relay gave a record that its key did not sign.');
        }
        consume(found.body.record[0]!);
        resolve();
      };
      caller.send(encodeControl(OP_LOOKUP, ++requestId, { peer, record: true }));
    });
}

/** Brings the store's pages into the system's memory: `evicted` has its turns between those of `cold`. */
function readThrough(path: string): void {
  spawnSync('dd', [`if=${join(path, DATA_FILE)}`, 'of=/dev/null', 'bs=1M', 'status=none']);
}

/** Drops the store's pages from the system's memory as far as nobody has them mapped (coreutils; else they stay). */
function evict(path: string): void {
  spawnSync('dd', [`if=${join(path, DATA_FILE)}`, 'iflag=nocache', 'count=0', 'status=none']);
}
