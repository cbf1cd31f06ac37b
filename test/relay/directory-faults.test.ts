/** A directory that is slow, full, damaged or killed, behind a relay that goes on. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker, WorkerOptions } from 'node:worker_threads';
import type { Relay } from 'supernode';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  MAIL_WINDOW_MESSAGES,
  MAX_MAILBOX_MESSAGES,
  MAX_REQUESTS_PENDING,
  MAX_WRITES_PENDING,
  MESSAGE_ID_BYTES,
  WRITE_BURST,
} from '../../core/protocol/limits.ts';
import * as op from '../../core/protocol/ops.ts';
import { limit } from '../fixtures/limits.ts';
import type { RawPeer } from '../fixtures/raw-peer.ts';
import { login, reasonsOf, startRelay } from '../fixtures/relay.ts';
import { type Running, runScript } from '../fixtures/run-script.ts';
import { until } from '../fixtures/until.ts';
import { answer, answerHere, ask, publish, request, vaultOf } from './directory-requests.ts';

let folder: string;
let number = 0;
const helpers = new Set<Running>();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'supernode-test-'));
});
afterEach(async () => {
  for (const helper of helpers) helper.kill('SIGKILL');
  helpers.clear();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const freshPath = (): string => join(folder, `store-${number++}`);

/** Every write of the relay at this path waits until `letGo`. */
async function holdWrites(path: string): Promise<{ letGo(): Promise<void> }> {
  const helper = runScript('hold-store.mjs', [path]);
  helpers.add(helper);
  await helper.line('held');
  return {
    letGo: async () => {
      helper.send('');
      await helper.line('let go');
    },
  };
}

function warningsOf(relay: Relay): { code: string; message: string }[] {
  const warnings: { code: string; message: string }[] = [];
  relay.on('warning', (warning) => warnings.push(warning));
  return warnings;
}

/** The relay does what it is for: logins, channels, packets. */
async function forwards(relay: Relay): Promise<void> {
  const [alice, bob] = [await login(relay), await login(relay)];
  const [end] = await alice.open(bob);
  alice.frame(op.OP_DATA + end.kind.priority, end.label, new Uint8Array([7]));
  await until('the packet has come', () => bob.data.length > 0);
  alice.terminate();
  bob.terminate();
}

const putVault = (peer: RawPeer, revision: number, bytes?: number) =>
  ask(peer, op.OP_VAULT_PUT, { vault: vaultOf(peer, revision, bytes) });

