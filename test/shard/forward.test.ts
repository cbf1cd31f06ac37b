import { describe, expect, test } from 'vitest';
import { encodeControl } from '../../core/protocol/control.ts';
import { ProtocolError } from '../../core/protocol/errors.ts';
import * as op from '../../core/protocol/ops.ts';
import { BundleWriter } from '../fixtures/bundle-writer.ts';
import { type FakePeer, ShardWorld } from '../fixtures/shard-world.ts';

const KIND = { reliable: false, priority: 1, lifeMs: 1_000, credit: 0, protocol: '' };
const AUDIO = op.OP_DATA + 1;

interface Line {
  world: ShardWorld;
  alice: FakePeer;
  bob: FakePeer;
  /** Labels at either end. */
  mine: number;
  theirs: number;
}

function line(kind = KIND, world = new ShardWorld(), alice = world.peer(), bob = world.peer()): Line {
  world.channels.open(alice.session, 1, { to: bob.key, ...kind });
  const theirs = (world.got(bob)[0] as { body: { label: number } }).body.label;
  world.channels.accept(bob.session, { label: theirs, credit: kind.credit });
  const mine = (world.got(alice)[0] as { body: { label: number } }).body.label;
  return { world, alice, bob, mine, theirs };
}

function bundle(...frames: (Uint8Array | [code: number, label: number, payload: number])[]): Uint8Array {
  const writer = new BundleWriter();
  for (const frame of frames) {
    if (frame instanceof Uint8Array) writer.addControl(frame);
    else writer.addData(frame[0], frame[1], Uint8Array.of(frame[2]));
  }
  return writer.take();
}
const payloads = (frames: unknown[]): number[] =>
  (frames as { payload: Uint8Array }[]).map((f) => f.payload[0]!);

describe('forwarding', () => {
  test("gives every frame its receiver's label, in order, also when channels alternate", () => {
    const first = line();
    const second = line(KIND, first.world, first.alice, first.world.peer());
    const frames = Array.from({ length: 40 }, (_, i): [number, number, number] => [
      AUDIO,
      i % 3 === 0 ? second.mine : first.mine,
      i,
    ]);
    first.world.bundle(first.alice, bundle(...frames));
    const [a, b] = [first.world.got(first.bob), first.world.got(second.bob)] as { label: number }[][];
    expect(new Set(a!.map((f) => f.label))).toEqual(new Set([first.theirs]));
    expect(new Set(b!.map((f) => f.label))).toEqual(new Set([second.theirs]));
    expect(payloads(b!)).toEqual(frames.filter((f) => f[1] === second.mine).map((f) => f[2]));
    expect(payloads(a!)).toEqual(frames.filter((f) => f[1] === first.mine).map((f) => f[2]));
  });

  test("drops what is not the sender's, of another class, or after the end, and only that", () => {
    const { world, alice, bob, mine } = line();
    const stranger = line(KIND, world);
    world.bundle(
      alice,
      bundle(
        [AUDIO, mine, 1],
        [AUDIO, stranger.mine, 90],
        [AUDIO, 0, 91],
        [AUDIO, mine, 2],
        [AUDIO + 1, mine, 92],
        [AUDIO, mine, 3],
        [AUDIO, stranger.theirs, 93],
        [op.OP_END + 1, mine, 4],
        [AUDIO, mine, 94],
        [op.OP_END + 1, mine, 95],
      ),
    );
    expect(payloads(world.got(bob))).toEqual([1, 2, 3, 4]);
    expect(world.got(stranger.bob)).toEqual([]);
    expect(world.drops()).toEqual({ dropLabel: 3, dropClass: 1, dropEnded: 2 });
  });

  test("forgets the label before a control frame: label 0 after it is nobody's", () => {
    const { world, alice, bob, mine } = line();
    world.bundle(
      alice,
      bundle([AUDIO, mine, 1], encodeControl(op.OP_PING, 1, {}), [AUDIO, 0, 2], [AUDIO, mine, 3]),
    );
    expect(payloads(world.got(bob))).toEqual([1, 3]);
    expect(world.drops()).toEqual({ dropLabel: 1 });
  });

  test('delivers the frames before a malformed one, and throws', () => {
    const { world, alice, bob, mine } = line();
    const good = bundle([AUDIO, mine, 1], [AUDIO, mine, 2]);
    for (const bad of [[0x93, AUDIO, 0xce], [0x93], [0x00], [0x93, AUDIO, 0xcd, 0, 0, 0, 0, 0xc4, 0]]) {
      expect(() => world.bundle(alice, Uint8Array.from([...good, ...bad]))).toThrow(ProtocolError);
      expect(payloads(world.got(bob))).toEqual([1, 2]);
    }
  });

  test('closes a reliable channel that overruns its credit, and nothing else of the bundle is lost', () => {
    const first = line({ ...KIND, reliable: true, credit: 100 });
    const { world, alice, bob, mine, theirs } = first;
    const other = line(KIND, world, alice, world.peer());
    // Ten bytes a frame: ten are granted, the eleventh is too much.
    world.bundle(
      alice,
      bundle(...Array.from({ length: 10 }, (_, i): [number, number, number] => [AUDIO, mine, i])),
    );
    expect(world.got(bob).length).toBe(10);
    world.bundle(
      alice,
      bundle([AUDIO, other.mine, 1], [AUDIO, mine, 11], [AUDIO, other.mine, 2], [AUDIO, mine, 12]),
    );
    expect(payloads(world.got(other.bob))).toEqual([1, 2]);
    expect(world.got(bob)).toEqual([
      { op: op.OP_CLOSED, requestId: 0, body: { label: theirs, reason: 'overrun' } },
    ]);
    expect(world.got(alice)).toEqual([
      { op: op.OP_CLOSED, requestId: 0, body: { label: mine, reason: 'overrun' } },
    ]);
    expect(alice.session.liabilityBytes).toBe(0);
    expect(bob.session.liabilityBytes).toBe(0);
  });

  test('by a shard that is behind passes audio, ends of streams and reliable data, and sheds bulk, which it counts', () => {
    const kinds = [
      { ...KIND, priority: 4 },
      { ...KIND, priority: 1 },
      { ...KIND, priority: 4, reliable: true, lifeMs: 0, credit: 1_000 },
    ];
    const world = new ShardWorld();
    const [alice, bob] = [world.peer(), world.peer()];
    const [lossy, audio, reliable] = kinds.map((kind) => line(kind, world, alice, bob));
    const bulk = op.OP_DATA + 4;
    // Late for so long that nothing but audio and signal passes.
    for (let k = 0; k < 1_000; k++) world.behind.look(50, 0);
    world.bundle(
      alice,
      bundle(
        [bulk, lossy!.mine, 1],
        [AUDIO, audio!.mine, 2],
        [bulk, reliable!.mine, 3],
        [bulk, lossy!.mine, 4],
      ),
    );
    expect(payloads(world.got(bob))).toEqual([2, 3]);
    expect(world.drops()).toEqual({ dropBehind: 2 });
    // The end of a stream has no payload.
    const end = new BundleWriter();
    end.addData(bulk | op.END_BIT, lossy!.mine, new Uint8Array(0));
    world.bundle(alice, end.take());
    expect(world.got(bob)).toHaveLength(1);
    // On time again: the level goes up with every look.
    for (let k = 0; k < 1_000 && world.behind.active; k++) world.behind.look(0, 0);
    expect(world.behind.active).toBe(false);
  });
});
