/** The bounds of what waits for a receiver that does not keep up, in the parts of a shard: with sockets that take nothing. */
import { expect, test } from 'vitest';
import * as limits from '../../core/protocol/limits.ts';
import * as op from '../../core/protocol/ops.ts';
import { C } from '../../core/threads/counters.ts';
import { SEND_DROPPED } from '../../core/transport/uws.ts';
import { FIRST_WINDOW_BYTES } from '../../workers/shard/flight.ts';
import { limit, type Seen } from '../fixtures/limits.ts';
import { type FakePeer, ShardWorld } from '../fixtures/shard-world.ts';

const [AUDIO, VIDEO, BULK] = [1, 3, 4];

function world(): { world: ShardWorld; ann: FakePeer; bob: FakePeer } {
  const made = new ShardWorld();
  return { world: made, ann: made.peer(), bob: made.peer() };
}

function seenIn(one: ShardWorld, peer: FakePeer): Seen {
  return { answers: one.refused, stats: one.stats(), why: one.reasons(peer), warnings: one.warnings() };
}

test('realtime data beyond the bound of all goes from the lowest class, and of a class beyond its own from that', () => {
  const all = world();
  const audio = all.world.call(all.ann, all.bob, AUDIO);
  const bulk = all.world.call(all.ann, all.bob, BULK);
  all.world.stopReading(all.bob, audio);
  // Each within the bound of its class, and together beyond that of all.
  all.world.speak(bulk, 30, 4_000);
  all.world.speak(audio, 50, 4_000);
  const { oldest } = all.world.stats().dropsByClass;
  expect([oldest.audio, oldest.bulk > 0]).toEqual([0, true]);
  limit('realtime bytes waiting for a receiver').sees(seenIn(all.world, all.ann));

  const each = [AUDIO, BULK].map((priority) => {
    const one = world();
    const call = one.world.call(one.ann, one.bob, priority);
    one.world.stopReading(one.bob, call);
    one.world.speak(call, Math.ceil(limits.CLASS_QUEUE_BYTES[priority]! / 4_000) + 5, 4_000);
    expect(one.bob.session.queue!.bytes).toBeLessThanOrEqual(limits.CLASS_QUEUE_BYTES[priority]!);
    return seenIn(one.world, one.ann);
  });
  limit('of these by class: signal, audio, message, video, bulk').sees(...each);
});

test('realtime data that waited for longer than its channel or its class says is not sent', () => {
  /** What is sent of a call's packet after so long. */
  const after = (priority: number, lifeMs: number, ms: number): { sent: boolean; seen: Seen } => {
    const one = world();
    const call = one.world.call(one.ann, one.bob, priority, lifeMs);
    one.world.stopReading(one.bob, call);
    one.world.speak(call, 1, 100);
    const sent = one.bob.session.queue!.take(1_000_000, performance.now() + ms) !== undefined;
    return { sent, seen: seenIn(one.world, one.ann) };
  };
  const life = limits.MAX_PACKET_LIFE_MS;
  const old = after(AUDIO, life, life + 100);
  expect([after(AUDIO, life, life - 1_000).sent, old.sent]).toEqual([true, false]);
  limit('life of a realtime frame').sees(old.seen);
  const [, , , videoMs, bulkMs] = limits.CLASS_QUEUE_MS;
  const [video, bulk] = [after(VIDEO, life, videoMs + 100), after(BULK, life, bulkMs + 100)];
  expect([after(VIDEO, life, videoMs / 2).sent, after(BULK, life, bulkMs / 2).sent]).toEqual([true, true]);
  expect([video.sent, bulk.sent]).toEqual([false, false]);
  limit('age of realtime data waiting: video, bulk').sees(video.seen, bulk.seen);
});

test('what is under way to a receiver that answers no ping stays within the first window, whatever its socket takes', () => {
  const { world: one, ann, bob } = world();
  const call = one.call(ann, bob, AUDIO);
  bob.socket.sends.length = 0;
  for (let turn = 0; turn < 40; turn++) {
    one.speak(call, 1, 4_000);
    one.outboxes.flush();
  }
  const sent = bob.socket.sends.reduce((sum, bytes) => sum + bytes.length, 0);
  expect(sent).toBeGreaterThan(FIRST_WINDOW_BYTES / 2);
  // Beyond it by the turn that filled it, and the one that it was still open for.
  expect(sent).toBeLessThan(FIRST_WINDOW_BYTES + 2 * 4_096);
  expect(bob.session.queue!.bytes).toBeGreaterThan(0);
  limit('under way to a session with a realtime channel').sees(seenIn(one, ann));
});

test('a socket that takes no more, and a shard that holds all that it may, cost the receiver its session', () => {
  const refusing = world();
  refusing.bob.socket.answer = SEND_DROPPED;
  refusing.world.outboxes.appendControl(refusing.bob.session, new Uint8Array(10), 0);
  refusing.world.outboxes.flush();
  limit('bytes in a socket').sees(seenIn(refusing.world, refusing.bob));

  const full = world();
  const call = full.world.call(full.ann, full.bob, AUDIO);
  full.world.stopReading(full.bob, call);
  // Of other receivers.
  full.world.counters[C.queuedBytes] = limits.MAX_SHARD_QUEUE_BYTES;
  full.world.speak(call, 1, 100);
  limit('bytes waiting in one shard').sees(seenIn(full.world, full.bob));
});

test('a shard that is late sheds realtime data below audio, and tells its senders and its operator', () => {
  const { world: one, ann, bob } = world();
  const [audio, bulk] = [one.call(ann, bob, AUDIO), one.call(ann, bob, BULK)];
  for (let k = 0; k < 1_000; k++) one.behind.look(50, 0);
  one.speak(audio, 1, 100);
  one.speak(bulk, 3, 100);
  one.nowMs = performance.now() + 200;
  const told = one.got(ann).find((frame) => 'op' in frame && frame.op === op.OP_CONGESTION);
  expect(told).toMatchObject({ body: { label: bulk.label, cause: 'relay', dropped: 3 } });
  limit('lateness of a shard').sees(seenIn(one, ann));
  one.congestion.stop();
});

test('realtime data that finds the ring to another shard full is dropped', () => {
  const one = new ShardWorld(false, 1_024);
  const [ann, bob] = [one.peer(), one.peer()];
  const call = one.call(ann, bob, AUDIO);
  one.ends.peerShard[call.end] = 1;
  one.speak(call, 20, 100);
  limit('ring between two shards').sees(seenIn(one, ann));
  one.congestion.stop();
});
