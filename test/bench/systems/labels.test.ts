import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { SYSTEMS } from '../../../bench/systems/systems.ts';
import { dataFrameBytes, payloadStart, readLabel, writeDataFrame } from '../../../core/protocol/frame.ts';
import { SUBPROTOCOL } from '../../../core/protocol/names.ts';
import { OP_DATA } from '../../../core/protocol/ops.ts';
import { children, inTime } from './world.ts';

function frame(label: number, text: string): Buffer {
  const payload = Buffer.from(text);
  const bytes = Buffer.alloc(dataFrameBytes(payload.length));
  writeDataFrame(bytes, 0, OP_DATA, label, payload);
  return bytes;
}

/** A WebSocket with the messages that it got. */
class Client {
  readonly socket: WebSocket;
  readonly #messages: Buffer[] = [];
  #wake: () => void = () => {};
  index = 0;
  kind = -1;

  private constructor(address: string) {
    this.socket = new WebSocket(address, SUBPROTOCOL, { perMessageDeflate: false });
    this.socket.on('message', (message: Buffer) => {
      this.#messages.push(message);
      this.#wake();
    });
  }

  static async connect(address: string): Promise<Client> {
    const client = new Client(address);
    const greeting = await client.next();
    client.index = readLabel(greeting, 0);
    client.kind = greeting[payloadStart(greeting, 0)]!;
    expect(greeting.length).toBe(dataFrameBytes(1));
    return client;
  }

  async next(): Promise<Buffer> {
    const some = new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (this.#messages.length > 0) resolve();
    });
    await inTime('a message', some);
    return this.#messages.shift()!;
  }

  closed(): Promise<number> {
    return inTime('the close', new Promise((resolve) => this.socket.once('close', resolve)));
  }
}

const BAD_MESSAGES: [string, (receiver: number) => Buffer | string][] = [
  ['a text', () => 'hello'],
  ['an empty message', () => Buffer.alloc(0)],
  ['a frame that is cut off', (receiver) => frame(receiver, 'cut').subarray(0, -1)],
  ['two frames in one message', (receiver) => Buffer.concat([frame(receiver, 'a'), frame(receiver, 'b')])],
  [
    'something that is no data frame',
    (receiver) => Buffer.concat([Buffer.of(0x92), frame(receiver, 'x').subarray(1)]),
  ],
];

for (const id of ['ws', 'uws-relay'] as const) {
  test(`${id} forwards a frame with the sender's index as its label, and ends with its connections open`, async () => {
    const before = children();
    const system = await SYSTEMS[id].start({ core: null, shards: 1 });
    try {
      const [alice, bob] = [await Client.connect(system.address), await Client.connect(system.address)];
      expect([alice.index, bob.index, alice.kind]).toEqual([1, 2, 0]);
      expect(alice.socket.protocol).toBe(SUBPROTOCOL);
      const idle = await system.usage();
      for (let i = 0; i < 50; i++) {
        alice.socket.send(frame(bob.index, `packet ${i}`));
        expect(await bob.next()).toEqual(frame(alice.index, `packet ${i}`));
      }
      bob.socket.send(frame(alice.index, 'answer'));
      expect(await alice.next()).toEqual(frame(bob.index, 'answer'));
      const busy = await system.usage();
      expect(busy.cpuMs).toBeGreaterThan(idle.cpuMs);
      expect(busy.rssBytes).toBeGreaterThan(1e7);
      expect(busy.drops).toBe(0);
    } finally {
      await system.stop();
    }
    expect(children()).toEqual(before);
  });

  test(`${id} closes the connection that sends a bad message, and no other`, async () => {
    await using system = await SYSTEMS[id].start({ core: null, shards: 1 });
    const [alice, bob] = [await Client.connect(system.address), await Client.connect(system.address)];
    for (const [what, message] of BAD_MESSAGES) {
      const attacker = await Client.connect(system.address);
      attacker.socket.send(message(bob.index));
      expect(await attacker.closed(), what).toBe(1003);
    }
    alice.socket.send(frame(bob.index, 'still here'));
    expect(await bob.next()).toEqual(frame(alice.index, 'still here'));
  });

  test(`${id} counts a frame for nobody as dropped`, async () => {
    await using system = await SYSTEMS[id].start({ core: null, shards: 1 });
    const alice = await Client.connect(system.address);
    alice.socket.send(frame(77, 'nobody'));
    alice.socket.send(frame(alice.index, 'myself'));
    await alice.next();
    expect((await system.usage()).drops).toBe(1);
    expect(await system.collectedRssBytes()).toBeGreaterThan(1e7);
  });
}

test('uws-echo returns each message as it was, and ends with its connections open', async () => {
  const before = children();
  const system = await SYSTEMS['uws-echo'].start({ core: null, shards: 1 });
  try {
    const alice = await Client.connect(system.address);
    expect([alice.index, alice.kind]).toEqual([1, 1]);
    const bundle = Buffer.concat([frame(alice.index, 'a'), frame(alice.index, 'b')]);
    alice.socket.send(bundle);
    expect(await alice.next()).toEqual(bundle);
    const attacker = await Client.connect(system.address);
    attacker.socket.send('text');
    expect(await attacker.closed()).toBe(1003);
    alice.socket.send(bundle);
    expect(await alice.next()).toEqual(bundle);
  } finally {
    await system.stop();
  }
  expect(children()).toEqual(before);
});

test('the rivals say which version of their library they run', async () => {
  const { version } = createRequire(import.meta.url)('ws/package.json') as { version: string };
  expect(await SYSTEMS.ws.version()).toBe(version);
  expect(await SYSTEMS['uws-echo'].version()).toMatch(/^\d+\.\d+\.\d+$/);
});
