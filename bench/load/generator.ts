/**
 * The load, in a process of its own: pairs of peers, each keeping `window` frames under way to its partner. A peer
 * sends as many frames as it receives, so the relay sets the pace and no queue grows. Ends with exit code 1 when a
 * frame was lost, changed, repeated or reordered.
 */
import { setTimeout as after } from 'node:timers/promises';
import type { Label } from '../../core/protocol/peer-id.ts';
import type { FromGenerator, LoadPlan, ToGenerator } from './messages.ts';
import { crossShare, pairUp } from './pairs.ts';
import { RawPeer } from './raw-peer.ts';

/** A frame that has not come this long after everybody stopped sending is lost. */
const ARRIVAL_DEADLINE_MS = 5_000;
const POLL_MS = 5;

function tell(message: FromGenerator): void {
  process.send!(message);
}

async function connectAll(plan: LoadPlan): Promise<RawPeer[]> {
  const peers: RawPeer[] = [];
  // One after the other: the order decides which shard gets which peer.
  for (let i = 0; i < plan.peers; i++) peers.push(await RawPeer.connect(plan.url));
  await Promise.all(peers.map((peer) => peer.login()));
  return peers;
}

async function openCall(plan: LoadPlan, caller: RawPeer, callee: RawPeer): Promise<void> {
  const near: Label[] = [];
  const far: Label[] = [];
  while (near.length < plan.channels) {
    const [label, partnersLabel] = await Promise.all([caller.open(callee), callee.accept()]);
    near.push(label);
    far.push(partnersLabel);
  }
  caller.prepare(near, plan.payloadBytes, plan.window);
  callee.prepare(far, plan.payloadBytes, plan.window);
}

function framesReceived(peers: RawPeer[]): number {
  return peers.reduce((sum, peer) => sum + peer.framesReceived, 0);
}

async function measure(plan: LoadPlan, peers: RawPeer[], share: number): Promise<void> {
  await after(plan.warmupMs);
  tell({ kind: 'measuring' });
  const startedAt = performance.now();
  const cpuBefore = process.cpuUsage();
  const before = framesReceived(peers);
  await after(plan.measureMs);
  const frames = framesReceived(peers) - before;
  const cpu = process.cpuUsage(cpuBefore);
  const elapsedMs = performance.now() - startedAt;
  tell({ kind: 'measured', frames, elapsedMs, cpuMs: (cpu.user + cpu.system) / 1000, crossShare: share });
}

/** Waits until what was sent has arrived. @throws Error when something has not by the deadline. */
async function settle(peers: RawPeer[]): Promise<number> {
  for (const peer of peers) peer.stop();
  const sent = peers.reduce((sum, peer) => sum + peer.framesSent, 0);
  const deadline = performance.now() + ARRIVAL_DEADLINE_MS;
  while (framesReceived(peers) < sent && performance.now() < deadline) await after(POLL_MS);
  const received = framesReceived(peers);
  if (received !== sent) throw new Error(`${sent - received} of ${sent} frames were lost.`);
  return received;
}

async function run(plan: LoadPlan, stopped: Promise<void>): Promise<void> {
  const peers = await connectAll(plan);
  const failed = new Promise<never>((_, reject) => {
    for (const peer of peers) peer.onfailure = reject;
  });
  const pairs = pairUp(plan.peers, plan.shards, plan.pairing);
  const work = async () => {
    for (const [a, b] of pairs) {
      await openCall(plan, peers[a]!, peers[b]!);
    }
    for (const [a, b] of pairs) {
      peers[a]!.start(plan.window);
      peers[b]!.start(plan.window);
    }
    await measure(plan, peers, crossShare(pairs, plan.shards));
    await stopped;
    tell({ kind: 'verified', frames: await settle(peers) });
  };
  await Promise.race([work(), failed]);
  for (const peer of peers) peer.destroy();
}

if (!process.send) throw new Error('generator is started by bench/saturate, not by hand.');
let stop: () => void = () => {};
const stopped = new Promise<void>((resolve) => {
  stop = resolve;
});
// Also when the benchmark itself was ended: nobody is left to report to.
process.once('disconnect', () => process.exit());
process.on('message', (message: ToGenerator) => {
  if (message.kind === 'stop') {
    stop();
    return;
  }
  run(message.plan, stopped).then(
    () => process.disconnect(),
    (error: Error) => {
      process.exitCode = 1;
      process.send!({ kind: 'failed', message: error.message } satisfies FromGenerator, () =>
        process.exit(1),
      );
    },
  );
});