describe('a write that the disk holds up', () => {
  test('delays no login, look-up or packet', async () => {
    const path = freshPath();
    const relay = await startRelay({ shards: 2, directory: { path } });
    const alice = await login(relay);
    await publish(alice, { name: 'alice' });
    const disk = await holdWrites(path);
    const held = Array.from({ length: 5 }, (_, i) =>
      request(alice, op.OP_VAULT_PUT, { vault: vaultOf(alice, i + 1) }),
    );
    await until('the writes have come to the desk', () => relay.stats().directory.pending >= 5);

    const bob = await login(relay);
    const before = relay.stats().logins.full;
    const others = await Promise.all(Array.from({ length: 100 }, () => login(relay)));
    for (const other of others) await other.roundTrip();
    expect(relay.stats().logins.full).toBe(before + 100);
    for (let i = 0; i < 10; i++) {
      expect(await ask(bob, op.OP_LOOKUP, { name: 'alice', record: true })).toMatchObject({
        op: op.OP_FOUND,
      });
      expect(await ask(bob, op.OP_VAULT_GET, {})).toMatchObject({ revision: 0 });
    }
    await forwards(relay);
    expect(held.filter((id) => answerHere(alice, id))).toEqual([]);

    await disk.letGo();
    for (const id of held) expect(await answer(alice, id)).toMatchObject({ op: op.OP_STORED });
    expect(relay.stats().faults).toBe(0);
  });

  test('and a mailbox that is full delay no login of its owner, whose mail comes when it asks for it', async () => {
    const path = freshPath();
    const relay = await startRelay({ directory: { path } });
    const alice = await login(relay);
    await publish(alice, { name: 'alice' });
    const to = alice.key.publicKey;
    const send = (sender: RawPeer) =>
      ask(sender, op.OP_SEND, { to, id: randomBytes(MESSAGE_ID_BYTES), bytes: new Uint8Array([1]) });
    for (let stored = 0; stored < MAX_MAILBOX_MESSAGES; ) {
      const sender = await login(relay);
      for (let i = 0; i < WRITE_BURST && stored < MAX_MAILBOX_MESSAGES; i += 50, stored += 50) {
        const receipts = await Promise.all(Array.from({ length: 50 }, () => send(sender)));
        expect(receipts.every((receipt) => receipt.op === op.OP_RECEIPT)).toBe(true);
      }
      sender.terminate();
    }
    expect(await send(await login(relay))).toMatchObject({ code: 'mailbox-full' });

    const disk = await holdWrites(path);
    const pushed = (): number => relay.stats().shards[0]!.mailPushed;
    for (let i = 0; i < 10; i++) await (await login(relay, { key: alice.key })).roundTrip();
    expect(pushed()).toBe(0);
    const again = await login(relay, { key: alice.key });
    expect(await ask(again, op.OP_INBOX, {})).toMatchObject({ op: op.OP_STORED });
    await until('the first window of its mail has come', () => pushed() === MAIL_WINDOW_MESSAGES);
    await disk.letGo();
  });

  test('lets so many others wait, tells the next to come back, and does all that were taken', async () => {
    const path = freshPath();
    const relay = await startRelay({ directory: { path } });
    const warnings = warningsOf(relay);
    const first = await login(relay);
    const disk = await holdWrites(path);
    const sessions = Math.ceil(MAX_WRITES_PENDING / MAX_REQUESTS_PENDING) + 2;
    const peers = await Promise.all(Array.from({ length: sessions }, () => login(relay)));
    const ids = peers.map((peer) =>
      Array.from({ length: MAX_REQUESTS_PENDING }, () =>
        request(peer, op.OP_POLICY_SET, { reach: 'everyone' }),
      ),
    );
    const all = sessions * MAX_REQUESTS_PENDING;
    await until('all are taken or refused', () => {
      const { writes, refusedBusy } = relay.stats().directory;
      return writes + refusedBusy === all;
    });
    const { pending, refusedBusy } = relay.stats().directory;
    expect(pending).toBe(MAX_WRITES_PENDING);
    const refused = await ask(first, op.OP_POLICY_SET, { reach: 'everyone' });
    expect(refused).toMatchObject({ fatal: false, retryAfterMs: expect.any(Number) });
    limit('writes that wait, of all sessions').sees({
      answers: [refused['failed']],
      stats: relay.stats(),
      why: await reasonsOf(relay, first),
      warnings: warnings.map(({ code }) => code),
    });
    expect(await ask(first, op.OP_LOOKUP, { name: 'nobody-here' })).toMatchObject({ failed: 'not-found' });

    await disk.letGo();
    let busy = 0;
    for (const [index, peer] of peers.entries()) {
      for (const id of ids[index]!) {
        const frame = await answer(peer, id);
        if (frame.op === op.OP_ERROR && frame.body.code === 'busy') busy++;
        else expect(frame).toMatchObject({ op: op.OP_STORED });
      }
    }
    expect(busy).toBe(refusedBusy);
    expect(relay.stats().faults).toBe(0);
  });

  test('does not keep its relay from closing', async () => {
    const path = freshPath();
    const relay = await startRelay({ directory: { path } });
    const alice = await login(relay);
    const disk = await holdWrites(path);
    request(alice, op.OP_VAULT_PUT, { vault: vaultOf(alice, 1) });
    await until('the write is under way', () => relay.stats().directory.pending > 0);
    await relay.close();
    expect((await alice.ended).error?.code).toBe('drained');
    await disk.letGo();
  });
});

