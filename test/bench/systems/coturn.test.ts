import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Dialect, Found, Lane, PacketReader, Peer, Receiver } from '../../../bench/load/dialect.ts';
import { turnTcpDialect } from '../../../bench/load/turn/turn-tcp.ts';
import { turnUdpDialect } from '../../../bench/load/turn/turn-udp.ts';
import { SYSTEMS } from '../../../bench/systems/systems.ts';
import { children, installed, inTime } from './world.ts';

/** Reads all that comes to one peer, item by item, as the load engine does off its fast path. */
class Listener implements Receiver {
  readonly #reader: PacketReader;
  readonly #packets: { key: number; payload: string; whole: Buffer }[] = [];
  #kept = Buffer.alloc(0);
  #wake: () => void = () => {};
  #error: Error | null = null;

  constructor(reader: PacketReader) {
    this.#reader = reader;
  }

  bytes(bytes: Buffer, from: number, to: number): void {
    this.#kept = Buffer.concat([this.#kept, bytes.subarray(from, to)]);
    const found: Found = { key: 0, payloadFrom: 0, payloadTo: 0 };
    while (this.#kept.length > 0) {
      const end = this.#reader.read(this.#kept, 0, this.#kept.length, found);
      if (end < 0) break;
      if (found.key >= 0) {
        const payload = this.#kept.toString('utf8', found.payloadFrom, found.payloadTo);
        this.#packets.push({ key: found.key, payload, whole: this.#kept.subarray(0, end) });
      }
      this.#kept = this.#kept.subarray(end);
    }
    this.#wake();
  }

  broken(error: Error): void {
    this.#error = error;
    this.#wake();
  }
  messageEnded(): void {}
  readEnded(): void {}
  drained(): void {}

  async next(): Promise<{ key: number; payload: string; whole: Buffer }> {
    await inTime(
      'a packet',
      new Promise<void>((resolve) => {
        this.#wake = resolve;
        if (this.#packets.length > 0 || this.#error) resolve();
      }),
    );
    if (this.#error) throw this.#error;
    return this.#packets.shift()!;
  }
}

async function connected(dialect: Dialect, address: string): Promise<{ peer: Peer; listener: Listener }> {
  let listener: Listener | undefined;
  const peer = await dialect.connect(address, 0, (reader) => {
    listener = new Listener(reader);
    return listener;
  });
  return { peer, listener: listener! };
}

function send(peer: Peer, lane: Lane, text: string): void {
  const bytes = lane.encode(Buffer.from(text));
  peer.write(bytes, 0, bytes.length, false);
}

const FLOWS = (['audio', 'video'] as const).map((name) => ({
  name,
  priority: name,
  reliable: false,
  sizes: { bytes: 100 },
  ratePerSec: 50,
  burst: 1,
}));

for (const [id, flows, turnDialect] of [
  ['coturn-tcp', FLOWS.slice(0, 1), () => turnTcpDialect('both')],
  ['coturn-tcp-udp', FLOWS, () => turnTcpDialect('caller')],
  ['coturn-udp', FLOWS, turnUdpDialect],
] as const) {
  test(`${id} relays both ways on each lane, says what it uses, and leaves no process`, async (context) => {
    await installed(SYSTEMS[id], context);
    expect(await SYSTEMS[id].version()).toMatch(/^\d+\.\d+/);
    const before = children();
    const system = await SYSTEMS[id].start({ core: null, shards: 1 });
    const dialect = turnDialect();
    const [alice, bob] = [await connected(dialect, system.address), await connected(dialect, system.address)];
    try {
      const idle = await system.usage();
      const call = await inTime('the call', dialect.call(alice.peer, bob.peer, flows));
      for (const flow of flows.keys()) {
        const [near, far] = [call.caller[flow]!, call.callee[flow]!];
        // Over TCP the padding of 1 to 3 bytes, and none, and the empty packet.
        for (const text of ['', 'a', 'ab', 'abc', 'abcd', 'a long packet '.repeat(80)]) {
          send(alice.peer, near, text);
          const there = await bob.listener.next();
          expect(there).toMatchObject({ key: far.key, payload: text });
          expect(there.whole).toEqual(Buffer.from(far.expect(Buffer.from(text))));
          send(bob.peer, far, text);
          const back = await alice.listener.next();
          expect(back).toMatchObject({ key: near.key, payload: text });
          expect(back.whole).toEqual(Buffer.from(near.expect(Buffer.from(text))));
        }
      }
      expect((await system.usage()).cpuMs).toBeGreaterThan(idle.cpuMs);
    } finally {
      for (const { peer } of [alice, bob]) peer.destroy();
      await system.stop();
    }
    expect(children()).toEqual(before);
    for (const file of ['/var/run/turnserver.pid', '/var/tmp/turnserver.pid']) {
      expect(existsSync(file), file).toBe(false);
    }
  });
}

test('two clients that share more than one flow are refused', async () => {
  const dialect = turnTcpDialect('both');
  const [alice, bob] = [await connected(dialect, '127.0.0.1:1'), await connected(dialect, '127.0.0.1:1')];
  await expect(dialect.call(alice.peer, bob.peer, FLOWS)).rejects.toThrow('share one flow here, not 2');
});

test('a server that is not there ends the call with a sentence', async () => {
  const dialect = turnTcpDialect('caller');
  const [alice, bob] = [await connected(dialect, '127.0.0.1:1'), await connected(dialect, '127.0.0.1:1')];
  await expect(inTime('the refusal', dialect.call(alice.peer, bob.peer, FLOWS))).rejects.toThrow(
    /ECONNREFUSED/,
  );
});

test('a peer is not both the client of a call and called in another', async (context) => {
  await installed(SYSTEMS['coturn-udp'], context);
  await using system = await SYSTEMS['coturn-udp'].start({ core: null, shards: 1 });
  const dialect = turnUdpDialect();
  const [alice, bob] = [await connected(dialect, system.address), await connected(dialect, system.address)];
  await dialect.call(alice.peer, bob.peer, FLOWS);
  await expect(dialect.call(bob.peer, alice.peer, FLOWS)).rejects.toThrow(/not both/);
  for (const { peer } of [alice, bob]) peer.destroy();
});
