import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { afterEach, describe, expect, test } from 'vitest';
import { C, COUNTERS } from '../../core/threads/counters.ts';
import type { ShardMessage, ShardTask } from '../../core/threads/messages.ts';
import { createRing } from '../../core/threads/ring.ts';
import { Links } from '../../workers/shard/links.ts';

const ports: MessagePort[] = [];
afterEach(() => {
  for (const port of ports.splice(0)) port.close();
});

interface Side {
  links: Links;
  counters: Float64Array;
  data: { first: number; frames: number }[];
  messages: ShardMessage[];
  wakes: () => number;
  /** Turns that it asked for. */
  asked: () => number;
  turn: () => void;
}

/** Two shards in one thread; a turn happens when the test says so. */
function twoShards(ringBytes = 1024): [Side, Side] {
  const awake = new SharedArrayBuffer(8);
  const rings = [createRing(ringBytes), createRing(ringBytes)];
  const channel = new MessageChannel();
  ports.push(channel.port1, channel.port2);
  const side = (index: number): Side => {
    const counters = new Float64Array(COUNTERS.length);
    const data: Side['data'] = [];
    const messages: ShardMessage[] = [];
    let asked = 0;
    const other = 1 - index;
    const at = <T>(value: T): (T | null)[] => (other === 0 ? [value, null] : [null, value]);
    const task = {
      index,
      shards: 2,
      awake,
      ringsIn: at(rings[other]),
      ringsOut: at(rings[index]),
      wakePorts: at(index === 0 ? channel.port1 : channel.port2),
    } as unknown as ShardTask;
    const links = new Links(
      {
        data: (bytes, start, _stop, frames) => data.push({ first: bytes[start]!, frames }),
        message: (_from, message) => messages.push(message),
        schedule: () => asked++,
        fault: (_where, error) => {
          throw error;
        },
      },
      task,
      counters,
    );
    const turn = (): void => {
      links.receive();
      links.commit();
    };
    return { links, counters, data, messages, wakes: () => counters[C.ringWakes]!, asked: () => asked, turn };
  };
  return [side(0), side(1)];
}

const frame = (number: number, bytes = 100): Uint8Array => new Uint8Array(bytes).fill(number & 0xff);
const send = ({ links }: Side, to: number, number: number, reliable: boolean, bytes = 100): boolean =>
  links.sendData(to, reliable, frame(number, bytes), 0, bytes, 1);

describe('the rings between shards', () => {
  test('wake the other shard once, and again only when it has gone to sleep', () => {
    const [a, b] = twoShards();
    for (let turn = 0; turn < 5; turn++) {
      send(a, 1, turn, false);
      a.turn();
    }
    expect(a.wakes()).toBe(1);
    for (let turn = 0; turn < 10; turn++) b.turn();
    expect(b.data.length).toBe(5);
    send(a, 1, 9, false);
    a.turn();
    expect(a.wakes()).toBe(2);
  });

  test('wake a sleeping shard also when the ring became full within the turn and the last frame was dropped', () => {
    const [a, b] = twoShards();
    for (let number = 0; number < 100; number++) send(a, 1, number, false);
    const dropped = a.counters[C.dropRing]!;
    expect(dropped).toBeGreaterThan(0);
    a.turn();
    expect(a.wakes()).toBe(1);
    b.turn();
    expect(b.data.map(({ first }) => first)).toEqual(Array.from({ length: 100 - dropped }, (_, i) => i));
    send(a, 1, 100, false);
    a.turn();
    b.turn();
    expect(b.data.at(-1)!.first).toBe(100);
  });

  test('do not leave a record that came just as the other shard went to sleep', () => {
    const [a, b] = twoShards();
    send(a, 1, 1, false);
    a.turn();
    b.turn();
    // Turn by turn until it sleeps; in each, the record comes after it has looked and before it decides.
    for (let number = 2; number < 12; number++) {
      for (let idle = 0; idle < number % 4; idle++) b.turn();
      b.links.receive();
      send(a, 1, number, false);
      const wakes = a.wakes();
      a.turn();
      const asked = b.asked();
      b.links.commit();
      // Either it was woken by a post, or it has asked for another turn by itself.
      expect(a.wakes() - wakes + (b.asked() - asked)).toBeGreaterThan(0);
      b.turn();
      expect(b.data.at(-1)!.first).toBe(number);
    }
  });

  test('lose no reliable frame and no message when the ring is full, and keep one order', () => {
    const [a, b] = twoShards();
    const order: string[] = [];
    for (let number = 0; number < 60; number++) {
      if (number % 7 === 0) {
        a.links.sendMessage(1, { t: 'credit', label: number, bytes: 1 });
        order.push(`m${number}`);
      }
      send(a, 1, number, true);
      order.push(`d${number}`);
    }
    const seen: string[] = [];
    b.data.push = (...items) => seen.push(...items.map(({ first }) => `d${first}`));
    b.messages.push = (...items) => seen.push(...items.map((m) => `m${(m as { label: number }).label}`));
    for (let turn = 0; turn < 100 && seen.length < order.length; turn++) {
      a.turn();
      b.turn();
    }
    expect(seen).toEqual(order);
    expect(a.counters[C.dropRing]).toBe(0);
  });

  test('drop realtime frames while others wait for room, so that nothing is overtaken', () => {
    const [a, b] = twoShards();
    for (let number = 0; number < 20; number++) send(a, 1, number, true);
    send(a, 1, 99, false);
    expect(a.counters[C.dropRing]).toBe(1);
    for (let turn = 0; turn < 20; turn++) {
      a.turn();
      b.turn();
    }
    expect(b.data.map(({ first }) => first)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });
});