describe('a directory that is full', () => {
  test('refuses what would not fit, warns once, and keeps what it has', async () => {
    const relay = await startRelay({ directory: { path: freshPath(), maxBytes: 2 ** 20 } });
    const warnings = warningsOf(relay);
    const stored: RawPeer[] = [];
    const answers: unknown[] = [];
    let last: RawPeer | undefined;
    let refused = 0;
    for (let tries = 0; tries < 40 && refused < 3; tries++) {
      const peer = await login(relay);
      const put = await putVault(peer, 1, 60_000);
      if (put['op'] === op.OP_STORED) stored.push(peer);
      else {
        expect(put).toMatchObject({ fatal: false });
        answers.push(put['failed']);
        last = peer;
        refused++;
      }
    }
    expect(refused).toBe(3);
    expect(stored.length).toBeGreaterThan(5);
    expect(warnings).toHaveLength(1);
    limit('size of the store').sees({
      answers,
      stats: relay.stats(),
      why: await reasonsOf(relay, last!),
      warnings: warnings.map(({ code }) => code),
    });
    expect(warnings[0]!.message).toContain('1048576');
    for (const peer of stored) expect(await ask(peer, op.OP_VAULT_GET, {})).toMatchObject({ revision: 1 });
    await forwards(relay);
  });

  test('of records warns its operator too', async () => {
    const relay = await startRelay({ directory: { path: ':memory:', maxRecords: 1 } });
    const warnings = warningsOf(relay);
    const [alice, bob] = [await login(relay), await login(relay)];
    expect(await publish(alice, { name: 'alice' })).toMatchObject({ op: op.OP_STORED });
    const refused = await publish(bob, { name: 'bob' });
    expect(warnings).toHaveLength(1);
    limit('records').sees({
      answers: [refused['failed']],
      stats: relay.stats(),
      why: await reasonsOf(relay, bob),
      warnings: warnings.map(({ code }) => code),
    });
    expect(await publish(alice, { name: 'alice', seq: 2 })).toMatchObject({ op: op.OP_STORED });
  });
});

describe('a directory that is damaged while its relay runs', () => {
  test('costs those whose rows are damaged, and tells the operator what to do', async () => {
    const path = freshPath();
    const relay = await startRelay({ directory: { path } });
    const warnings = warningsOf(relay);
    const [alice, bob] = [await login(relay), await login(relay)];
    const profile = new Uint8Array(1_000).fill(0xa5);
    await publish(alice, { name: 'alice', profile });
    await publish(bob, { name: 'bob' });
    const file = join(path, 'data.mdb');
    const content = readFileSync(file);
    const descriptor = openSync(file, 'r+');
    for (let at = content.indexOf(profile); at >= 0; at = content.indexOf(profile, at + 1)) {
      writeSync(descriptor, new Uint8Array([0x5a]), 0, 1, at + 500);
    }
    closeSync(descriptor);

    expect(await ask(bob, op.OP_LOOKUP, { name: 'alice', record: true })).toMatchObject({
      failed: 'directory-unavailable',
      fatal: false,
    });
    await until('the operator is warned', () => warnings.length > 0);
    expect(warnings).toEqual([
      { code: 'directory-corrupt', message: expect.stringContaining('supernode directory check') },
    ]);
    expect(await ask(alice, op.OP_LOOKUP, { name: 'bob', record: true })).toMatchObject({ op: op.OP_FOUND });
    expect(await putVault(alice, 1)).toMatchObject({ op: op.OP_STORED });
    await forwards(relay);
    expect(warnings).toHaveLength(1);
  });
});

