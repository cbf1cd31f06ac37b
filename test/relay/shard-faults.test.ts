import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createAccounts } from '../../core/threads/accounts.ts';
import { C, countersOf, createCounters } from '../../core/threads/counters.ts';
import { createEarlyProofs } from '../../core/threads/early-proofs.ts';
import { packVerdicts, unpackChanges, unpackProofs } from '../../core/threads/login-posts.ts';
import type { FromShard, LoginProof, PresenceChange, ShardTask } from '../../core/threads/messages.ts';
import { createPrefixCounts } from '../../core/threads/prefix-counts.ts';
import { createPresence, PresenceTable } from '../../core/threads/presence.ts';
import { processMs } from '../../core/threads/process-clock.ts';
import { createVersions } from '../../core/threads/versions.ts';
import { type Acceptor, createAcceptor } from '../../core/transport/uws.ts';
import { RawPeer, sendOn } from '../fixtures/raw-peer.ts';
import { until } from '../fixtures/until.ts';

const THREAD = new URL('../fixtures/scripts/shard-thread.mjs', import.meta.url);

let thread: Worker;
let control: MessagePort;
let acceptor: Acceptor;
let descriptor: unknown;
let task: ShardTask;
let url: string;
let warnings: string[];
let changes: PresenceChange[];
let ended: Promise<unknown>;
let crashed: unknown;

const faults = (): number => countersOf(task.counters, 0)[C.faults]!;
const sessions = (): number => countersOf(task.counters, 0)[C.sessions]!;
const sockets = (): number => countersOf(task.counters, 0)[C.sockets]!;

/** One shard without a relay: this thread accepts its sockets and lets every login in. */
beforeEach(async () => {
  const channel = new MessageChannel();
  control = channel.port1;
  task = {
    index: 0,
    shards: 1,
    control: channel.port2,
    wakePorts: [null],
    ringsIn: [null],
    ringsOut: [null],
    awake: new SharedArrayBuffer(4),
    presence: createPresence(100, randomBytes(32)),
    counters: createCounters(1),
    versions: createVersions(),
    directory: false,
    closedShards: new SharedArrayBuffer(4),
    prefixCounts: createPrefixCounts(),
    earlyProofs: createEarlyProofs(processMs()),
    accounts: createAccounts(1, 0, { sessions: 1_024, channels: 1_048_576 }),
    budgets: { session: null, peer: null },
    tenants: false,
    admission: { maxUnauthenticated: 16_384, perPrefix: false as const, limitLoopback: false },
    relayKey: randomBytes(32),
    ticketKey: randomBytes(32),
    run: randomBytes(8),
    loginTimeoutMs: 10_000,
    idleTimeoutSeconds: 120,
    refuseVersions: [],
    authorize: false,
    tls: null,
  };
  warnings = [];
  changes = [];
  crashed = null;
  const up = new Promise<unknown>((resolve) => {
    control.on('message', (message: FromShard) => {
      if (message.kind === 'up') resolve(message.descriptor);
      if (message.kind === 'warning') warnings.push(`${message.code} ${message.message}`);
      if (message.kind === 'changes') changes.push(...unpackChanges(message.changes));
      if (message.kind === 'logins') letIn(unpackProofs(message.proofs));
    });
  });
  thread = new Worker(THREAD, { workerData: task, transferList: [channel.port2] });
  thread.on('error', (error) => {
    crashed = error;
  });
  ended = once(thread, 'exit');
  descriptor = await up;
  acceptor = createAcceptor();
  acceptor.add(descriptor);
  url = `ws://127.0.0.1:${acceptor.listen('127.0.0.1', 0)}`;
});

function letIn(proofs: LoginProof[]): void {
  const verdicts = packVerdicts(proofs.map(({ slot, generation }) => ({ slot, generation, refusal: null })));
  control.postMessage({ kind: 'verdicts', verdicts });
}

