import * as fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import * as op from '../../core/protocol/ops.ts';
import { C } from '../../core/threads/counters.ts';
import { OPEN } from '../../workers/shard/ends.ts';
import { limit } from '../fixtures/limits.ts';
import { type FakePeer, ShardWorld } from '../fixtures/shard-world.ts';

const worlds: ShardWorld[] = [];
afterEach(() => {
  for (const world of worlds.splice(0)) world.congestion.stop();
});

/** Two peers with a realtime channel of class video: the sender's end, and the receiver's. */
function call(): { world: ShardWorld; sender: FakePeer; from: number; to: number } {
  const world = new ShardWorld();
  worlds.push(world);
  const sender = world.peer();
  const receiver = world.peer();
  const from = world.ends.allocate(sender.session.slot);
  const to = world.ends.allocate(receiver.session.slot);
  for (const [end, other] of [
    [from, to],
    [to, from],
  ] as const) {
    world.ends.state[end] = OPEN;
    world.ends.op[end] = op.OP_DATA + 3;
    world.ends.peerLabel[end] = world.ends.label[other]!;
  }
  return { world, sender, from, to };
}

/** The congestion frames that the sender has got by `ms`, looked at every 10 ms. */
function heard(world: ShardWorld, peer: FakePeer, untilMs: number): Record<string, unknown>[] {
  const all: Record<string, unknown>[] = [];
  for (; world.nowMs < untilMs; world.nowMs += 10) {
    for (const frame of world.got(peer)) {
      if ('op' in frame && frame.op === op.OP_CONGESTION) all.push({ ...frame.body, at: world.nowMs });
    }
  }
  return all;
}

describe('the sender of frames that are dropped', () => {
  test('is told within 110 ms how many, whose limit it is and what gets through, and once when it is over', () => {
    const { world, sender, from, to } = call();
    const label = world.ends.label[to]!;
    world.congestion.droppedFor(label, 'receiver', 3, 0);
    world.congestion.passedFor(label, 4_000);
    expect(heard(world, sender, 2_000)).toEqual([
      {
        label: world.ends.label[from],
        cause: 'receiver',
        bytesPerSec: 40_000,
        dropped: 3,
        over: false,
        at: 100,
      },
      {
        label: world.ends.label[from],
        cause: 'receiver',
        bytesPerSec: 40_000,
        dropped: 0,
        over: true,
        at: 1_000,
      },
    ]);
    expect(world.congestion.size).toBe(0);
    expect(world.counters[C.congestionTold]).toBe(2);
  });

  test('hears of every dropped frame once, at most once in 250 ms, and the end of each episode', () => {
    const drop = fc.record({
      waitMs: fc.oneof(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 3_000 })),
      frames: fc.integer({ min: 1, max: 50 }),
      where: fc.constantFrom('receiver', 'relay', 'budget'),
    });
    fc.assert(
      fc.property(fc.array(drop, { minLength: 1, maxLength: 40 }), (drops) => {
        const { world, sender, from, to } = call();
        const news: Record<string, unknown>[] = [];
        let frames = 0;
        for (const { waitMs, frames: more, where } of drops) {
          news.push(...heard(world, sender, world.nowMs + Math.ceil(waitMs / 10) * 10));
          frames += more;
          if (where === 'receiver')
            world.congestion.droppedFor(world.ends.label[to]!, 'receiver', more, world.nowMs);
          else world.congestion.dropped(from, where as 'relay' | 'budget', more, world.nowMs);
        }
        news.push(...heard(world, sender, world.nowMs + 3_000));
        expect(news.reduce((sum, { dropped }) => sum + Number(dropped), 0)).toBe(frames);
        for (let i = 1; i < news.length; i++) {
          if (news[i - 1]!['over'] === false)
            expect(Number(news[i]!['at']) - Number(news[i - 1]!['at'])).toBeGreaterThanOrEqual(250);
          // One `over` for each episode.
          if (news[i]!['over']) expect(news[i - 1]!['over']).toBe(false);
        }
        expect(news.at(-1)!['over']).toBe(true);
        expect(world.congestion.size).toBe(0);
        world.congestion.stop();
      }),
      { numRuns: 30 },
    );
  });

  test('hears nothing of a channel that has been closed', () => {
    const { world, sender, from } = call();
    world.congestion.dropped(from, 'relay', 1, 0);
    world.ends.free(from);
    expect(heard(world, sender, 2_000)).toEqual([]);
    expect(world.congestion.size).toBe(0);
  });

  test('that does not read is not made a slow reader by the news: they merge until it reads', () => {
    const { world, sender, from } = call();
    sender.socket.full = true;
    world.outboxes.appendControl(sender.session, new Uint8Array(1_000), 0);
    for (; world.nowMs < 200_000; world.nowMs += 50) {
      world.congestion.dropped(from, 'relay', 1, world.nowMs);
      world.congestion.flush(world.nowMs);
      world.outboxes.flush();
    }
    expect(world.refused).toEqual([]);
    expect(sender.session.queue!.controlBytes).toBeLessThan(32 * 1024);
    expect(sender.socket.sends).toHaveLength(1);
    sender.socket.sends.length = 0;
    sender.socket.take();
    world.outboxes.drained(sender.session);
    const news = heard(world, sender, world.nowMs + 2_000);
    expect(news.reduce((sum, { dropped }) => sum + Number(dropped), 0)).toBe(4_000);
    expect(news.length).toBeLessThan(200_000 / 250);
    limit('congestion frames to a sender').sees({ stats: world.stats() });
  });
});