describe('a thread of the directory that is killed', () => {
  const threads = createRequire(import.meta.url)('node:worker_threads') as { Worker: typeof Worker };
  const END_CHANNEL = `end-${randomBytes(8).toString('hex')}`;
  const endWhenTold = [
    '--import',
    `data:text/javascript,const c=new BroadcastChannel('${END_CHANNEL}');c.unref();c.onmessage=()=>process.exit(1)`,
  ];
  /** Arguments of Node for threads of the directory alone. */
  let preloads: string[] = endWhenTold;
  const started: { worker: Worker; isDirectory: boolean; ready: boolean }[] = [];
  const Original = threads.Worker;
  // Piscina looks the class up when it starts a thread: so the test sees each.
  beforeAll(() => {
    threads.Worker = class extends Original {
      constructor(file: string | URL, options: WorkerOptions = {}) {
        const isDirectory =
          (options.workerData as { recordTtlMs?: number } | undefined)?.recordTtlMs !== undefined;
        const { execArgv = [] } = options;
        super(file, isDirectory ? { ...options, execArgv: [...execArgv, ...preloads] } : options);
        const one = { worker: this, isDirectory, ready: false };
        started.push(one);
        // The first thing that a thread of the pool says: it has loaded its modules.
        this.once('message', () => {
          one.ready = true;
        });
      }
    };
  });
  afterAll(() => {
    threads.Worker = Original;
  });
  afterEach(() => {
    preloads = endWhenTold;
    started.length = 0;
  });
  const ofDirectory = () => started.filter(({ isDirectory }) => isDirectory).map(({ worker }) => worker);
  const allReady = () => until('every thread has loaded', () => started.every(({ ready }) => ready));
  /**
   * Ends the threads of the directory between two of their tasks, whatever waits for them. One that is stopped from outside
   * while LMDB runs in it takes the process with it, or never ends: docs/architecture.md says so.
   */
  const endThreads = async () => {
    const running = ofDirectory().filter(({ threadId }) => threadId !== -1);
    const channel = new BroadcastChannel(END_CHANNEL);
    channel.postMessage('end');
    await Promise.all(running.map((worker) => once(worker, 'exit')));
    channel.close();
  };

  test.each([
    ['with a directory', 3, ':memory:'],
    ['without one', 1, null],
  ])(
    'has loaded its modules when its relay is there, %s: it may be ended from then on',
    async (_how, count, path) => {
      // They take longer than everything else that a relay starts.
      preloads = [
        '--import',
        'data:text/javascript,Atomics.wait(new Int32Array(new SharedArrayBuffer(4)),0,0,700)',
      ];
      await startRelay({ directory: path === null ? false : { path } });
      const threads = started.filter(({ isDirectory }) => isDirectory);
      expect(threads.map(({ ready }) => ready)).toEqual(Array(count).fill(true));
    },
  );

  test('is replaced, and what is asked then is answered', async () => {
    const relay = await startRelay({ directory: { path: freshPath() } });
    const alice = await login(relay);
    await publish(alice, { name: 'alice' });
    for (let round = 1; round <= 4; round++) {
      await allReady();
      const before = ofDirectory();
      await endThreads();
      expect(await putVault(alice, round)).toMatchObject({ op: op.OP_STORED });
      expect(ofDirectory().length).toBeGreaterThan(before.length);
      expect(await ask(alice, op.OP_LOOKUP, { name: 'alice' })).toMatchObject({ op: op.OP_FOUND });
      await forwards(relay);
    }
    expect(relay.stats().faults).toBe(0);
  });

  test('is told to the operator, if it is the one that reads', async () => {
    const relay = await startRelay({ directory: { path: freshPath() } });
    const warnings = warningsOf(relay);
    await allReady();
    // The others were between two tasks: their end costs nobody anything.
    await endThreads();
    await until('the operator is warned', () => warnings.length > 0);
    expect(warnings).toEqual([{ code: 'directory-unavailable', message: expect.stringContaining('ended') }]);
  });

  test('fails what it was reading, and only that', async () => {
    const relay = await startRelay({ shards: 2, directory: { path: freshPath() } });
    const peers = await Promise.all(Array.from({ length: 10 }, () => login(relay)));
    const ids = peers.map((peer) =>
      Array.from({ length: 60 }, () => request(peer, op.OP_LOOKUP, { name: 'nobody-here' })),
    );
    await until('some are answered', () => peers.some((peer, i) => answerHere(peer, ids[i]![0]!)));
    await endThreads();
    for (const [index, peer] of peers.entries()) {
      for (const id of ids[index]!) {
        const { body } = (await answer(peer, id)) as { body: { code: string } };
        expect(['not-found', 'directory-unavailable']).toContain(body.code);
      }
    }
    expect(await publish(peers[0]!, { name: 'alice' })).toMatchObject({ op: op.OP_STORED });
    await forwards(relay);
  });
});