/** Whatever was done to it, a shard closes in good order. */
afterEach(async () => {
  acceptor.stop();
  acceptor.remove(descriptor);
  control.postMessage({ kind: 'close' });
  await ended;
  expect(new Int32Array(task.closedShards)[0]).toBe(1);
  expect([crashed, sockets(), sessions()]).toEqual([null, 0, 0]);
  control.close();
});

async function inject(what: string): Promise<void> {
  const done = once(thread, 'message');
  thread.postMessage(what);
  await done;
}

/** A pair of peers that sees whether the shard still forwards. */
async function healthyPair(): Promise<() => Promise<void>> {
  const [alice, bob] = [await RawPeer.login(url), await RawPeer.login(url)];
  const [mine] = await alice.open(bob);
  return async () => {
    const before = bob.data.length;
    sendOn(mine, new Uint8Array(10));
    await until('the frame came', () => bob.data.length === before + 1);
  };
}

describe("an exception in a shard's thread is contained:", () => {
  test.each(['throw', 'throw in a timer', 'reject'])('%s, outside of any socket', async (how) => {
    const works = await healthyPair();
    for (let i = 1; i <= 3; i++) {
      await inject(how);
      await until('it was counted', () => faults() === i);
      await works();
    }
    await until('it was told', () => warnings.length === 3);
    expect(warnings[0]).toMatch(/^contained-fault shard 0, thread: Error: injected/);
    expect(sessions()).toBe(2);
  });

  test.each([
    ['null', null],
    ['a text', 'close'],
    ['nothing', undefined],
    ['verdicts without verdicts', { kind: 'verdicts' }],
    ['null verdicts', { kind: 'verdicts', verdicts: null }],
  ])('%s on its control port', async (_name, garbage) => {
    const works = await healthyPair();
    control.postMessage(garbage);
    control.postMessage({ kind: 'no such kind' });
    control.postMessage({ kind: 'disconnect', slot: 99, generation: 1, message: 'nobody' });
    const late = packVerdicts([{ slot: 0, generation: 1, refusal: null }]);
    control.postMessage({ kind: 'verdicts', verdicts: late });
    await works();
    await works();
    expect(sessions()).toBe(2);
    expect(faults()).toBe(garbage === 'close' ? 0 : 1);
  });

  test('while it handles what a socket sent: that one socket ends, as `internal`', async () => {
    const works = await healthyPair();
    const victim = await RawPeer.login(url);
    await inject('break find');
    victim.sendOpen(victim.key.publicKey);
    await victim.ended;
    await works();
    expect([faults(), sessions(), sockets()]).toEqual([1, 2, 2]);
    await until('it was told', () => changes.length === 4);
    expect(changes[3]).toMatchObject({ came: null, reason: 'internal' });
    const place = { shard: 0, slot: 0, generation: 0, flags: 0 };
    expect(new PresenceTable(task.presence).find(victim.key.publicKey, place)).toBe(false);
  });

  test('while it lets a peer in', async () => {
    const works = await healthyPair();
    const victim = await RawPeer.dial(url);
    await inject('break claim');
    victim.sendLogin();
    await until('it was counted', () => faults() === 1);
    await works();
    expect(sessions()).toBe(2);
    victim.terminate();
    await until('the socket is gone', () => sockets() === 2);
  });

  test('while it greets a new socket', async () => {
    const works = await healthyPair();
    await inject('break hello');
    const victim = new RawPeer(url);
    await victim.ended;
    await works();
    expect(faults()).toBe(1);
    expect(sockets()).toBe(2);
  });

  test('while it sends to one socket of a turn', async () => {
    const works = await healthyPair();
    const victim = await RawPeer.login(url);
    await inject('break send');
    const { ticket } = victim.ready!;
    expect(ticket.length).toBeGreaterThan(0);
    victim.control(0x26, 1, {});
    await victim.ended;
    await works();
    expect([faults(), sessions()]).toEqual([1, 2]);
  });

  test('while it cleans up after a socket', async () => {
    const works = await healthyPair();
    const victim = await RawPeer.login(url);
    await inject('break release');
    victim.terminate();
    await until('it was counted', () => faults() === 1);
    await works();
    expect([sessions(), sockets()]).toEqual([2, 2]);
  });
});
